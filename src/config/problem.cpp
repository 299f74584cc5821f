// SPDX-License-Identifier: Apache-2.0
// Problems as lines, origins of values, guesses at misspelt words.
#include "config/problem.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace syncline::config {
namespace {

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before(right.size() + 1), last(right.size() + 1), row(right.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t k = 1; k <= right.size(); ++k) {
      const std::size_t replaced = last[k - 1] + (left[i - 1] == right[k - 1] ? 0 : 1);
      row[k] = std::min({last[k] + 1, row[k - 1] + 1, replaced});
      if (i > 1 && k > 1 && left[i - 1] == right[k - 2] && left[i - 2] == right[k - 1])
        row[k] = std::min(row[k], before[k - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[right.size()];
}

/// What contains a key: "a[1].b" is in "a[1]", that in "a".
std::string_view container_of(std::string_view key) {
  const auto end = key.find_last_of(".[");
  return end == key.npos ? std::string_view{} : key.substr(0, end);
}

}  // namespace

std::string to_line(const Problem& problem) {
  std::string out;
  for (const auto* part : {&problem.place, &problem.key})
    if (!part->empty()) out += *part + ": ";
  out += problem.cause;
  return problem.next.empty() ? out : out + "; " + problem.next;
}

std::string Origins::place_of(std::string_view key) const {
  for (; !key.empty(); key = container_of(key))
    if (const auto found = places_.find(key); found != places_.end()) return found->second;
  return {};
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr std::size_t word_bytes_max = 64;  // the comparison is quadratic
  if (word.size() > word_bytes_max) return {};
  std::string_view best;
  auto least = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const auto candidate : known)
    if (const auto distance = edit_distance(word, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  return best;
}

void throw_problems(const std::vector<Problem>& problems) {
  auto text = to_line(problems.front());
  if (problems.size() > 1) text += " (and " + std::to_string(problems.size() - 1) + " more)";
  throw Error(Errc::usage, text);
}

}  // namespace syncline::config
