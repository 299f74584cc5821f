// SPDX-License-Identifier: Apache-2.0
// The options of watch, and what copy's mean to it.
#include "cli/watch_command_line.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/option_grammar.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {
namespace {

using enum OptionGroup;

void rescan(CopyDraft& draft, const OptionUse& use) {
  draft.watch.rescan =
      parse_duration(use.option, use.value, limits::watch_rescan_min, limits::watch_rescan_span_max);
}
void config(CopyDraft& draft, const OptionUse& use) {
  if (use.value.empty()) refuse_value(use.option, use.value, "is empty");
  draft.watch.config = use.value;
}
void only(CopyDraft& draft, const OptionUse& use) { draft.watch.only.emplace_back(use.value); }

void hook(CopyDraft& draft, const OptionUse& use) {
  if (use.value.empty()) refuse_value(use.option, use.value, "is empty");
  if (use.value.size() > limits::hook_command_bytes_max)
    throw Error(Errc::usage, std::string(use.option) + ": the command has more than " +
                                 std::to_string(limits::hook_command_bytes_max) +
                                 " bytes; write it into a file and run that");
  draft.watch.hook = use.value;
}
void hook_null(CopyDraft& draft, const OptionUse& use) { draft.watch.hook_null = use.on; }

void guard_changes(CopyDraft& draft, const OptionUse& use) { draft.watch.guard_changes = use.on; }
void watch_with(CopyDraft& draft, const OptionUse& use) {
  draft.watch.with = parse_watch_with(use.option, use.value);
}

constexpr auto watch_table = std::to_array<OptionSpec>({
    {"rescan", '\0', "DURATION", watching, "look at everything again after so long (1h; 10s to 7d)", rescan},
    {"config", '\0', "FILE", watching, "follow what FILE names, not what client.toml does", config},
    {"only", '\0', "NAME", watching, "of these follow the one of that name; may be repeated", only},
    {"hook", '\0', "COMMAND", watching, "run COMMAND after each copy that changed something", hook},
    {"hook0", '\0', "", watching, "NUL bytes behind the paths that it reads, not newlines", hook_null},
    {"guard-changes", '\0', "", watching, "hold changes of many files at once (on by default)",
     guard_changes},
    {"watch-with", '\0', "HOW", watching, "how SRC is watched: inotify, fanotify or auto (default)",
     watch_with},
});

void check(const CopyOptions& options) {
  if (options.dry_run) throw Error(Errc::usage, "--dry-run does not go with watch; see what copy would do");
  if (options.files_from) throw Error(Errc::usage, "--files-from does not go with watch; use filter rules");
}

}  // namespace

std::span<const OptionSpec> watch_options() { return watch_table; }

WatchCommand parse_watch(const std::vector<std::string>& args, std::istream& standard_input) {
  std::vector<std::string> with_defaults{"--delete", "--event-log", "--drift-keep=beside"};
  with_defaults.insert(with_defaults.end(), args.begin(), args.end());
  CopyDraft draft;
  draft.standard_input = &standard_input;
  auto paths = take_options(with_defaults, {copy_options(), watch_options()}, draft);
  WatchCommand out;
  out.help = draft.command.help;
  if (out.help) return out;
  auto& options = draft.command.options;
  if (!paths.empty()) {
    check_paths(paths);
    options.sources = {std::move(paths.front())};
    paths.erase(paths.begin());
  }
  check(options);
  settle_options(draft);
  // Deletions are part of being in step; a number of the person's own takes the place of the guard.
  options.guard_deletes = !options.max_delete;
  options.root_guard = RootGuard::keep;
  options.guard_changes = draft.watch.guard_changes;
  options.retries = 0;  // it is we who try again
  out.options = std::move(options);
  out.destinations = std::move(paths);
  out.output = std::move(draft.command.output);
  out.watch = std::move(draft.watch);
  return out;
}

}  // namespace syncline::cli
