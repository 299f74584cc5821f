// SPDX-License-Identifier: Apache-2.0
// The lines at the foot of a terminal that are drawn anew in place.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

/// Rows on standard error that give way to other output. For a console whose err_is_terminal; one thread at a
/// time.
class LiveArea {
 public:
  explicit LiveArea(Console& console) : console_(console) {}
  LiveArea(const LiveArea&) = delete;
  LiveArea& operator=(const LiveArea&) = delete;

  /// The text of a row, which may hold color codes but must fit the terminal; an empty one takes no line.
  /// Draws.
  void set(std::size_t row, std::string text);
  /// Takes all rows off the screen, before other output and at the end. They come back with draw() or set().
  void hide();
  void draw();

 private:
  Console& console_;
  std::vector<std::string> rows_;
  std::size_t drawn_ = 0;  ///< lines on the screen; the cursor is at the end of the last one
};

}  // namespace syncline::cli
