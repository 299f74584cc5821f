// SPDX-License-Identifier: Apache-2.0
// Parse, follow, tell where things stand.
#include "cli/watch_command.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "base/error.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "cli/watch_pairs.hpp"
#include "cli/watch_plans.hpp"

namespace syncline::cli {
namespace {

void check_alone(const WatchCommand& command, const std::vector<std::string>& args) {
  const bool has_paths = !command.options.sources.empty();
  if (!has_paths && !args.empty() && args.back() == "--")
    throw Error(Errc::usage, "nothing stands behind '--'");
  if (has_paths && command.watch.config)
    throw Error(Errc::usage, "--config names what is followed; give no SRC and DST beside it");
  if (has_paths && !command.watch.only.empty())
    throw Error(Errc::usage,
                "--only chooses among the watches of a configuration; give no SRC and DST beside it");
}

/// Of a configuration, all that is wrong with which is told; nothing then.
class ConfiguredWatches {
 public:
  ConfiguredWatches(Console& console, const WatchCommand& command, const std::vector<std::string>& args)
      : console_(console), command_(command), args_(args) {}

  std::optional<std::vector<WatchPlan>> load() const {
    const auto environment = config::process_environment();
    auto& files = fs::linux_fs();
    const auto path = command_.watch.config ? command_.watch.config : config::find_client(files, environment);
    if (!path) refuse_without_file(environment);
    auto found = plans_of(config::read_client(files, *path, environment.home), args_, command_.watch.only);
    if (!found.problems.empty()) {
      tell(found.problems);
      return std::nullopt;
    }
    if (found.plans.empty())
      throw Error(Errc::usage,
                  "no [[watch]] is in '" + escape_name(*path) + "', and SRC and DST are missing");
    return std::move(found.plans);
  }

 private:
  [[noreturn]] static void refuse_without_file(const config::Environment& environment) {
    std::string all;
    for (const auto& place : config::client_places(environment))
      all += (all.empty() ? "neither " : " nor ") + ("'" + escape_name(place) + "'");
    throw Error(Errc::usage, "SRC and DST are missing, and there is " + all);
  }

  void tell(const std::vector<config::Problem>& problems) const {
    const auto output = command_.output.json ? json_output(console_) : text_output(console_, {}, false);
    for (const auto& problem : problems) {
      auto subject = problem.place;
      if (!subject.empty() && !problem.key.empty()) subject += ": ";
      output->failure({subject + problem.key, problem.cause, problem.next, exit_code::usage});
    }
  }

  Console& console_;
  const WatchCommand& command_;
  const std::vector<std::string>& args_;
};

int run(const WatchCommand& command, const std::vector<std::string>& args, Console& console,
        const std::function<bool()>& cancelled) {
  check_alone(command, args);
  if (!command.options.sources.empty()) return follow_all(plans_of(command), console, cancelled);
  auto plans = ConfiguredWatches(console, command, args).load();
  return plans ? follow_all(std::move(*plans), console, cancelled) : exit_code::usage;
}

}  // namespace

std::string watch_help() {
  std::string text =
      "Usage: syncline watch [options] SRC DST...\n"
      "       syncline watch [options] [--config=FILE] [--only=NAME]...\n"
      "\n"
      "Makes DST like SRC and keeps it so: whatever changes in SRC is copied as soon as it has settled.\n"
      "Ends at Ctrl-C. DST may be on another machine (syncline://HOST/SHARE/PATH or HOST:PATH); while it\n"
      "cannot be reached, watch tries again, and brings over what has changed meanwhile. Of several paths\n"
      "the first one alone is SRC; each DST is followed by itself. Without paths all watches in\n"
      "$XDG_CONFIG_HOME/syncline/client.toml, else /etc/syncline/client.toml, are followed.\n"
      "\n"
      "The options are those of 'syncline copy --help' but --dry-run and --files-from. What is gone from\n"
      "SRC is deleted from DST (--no-delete: it is kept), unless that were more than 50 entries and a\n"
      "fifth of all, or everything: then it is held until 'syncline approve' or --max-delete=N allows it.\n"
      "So are changes of so many files within a minute.\n"
      "'syncline status', 'syncline wait' and 'syncline why' tell of it while it runs.\n"
      "What others change in DST is put right, and their version kept beside it as\n"
      "NAME.conflict-DEVICE-NUMBER.EXT (--drift=keep or report: it stays; --drift-keep=area: kept below\n"
      ".syncline/kept/; none: not kept).\n"
      "\n"
      "Of its own:\n";
  for (const auto& spec : watch_options()) text += option_line(spec);
  return text;
}

int run_watch(const std::vector<std::string>& args, Console& console,
              const std::function<bool()>& cancelled) {
  const bool json = std::ranges::find(args, "--json") != args.end();
  try {
    const auto command = parse_watch(args, console.in);
    if (!command.help) return checked_output(console, run(command, args, console, cancelled));
    console.out << watch_help();
    return checked_output(console, exit_code::success);
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see 'syncline watch --help'";
    const auto output = json ? json_output(console) : text_output(console, {}, false);
    output->failure(failure);
    return failure.code;
  }
}

}  // namespace syncline::cli
