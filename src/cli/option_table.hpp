// SPDX-License-Identifier: Apache-2.0
// Every option of `syncline copy` with its meaning: the parser, the help text and the tests of the
// manual page and the completions all read this one table.
#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/copy_command_line.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {

/// What `syncline watch` alone is told.
struct WatchOptions {
  bool guard_changes = true;
  WatchWith with = WatchWith::automatic;
  std::optional<std::chrono::milliseconds> rescan;
  std::optional<std::string> config;
  std::vector<std::string> only;
  std::optional<std::string> hook;
  bool hook_null = false;
};

/// A command line that is being understood, option by option, in the order typed.
struct CopyDraft {
  CopyCommand command;
  std::istream* standard_input = nullptr;
  bool recursive_asked = false;  // -r was typed: --files-from then does not switch it off
  bool devices = true;
  bool specials = true;
  bool partial = false;
  WatchOptions watch;
};

/// One appearance of an option.
struct OptionUse {
  std::string_view option;  ///< as it is to be named in messages
  std::string_view value;   ///< empty for a flag
  bool on = true;           ///< false for --no-X
};

enum class OptionGroup { attributes, selection, deletion, receiving, remote, output, other, watching };

struct OptionSpec {
  std::string_view name;  ///< long name without dashes; empty if there is none
  char letter = '\0';
  std::string_view value_name;  ///< empty: a flag, which also has --no-NAME and --no-LETTER
  OptionGroup group = OptionGroup::other;
  std::string_view help;
  void (*apply)(CopyDraft&, const OptionUse&);
  bool once = false;  ///< repeating it means something in rsync that syncline lacks

  bool is_flag() const { return value_name.empty(); }
};

/// All options. `update` and `compress` appear twice: as a flag and with a value.
std::span<const OptionSpec> copy_options();

/// Those that `syncline watch` has beside them.
std::span<const OptionSpec> watch_options();

/// Whether this flag shares its long name with an option that takes a value; then the long name
/// alone ("--update") is the flag and "--update=VALUE" the other.
bool shares_name(const OptionSpec& flag);

/// Its lines in a help text.
std::string option_line(const OptionSpec& spec);

}  // namespace syncline::cli
