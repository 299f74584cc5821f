// SPDX-License-Identifier: Apache-2.0
// Weighted longest increasing subsequence with a Fenwick tree of prefix maxima.
#include "delta/monotone.hpp"

#include <algorithm>

namespace syncline::delta {
namespace {

constexpr std::uint32_t no_span = 0xFFFFFFFF;

/// Best chain (weight, last span) among those that end at or before a rank.
class PrefixBest {
 public:
  explicit PrefixBest(std::size_t size) : best_(size + 1, no_span) {}
  void offer(std::size_t rank, std::uint32_t span, const std::vector<std::uint64_t>& weight) {
    for (std::size_t at = rank + 1; at < best_.size(); at += at & -at)
      if (best_[at] == no_span || weight[best_[at]] < weight[span]) best_[at] = span;
  }
  /// Of the ranks below `rank_end`.
  std::uint32_t find(std::size_t rank_end, const std::vector<std::uint64_t>& weight) const {
    std::uint32_t found = no_span;
    for (std::size_t at = rank_end; at != 0; at -= at & -at)
      if (best_[at] != no_span && (found == no_span || weight[found] < weight[best_[at]])) found = best_[at];
    return found;
  }

 private:
  std::vector<std::uint32_t> best_;
};

bool in_order(const std::vector<OldSpan>& spans) {
  for (std::size_t i = 1; i < spans.size(); ++i)
    if (spans[i].begin < spans[i - 1].end) return false;
  return true;
}

}  // namespace

std::vector<bool> heaviest_chain(const std::vector<OldSpan>& spans) {
  if (in_order(spans)) return std::vector<bool>(spans.size(), true);
  std::vector<std::uint64_t> ends(spans.size());
  std::transform(spans.begin(), spans.end(), ends.begin(), [](const OldSpan& span) { return span.end; });
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  const auto ranks_until = [&](std::uint64_t offset) {  // number of distinct ends <= offset
    return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), offset) - ends.begin());
  };
  PrefixBest best(ends.size());
  std::vector<std::uint64_t> weight(spans.size());
  std::vector<std::uint32_t> before(spans.size(), no_span);
  std::uint32_t last = no_span;
  for (std::uint32_t i = 0; i < spans.size(); ++i) {
    before[i] = best.find(ranks_until(spans[i].begin), weight);
    weight[i] = spans[i].end - spans[i].begin + (before[i] == no_span ? 0 : weight[before[i]]);
    best.offer(ranks_until(spans[i].end) - 1, i, weight);
    if (last == no_span || weight[last] < weight[i]) last = i;
  }
  std::vector<bool> keep(spans.size(), false);
  for (; last != no_span; last = before[last]) keep[last] = true;
  return keep;
}

}  // namespace syncline::delta
