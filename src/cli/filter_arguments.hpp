// SPDX-License-Identifier: Apache-2.0
// Filter rules and name lists, from the command line and from the files it names.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "syncline/copy.hpp"

namespace syncline::cli {

/// Appends the rule in `text`, read as rsync reads --exclude and --include: a "+ " or "- " in front
/// decides in place of the option, "!" alone drops all rules so far, an empty text is no rule.
/// Throws Error(usage) for a prefix without a pattern.
void add_filter_text(std::vector<FilterRule>& rules, bool include, std::string_view option,
                     std::string_view text);

/// The same for each line of a file; blank lines and lines that start with ';' or '#' do not count.
/// "-" reads standard input. Throws Error(errno) naming the file when it cannot be read.
void add_filter_file(std::vector<FilterRule>& rules, bool include, std::string_view option,
                     std::string_view file, std::istream& standard_input);

/// The lines of a --files-from list, blank ones and comments (';', '#') left out.
std::vector<std::string> read_name_list(std::string_view option, std::string_view file,
                                        std::istream& standard_input);

}  // namespace syncline::cli
