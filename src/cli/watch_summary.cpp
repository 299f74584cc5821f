// SPDX-License-Identifier: Apache-2.0
// From boards to words.
#include "cli/watch_summary.hpp"

#include <algorithm>
#include <array>

#include "cli/held_text.hpp"
#include "cli/numbers.hpp"
#include "control/watch_desk.hpp"

namespace syncline::cli {
namespace {

using State = watch::Standing::State;

std::string span_since(std::int64_t then_ns, const Clock& clock) {
  return format_duration(static_cast<double>(std::max<std::int64_t>(clock.now_ns() - then_ns, 0)) / 1e9);
}

std::string amount_text(const watch::Missing& missing) {
  return format_count(missing.files, 1) + (missing.files == 1 ? " file, " : " files, ") +
         format_size(static_cast<double>(missing.bytes));
}

std::string behind_text(const watch::BoardView& view, const Clock& clock) {
  std::string out = "behind";
  if (view.missing && view.missing->files + view.missing->bytes != 0)
    out += " by " + amount_text(*view.missing);
  else if (view.failing_count != 0)
    out += ", " + format_count(view.failing_count, 1) +
           (view.failing_count == 1 ? " entry fails" : " entries fail");
  if (view.changed_ns) out += ", for " + span_since(*view.changed_ns, clock);
  if (view.retry_in)
    out += "; tried again in " + format_duration(static_cast<double>(view.retry_in->count()) / 1e3);
  return out;
}

std::string state_text(const PairStanding& pair, const Clock& clock) {
  const auto& view = *pair.view;
  switch (control::shown_state(view)) {
    case State::copying: return "";
    case State::in_step: break;
    case State::behind: return behind_text(view, clock);
    case State::holding: return held_text(view.held.deletions, view.held.changes) + " are held";
    case State::blocked: return "SRC or DST is not the directory that it was";
  }
  std::string out = "in step";
  if (view.proof) out += ", proven " + span_since(view.proof->at_ns, clock) + " ago";
  if (pair.changed_ns) out += ", last change " + span_since(*pair.changed_ns, clock) + " ago";
  return out;
}

}  // namespace

std::string standing_line(const PairStanding& pair, const Clock& clock) {
  const auto text = pair.has_ended ? "ended" : pair.view ? state_text(pair, clock) : "";
  return text.empty() || pair.label.empty() ? text : pair.label + ": " + text;
}

std::string summary_line(const std::vector<PairStanding>& pairs) {
  constexpr auto words =
      std::to_array<const char*>({"copying", "in step", "behind", "holding", "without SRC"});
  std::array<std::size_t, words.size()> counts{};
  std::size_t ended = 0;
  watch::Missing missing;
  for (const auto& pair : pairs) {
    if (pair.has_ended) ++ended;
    if (pair.has_ended) continue;
    const auto state = pair.view ? control::shown_state(*pair.view) : State::copying;
    ++counts[static_cast<std::size_t>(state)];
    if (!pair.view || !pair.view->missing || state == State::in_step) continue;
    missing.files += pair.view->missing->files;
    missing.bytes += pair.view->missing->bytes;
  }
  std::string out;
  const auto add = [&](std::size_t count, const std::string& what) {
    if (count != 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  for (const auto state : {State::in_step, State::copying, State::behind, State::holding, State::blocked})
    add(counts[static_cast<std::size_t>(state)], words[static_cast<std::size_t>(state)]);
  add(ended, "ended");
  if (missing.files != 0 || missing.bytes != 0) out += "; " + amount_text(missing) + " to go";
  return out;
}

std::string cut_to_columns(const std::string& line, unsigned columns) {
  std::size_t room = columns > 1 ? columns - 1 : 0;  // a full line would wrap
  std::size_t at = 0;
  for (; at < line.size(); ++at) {
    const bool begins_character = (static_cast<unsigned char>(line[at]) & 0xC0) != 0x80;
    if (begins_character && room-- == 0) break;
  }
  return line.substr(0, at);
}

}  // namespace syncline::cli
