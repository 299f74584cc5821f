// SPDX-License-Identifier: Apache-2.0
// Asking the process and its terminal.
#include "cli/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace syncline::cli {
namespace {

unsigned terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* text = std::getenv("COLUMNS"); text != nullptr)
    if (const long columns = std::strtol(text, nullptr, 10); columns > 0 && columns < 10'000)
      return static_cast<unsigned>(columns);
  return 80;
}

}  // namespace

Console process_console() {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  const bool capable = term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
  const bool terminal = ::isatty(STDERR_FILENO) == 1 && capable;
  const bool color = terminal && (no_color == nullptr || *no_color == '\0');
  return {std::cin, std::cout, std::cerr, system_clock(), terminal, color, terminal_columns};
}

}  // namespace syncline::cli
