// SPDX-License-Identifier: Apache-2.0
// Parse, follow, tell where things stand.
#include "cli/watch_command.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "base/error.hpp"
#include "cli/event_log_output.hpp"
#include "cli/exit_codes.hpp"
#include "cli/held_text.hpp"
#include "cli/report_output.hpp"
#include "cli/watch_control.hpp"
#include "cli/watch_source.hpp"
#include "remote/dial.hpp"
#include "sync/standing_copy.hpp"
#include "watch/follow.hpp"
#include "watch/recent_changes.hpp"
#include "watch/recent_deletes.hpp"

namespace syncline::cli {
namespace {

using State = watch::Standing::State;

/// Deletions are part of being in step; a number of the person's own takes the place of the guard.
CopyCommand parse_watch(std::vector<std::string> args, std::istream& standard_input) {
  args.insert(args.begin(), {"--delete", "--event-log"});
  auto command = parse_copy(args, standard_input);
  auto& options = command.options;
  if (command.help) return command;
  if (options.sources.size() != 1) throw Error(Errc::usage, "watch follows one SRC; start it once for each");
  CopyOptions source_alone;
  source_alone.sources = options.sources;
  source_alone.destination = "/";
  if (sync::is_remote(source_alone))
    throw Error(Errc::usage,
                "SRC of watch is on this machine; start it on the one where the changes are made");
  if (options.dry_run) throw Error(Errc::usage, "--dry-run does not go with watch; see what copy would do");
  if (options.files_from) throw Error(Errc::usage, "--files-from does not go with watch; use filter rules");
  options.guard_deletes = !options.max_delete;
  options.guard_changes = command.watch.guard_changes;
  options.retries = 0;  // it is we who try again
  return command;
}

class Watch {
 public:
  Watch(const Outputs& outputs, sync::StandingCopy& copies, const std::function<bool()>& cancelled,
        WatchControl& control, Clock& clock)
      : outputs_(outputs), copies_(copies), cancelled_(cancelled), control_(control), clock_(clock) {}

  watch::Attempt attempt() {
    using enum watch::Attempt::Result;
    const bool is_approved = control_.board().is_approved();
    CopyReport report;
    try {
      auto options = control_.options_of_round();
      recent_.count_into(options, clock_.steady());
      recent_changes_.count_into(options, clock_.steady());
      report = copies_.round(options, control_.watched(observer()));
    } catch (const std::exception& error) {
      recent_changes_.end_round(is_holding_, false, clock_.steady());
      return failed_attempt(explain(error));
    }
    control_.board().report(report);
    const bool changed = report.files_changed + report.files_deleted + report.files_renamed != 0;
    if (!has_copied_ || changed)
      for (const auto& output : outputs_) output->summary(report);
    has_copied_ = true;
    last_failure_.clear();
    held_ = {report.deletions_held, report.changes_held};
    is_holding_ = held_.deletions + held_.changes != 0 || report.exit_code == exit_code::delete_limit;
    recent_.note(report.files_deleted, is_holding_, is_approved, clock_.steady());
    recent_changes_.end_round(is_holding_, is_approved, clock_.steady());
    if (report.exit_code == exit_code::success) return {in_step, report.exit_code};
    return {is_holding_ ? held : partly, report.exit_code};
  }

  void tell(const watch::Standing& standing) {
    auto sentence = sentence_of(standing);
    if (standing.is_degraded && !std::exchange(told_degraded_, true))
      sentence +=
          std::string(sentence.empty() ? "" : "; ") +
          "not all directories can be watched (raise fs.inotify.max_user_watches): they are looked at once a "
          "minute";
    for (const auto& output : outputs_)
      output->standing(std::string(watch::state_word(standing.state)), sentence);
  }

 private:
  CopyObserver observer() {
    auto out = observer_for(outputs_, cancelled_);
    out.on_change = [this, inner = std::move(out.on_change)](const ChangeEvent& event) {
      inner(event);
      recent_changes_.note(event);
    };
    return out;
  }

  watch::Attempt failed_attempt(Failure failure) {
    using enum watch::Attempt::Result;
    if (cancelled_()) failure.subject.clear();
    const bool is_final = cancelled_() || failure.code == exit_code::usage ||
                          failure.code == exit_code::unsupported || failure.code == exit_code::guard ||
                          (failure.code == exit_code::selection && !has_copied_);
    if (!is_final) failure.next = "tried again by itself";
    control_.board().failed("", (failure.subject.empty() ? "" : failure.subject + ": ") + failure.cause);
    // Of a server that is away for a night one line is enough.
    const auto line = failure_line(failure);
    if (line != std::exchange(last_failure_, line))
      for (const auto& output : outputs_) output->failure(failure);
    return {is_final ? ended : failed, failure.code};
  }

  /// Empty where there is no news in it for a person.
  std::string sentence_of(const watch::Standing& standing) {
    const auto before = std::exchange(told_, standing.state == State::copying ? told_ : standing.state);
    switch (standing.state) {
      case State::copying: return "";
      case State::in_step: return before == State::in_step ? "" : "in step";
      case State::behind: return before == State::behind ? "" : "behind; what is missing is tried again";
      case State::holding:
        return held_text(held_.deletions, held_.changes) +
               " are held, everything else is done; 'syncline approve SRC' lets them be made";
      case State::blocked:
        return "SRC is not the directory that it was (unmounted, moved or made anew?): nothing is done until "
               "it is "
               "back; to follow what is there now, start watch again";
    }
    return "";
  }

  const Outputs& outputs_;
  sync::StandingCopy& copies_;
  const std::function<bool()>& cancelled_;
  WatchControl& control_;
  Clock& clock_;
  watch::RecentDeletes recent_;
  bool has_copied_ = false;
  bool told_degraded_ = false;
  watch::RecentChanges recent_changes_;
  watch::Held held_;
  bool is_holding_ = false;
  std::string last_failure_;
  std::optional<State> told_;  ///< but for copying
};

int follow_and_report(const CopyCommand& command, Console& console, const Outputs& outputs,
                      const std::function<bool()>& cancelled) {
  const sync::World world;
  const auto& options = command.options;
  const auto& root = options.sources.front();
  WatchControl control(options, console.clock, [&](const std::string& text) {
    for (const auto& output : outputs) output->notice(text);
  });
  try {
    const auto [tree, by] = watch_source(*world.files, root, command.watch.with);
    control.board().watched_by(by);
    remote::Dialer dialer(world, options);
    const auto dial = [&](const sync::RemotePlace& place) { return dialer.dial(place); };
    sync::StandingCopy copies(world, dial, tree);
    Watch watch(outputs, copies, cancelled, control, console.clock);
    watch::FollowHooks hooks;
    hooks.copy = [&] { return watch.attempt(); };
    hooks.tell = [&](const watch::Standing& standing) { watch.tell(standing); };
    hooks.cancelled = cancelled;
    hooks.is_stirred = [&] { return copies.is_stirred(); };
    hooks.board = &control.board();
    return watch::follow(console.clock, *tree, {}, hooks);
  } catch (const std::exception& error) {
    const auto failure = explain(error);
    for (const auto& output : outputs) output->failure(failure);
    return failure.code;
  }
}

}  // namespace

std::string watch_help() {
  return "Usage: syncline watch [options] SRC DST\n"
         "\n"
         "Makes DST like SRC and keeps it so: whatever changes in SRC is copied as soon as it has settled. "
         "Ends at\n"
         "Ctrl-C. DST may be on another machine (syncline://HOST/SHARE/PATH or HOST:PATH); while it cannot "
         "be\n"
         "reached, watch tries again, and brings over what has changed meanwhile.\n"
         "\n"
         "The options are those of 'syncline copy --help' but --dry-run and --files-from. What is gone from "
         "SRC is\n"
         "deleted from DST (--no-delete: it is kept), unless that were more than 50 entries and a fifth of "
         "all, or\n"
         "everything: then it is held until 'syncline approve' or --max-delete=N allows it. So are changes "
         "of so many\n"
         "files within a minute (--no-guard-changes: they are not). 'syncline status', 'syncline wait' and "
         "'syncline\n"
         "why' tell of it while it runs.\n";
}

int run_watch(const std::vector<std::string>& args, Console& console,
              const std::function<bool()>& cancelled) {
  const bool json = std::ranges::find(args, "--json") != args.end();
  CopyCommand command;
  Outputs outputs;
  try {
    command = parse_watch(args, console.in);
    if (command.help) {
      console.out << watch_help();
      return checked_output(console, exit_code::success);
    }
    outputs = make_outputs(console, command.output, false);
    if (command.output.event_log)
      outputs.push_back(event_log_output(console.clock, command.options, *outputs.front(), {"watch"}));
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see 'syncline watch --help'";
    const auto output = json ? json_output(console) : text_output(console, {}, false);
    output->failure(failure);
    return failure.code;
  }
  return checked_output(console, follow_and_report(command, console, outputs, cancelled));
}

}  // namespace syncline::cli
