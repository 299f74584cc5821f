// SPDX-License-Identifier: Apache-2.0
// The command line of `syncline check-ignore`, as typed and as understood.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "syncline/copy.hpp"

namespace syncline::cli {

struct CheckIgnoreCommand {
  CopyOptions options;  ///< what copy would be given: the rules and, as its one source, the root
  std::vector<std::string> paths;
  bool verbose = false;
  bool non_matching = false;
  bool zero = false;  ///< NUL bytes in the place of newlines and tabs, names as they are
  bool from_input = false;
  bool help = false;
};

/// Understands the arguments behind `syncline check-ignore`. Options about rules are those of copy and are
/// read as there. Throws as parse_copy().
CheckIgnoreCommand parse_check_ignore(const std::vector<std::string>& args, std::istream& standard_input);

/// The text of `syncline check-ignore --help`.
std::string check_ignore_help();

}  // namespace syncline::cli
