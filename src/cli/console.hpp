// SPDX-License-Identifier: Apache-2.0
// Console: the streams and the terminal a command talks to; a test puts its own in place.
#pragma once

#include <functional>
#include <iosfwd>

#include "base/world.hpp"

namespace syncline::cli {

struct Console {
  std::istream& in;
  std::ostream& out;  ///< data: names, summaries, records
  std::ostream& err;  ///< messages and progress
  Clock& clock;
  bool err_is_terminal = false;       ///< one that understands control sequences
  bool color = false;                 ///< on err
  std::function<unsigned()> columns;  ///< of err, asked at every redraw
};

/// The console of this process. No color with NO_COLOR set (https://no-color.org); TERM=dumb counts
/// as no terminal. Width: of the terminal, else $COLUMNS, else 80.
Console process_console();

}  // namespace syncline::cli
