// SPDX-License-Identifier: Apache-2.0
// Reading filter rules and name lists as rsync does.
#include "cli/filter_arguments.hpp"

#include <cerrno>
#include <fstream>
#include <istream>

#include "base/error.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {
namespace {

/// Calls visit(line) for each line that counts. A carriage return ends a line too, as in rsync.
template <class Visit>
void each_line(std::istream& in, Visit visit) {
  std::string line;
  const auto finish = [&] {
    if (!line.empty() && line.front() != ';' && line.front() != '#') visit(line);
    line.clear();
  };
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n' || c == '\r') finish();
    else line += static_cast<char>(c);
  }
  finish();
}

template <class Visit>
void each_line_of(std::string_view option, std::string_view file, std::istream& standard_input, Visit visit) {
  if (file.empty()) refuse_value(option, file, "is not the name of a file");
  const auto context = std::string(option) + ": " + escape_name(file);
  errno = 0;
  if (file == "-") {
    each_line(standard_input, visit);
    if (standard_input.bad()) throw Error(EIO, context);
    return;
  }
  // These are files that the user names, not entries of a tree, so they are opened by path.
  std::ifstream in(std::string(file), std::ios::binary);
  if (!in) throw Error(errno != 0 ? errno : EIO, context);
  each_line(in, visit);
  // Reading a directory opens well and fails at the first byte.
  if (in.bad()) throw Error(errno != 0 ? errno : EIO, context);
}

}  // namespace

void add_filter_text(std::vector<FilterRule>& rules, bool include, std::string_view option,
                     std::string_view text) {
  if (text.empty()) return;
  if (text == "!") {
    rules.clear();
    return;
  }
  auto pattern = text;
  if (text.starts_with("- ") || text.starts_with("+ ")) {
    include = text.front() == '+';
    pattern.remove_prefix(2);
  }
  if (pattern.empty()) refuse_value(option, text, "has no pattern behind its prefix");
  rules.push_back({include, std::string(pattern)});
}

void add_filter_file(std::vector<FilterRule>& rules, bool include, std::string_view option,
                     std::string_view file, std::istream& standard_input) {
  each_line_of(option, file, standard_input,
               [&](const std::string& line) { add_filter_text(rules, include, option, line); });
}

std::vector<std::string> read_name_list(std::string_view option, std::string_view file,
                                        std::istream& standard_input) {
  std::vector<std::string> names;
  each_line_of(option, file, standard_input, [&](const std::string& line) { names.push_back(line); });
  return names;
}

}  // namespace syncline::cli
