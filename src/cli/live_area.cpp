// SPDX-License-Identifier: Apache-2.0
// Drawing with carriage returns and three control sequences.
#include "cli/live_area.hpp"

#include <ostream>
#include <utility>

namespace syncline::cli {
namespace {

constexpr const char* erase_to_end = "\033[K";
constexpr const char* line_up = "\033[A";

}  // namespace

void LiveArea::set(std::size_t row, std::string text) {
  if (row >= rows_.size()) rows_.resize(row + 1);
  rows_[row] = std::move(text);
  draw();
}

void LiveArea::draw() {
  std::vector<const std::string*> lines;
  for (const auto& row : rows_)
    if (!row.empty()) lines.push_back(&row);
  if (lines.size() < drawn_) hide();
  if (!lines.empty()) console_.out.flush();  // what was printed comes first
  auto& err = console_.err;
  for (std::size_t above = drawn_; above > 1; --above) err << line_up;
  for (std::size_t at = 0; at < lines.size(); ++at)
    err << (at == 0 ? "\r" : "\n\r") << *lines[at] << erase_to_end;
  if (!lines.empty()) err << std::flush;
  drawn_ = lines.size();
}

void LiveArea::hide() {
  if (drawn_ == 0) return;
  auto& err = console_.err;
  err << '\r' << erase_to_end;
  for (; drawn_ > 1; --drawn_) err << line_up << erase_to_end;
  err << std::flush;
  drawn_ = 0;
}

}  // namespace syncline::cli
