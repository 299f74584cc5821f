// SPDX-License-Identifier: Apache-2.0
// Copy, judge, tell.
#include "cli/watch_rounds.hpp"

#include <utility>

#include "base/error.hpp"
#include "cli/exit_codes.hpp"
#include "cli/held_text.hpp"
#include "cli/watch_places.hpp"

namespace syncline::cli {

using State = watch::Standing::State;

WatchRounds::WatchRounds(RoundParts parts) : parts_(std::move(parts)) {
  holds_deletions_ = parts_.memory.remembered().holds_deletions;
  holds_changes_ = parts_.memory.remembered().holds_changes;
  if (holds_deletions_) recent_.hold();
  if (holds_changes_) recent_changes_.hold();
  held_ = {holds_deletions_, holds_changes_};
}

/// Empty: all is where it was mounted.
void WatchRounds::tell_unmounted(const std::string& path) {
  if (std::exchange(told_gone_, path) == path || path.empty()) return;
  for (const auto& output : parts_.outputs)
    output->notice("nothing is mounted at '" + escape_name(path) +
                   "' in SRC any more: deletions are held until something is or they are approved");
}

watch::Attempt WatchRounds::attempt() {
  using enum watch::Attempt::Result;
  ++round_;
  has_changed_ = false;
  const bool is_approved = parts_.control.board().is_approved();
  CopyReport report;
  try {
    auto options = parts_.control.options_of_round();
    recent_.count_into(options, parts_.clock.steady());
    recent_changes_.count_into(options, parts_.clock.steady());
    options.mounts = is_approved ? std::vector<std::string>() : parts_.memory.remembered().mounts;
    report = parts_.copies.round(options, observer());
  } catch (const std::exception& error) {
    recent_changes_.end_round({holds_changes_, is_holding_, false}, parts_.clock.steady());
    const auto* known = dynamic_cast<const Error*>(&error);
    if (known != nullptr && known->is(Errc::replaced)) return blocked_attempt(explain(error));
    return failed_attempt(explain(error), known != nullptr && known->is(Errc::rules));
  }
  end_round(report, is_approved);
  parts_.control.report(report);
  has_changed_ = report.files_changed + report.files_deleted + report.files_renamed != 0;
  if (!has_copied_ || has_changed_)
    for (const auto& output : parts_.outputs) output->summary(report);
  has_copied_ = true;
  if (parts_.hook != nullptr) parts_.hook->end_round(round_);
  last_failure_.clear();
  if (report.exit_code == exit_code::success) return {in_step, report.exit_code};
  return {is_holding_ ? held : partly, report.exit_code};
}

/// A round that could not look at everything plans no deletions, which does not mean that there are none:
/// what was held is so still.
void WatchRounds::end_round(CopyReport& report, bool is_approved) {
  const bool is_settled = is_approved || report.exit_code == exit_code::success;
  const bool is_whole = is_settled || (report.errors == 0 && report.exit_code == exit_code::guard);
  const bool is_unmounted = !report.missing_mount.empty();
  holds_deletions_ = (report.deletions_held != 0 && !is_unmounted) ||
                     (holds_deletions_ && (!is_whole || (is_unmounted && !is_approved)));
  holds_changes_ = report.changes_held != 0 || (holds_changes_ && !is_whole);
  if (holds_deletions_ && report.deletions_held == 0) report.deletions_held = held_.deletions;
  if (holds_changes_ && report.changes_held == 0) report.changes_held = held_.changes;
  held_ = {report.deletions_held, report.changes_held};
  is_holding_ = held_.deletions + held_.changes != 0 || report.exit_code == exit_code::delete_limit;
  const auto now = parts_.clock.steady();
  recent_.note({report.files_deleted, holds_deletions_, is_holding_, is_approved}, now);
  recent_changes_.end_round({holds_changes_, is_holding_, is_approved}, now);
  tell_unmounted(report.missing_mount);
  remember(report, is_settled);
}

void WatchRounds::remember(const CopyReport& report, bool is_settled) {
  auto now = parts_.memory.remembered();
  now.holds_deletions = holds_deletions_;
  now.holds_changes = holds_changes_;
  // What is missing may come back, and what has come may go before all is in step.
  if (is_settled && report.missing_mount.empty()) now.mounts = report.mounts;
  else now.add_mounts(report.mounts);
  try {
    parts_.memory.remember(std::move(now));
  } catch (const Error& error) {
    for (const auto& output : parts_.outputs)
      output->notice("what is held will be forgotten when this watch ends: " + std::string(error.what()));
  }
}

CopyObserver WatchRounds::observer() {
  auto out = parts_.control.watched(observer_for(parts_.outputs, parts_.cancelled));
  out.on_change = [this, inner = std::move(out.on_change)](const ChangeEvent& event) {
    inner(event);
    recent_changes_.note(event);
    if (parts_.hook == nullptr) return;
    note_for_hook(event.path);
    if (!event.renamed_from.empty()) note_for_hook(event.renamed_from);
  };
  return out;
}

void WatchRounds::note_for_hook(const std::string& path) {
  const auto own = below_source(parts_.prefix, path);
  parts_.hook->add(own.empty() ? "./" : own);
}

void WatchRounds::tell(const watch::Standing& standing) {
  auto sentence = sentence_of(standing);
  if (standing.is_degraded && !std::exchange(told_degraded_, true))
    sentence +=
        std::string(sentence.empty() ? "" : "; ") +
        (parts_.is_far ? "the server cannot watch SRC (too many watches, or too many clients that follow "
                         "something): it is looked at once a minute"
                       : "not all directories can be watched (raise fs.inotify.max_user_watches): they "
                         "are looked at once a minute");
  for (const auto& output : parts_.outputs)
    output->standing(std::string(watch::state_word(standing.state)), sentence);
}

/// What that means is said with how it stands.
watch::Attempt WatchRounds::blocked_attempt(const Failure& failure) {
  last_failure_.clear();
  replaced_ = failure.subject;
  parts_.control.board().failed("", failure.subject + ": " + failure.cause);
  return {watch::Attempt::Result::blocked, exit_code::guard};
}

/// Wrong usage is found by the first copy. Later on, and with what lies in SRC, nobody has typed anything
/// wrong.
watch::Attempt WatchRounds::failed_attempt(Failure failure, bool is_about_source) {
  using enum watch::Attempt::Result;
  if (parts_.cancelled()) failure.subject.clear();
  const bool is_senseless = failure.code == exit_code::usage || failure.code == exit_code::unsupported ||
                            (failure.code == exit_code::selection && !parts_.has_others);
  const bool is_final = parts_.cancelled() || failure.code == exit_code::guard ||
                        (is_senseless && !is_about_source && !has_copied_);
  if (!is_final) failure.next = "tried again by itself";
  parts_.control.board().failed("", (failure.subject.empty() ? "" : failure.subject + ": ") + failure.cause);
  // Of a server that is away for a night one line is enough.
  const auto line = failure_line(failure);
  if (line != std::exchange(last_failure_, line))
    for (const auto& output : parts_.outputs) output->failure(failure);
  return {is_final ? ended : failed, failure.code, is_about_source};
}

/// What a person types, who may have to say which of several is meant.
std::string WatchRounds::approve_words() const {
  return parts_.has_others ? "syncline approve SRC DST" : "syncline approve SRC";
}

/// Empty where there is no news in it for a person.
std::string WatchRounds::sentence_of(const watch::Standing& standing) {
  const auto before = std::exchange(told_, standing.state == State::copying ? told_ : standing.state);
  switch (standing.state) {
    case State::copying: return "";
    case State::in_step: return before == State::in_step ? "" : "in step";
    case State::behind: return before == State::behind ? "" : "behind; what is missing is tried again";
    case State::holding:
      return held_text(held_.deletions, held_.changes) + " are held, everything else is done; '" +
             approve_words() + "' lets them be made";
    case State::blocked:
      return before == State::blocked
                 ? ""
                 : std::exchange(replaced_, "SRC") +
                       " is not the directory that it was (unmounted, moved or made anew?): nothing is done "
                       "until it is back; '" +
                       approve_words() + "' lets what is there now be taken";
  }
  return "";
}

}  // namespace syncline::cli
