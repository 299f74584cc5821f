// SPDX-License-Identifier: Apache-2.0
// From what the board knows and the entry's own times to a verdict.
#include "control/why.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"

namespace syncline::control {
namespace {

using State = watch::Standing::State;

/// Times of files come from a clock that the kernel moves at its ticks only: 100 a second at the least.
constexpr std::int64_t tick_ns = 10'000'000;

/// The entry, or what is there in place of it.
struct Looked {
  std::optional<fs::Stat> entry;
  std::int64_t moved_ns =
      0;  ///< the last time that a directory above it itself was moved or its names changed
};

std::int64_t later(const fs::Stat& stat) { return std::max(stat.ctime_ns, stat.mtime_ns); }

/// A directory whose attributes changed later than its names did was moved, perhaps, with all that is in it.
/// In the one that should have the entry and does not, any change may be that it went.
Looked look_for(fs::Fs& files, const std::string& root, const RelPath& path) {
  Looked out;
  auto dir = files.open_root(root);
  if (path.is_root()) return {dir->stat(), 0};
  const auto names = path.components();
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto here = dir->stat();
    const std::string name(names[k]);
    const auto found = dir->stat_at(name);
    const bool is_last = k + 1 == names.size();
    if (!found || (!is_last && found->type != fs::FileType::directory)) {
      out.moved_ns = std::max(out.moved_ns, later(here));
      return out;
    }
    if (k > 0 && here.ctime_ns > here.mtime_ns) out.moved_ns = std::max(out.moved_ns, here.ctime_ns);
    if (is_last) out.entry = found;
    else dir = dir->open_dir(name);
  }
  return out;
}

/// After the last round read it, for certain, or perhaps where changes are known to be open.
bool is_changed_since(std::int64_t time_ns, const watch::BoardView& view) {
  if (!view.completed) return true;
  if (time_ns >= view.completed->begun_ns) return true;
  return view.is_touched && time_ns >= view.completed->begun_ns - tick_ns;
}

void put_verdict(Json& out, const char* verdict, std::optional<std::int64_t> since_ns = std::nullopt) {
  out["verdict"] = verdict;
  if (since_ns) out["since_ns"] = *since_ns;
}

/// Nothing tells which files a guard holds; one that both sides had already is not among them.
bool may_be_held(const fs::Stat& entry, const watch::BoardView& view) {
  if (view.held.changes == 0 || entry.type != fs::FileType::regular) return false;
  return !view.proof || later(entry) >= view.proof->begun_ns - tick_ns;
}

void judge(Json& out, const Looked& looked, const watch::BoardView& view) {
  const auto changed = std::max(looked.entry ? looked.entry->ctime_ns : 0, looked.moved_ns);
  if (is_changed_since(changed, view)) return put_verdict(out, "waiting", view.changed_ns);
  if (!looked.entry) return put_verdict(out, view.is_holding ? "held" : "absent");
  // One of those that failed and were too many to be told apart?
  if (view.failing_unnamed != 0) return put_verdict(out, "unknown");
  if (may_be_held(*looked.entry, view)) return put_verdict(out, "may-be-held");
  put_verdict(out, "in-step", view.completed->at_ns);
}

/// Of an entry here that is to be like one on another machine.
void judge_mirrored(Json& out, const Looked& looked, const watch::BoardView& view) {
  if (!view.completed || shown_state(view) == State::behind || shown_state(view) == State::copying)
    return put_verdict(out, "waiting", view.changed_ns);
  if (view.failing_unnamed != 0) return put_verdict(out, "unknown");
  if (view.is_holding) return put_verdict(out, "may-be-held");
  if (!looked.entry) return put_verdict(out, "absent");
  put_verdict(out, "in-step", view.completed->at_ns);
}

/// None where a file of rules passes a limit: that is told as what keeps the copy from going on.
std::optional<std::string> rule_for(const IgnoredBy& ignored_by, const std::string& path, bool is_dir) {
  try {
    return ignored_by ? ignored_by(path, is_dir) : std::nullopt;
  } catch (const Error& error) {
    if (!error.is(Errc::rules)) throw;
    return std::nullopt;
  }
}

bool is_dir(const Looked& looked) { return looked.entry && looked.entry->type == fs::FileType::directory; }

}  // namespace

void put_failing(Json& record, const watch::FailingEntry& entry) {
  record["side"] = entry.side;
  record["cause"] = entry.cause;
  record["since_ns"] = entry.since_ns;
}

Json why_answer(fs::Fs& files, const watch::Board& board, const Watched& watched, const std::string& path,
                const IgnoredBy& ignored_by) {
  const auto relative = RelPath::parse(path);
  auto out = answer_of("why");
  put_name(out, "path", path);
  const auto view = board.view();
  out["state"] = shown_word(view);
  if (view.ended) {
    put_verdict(out, "ended", view.ended->at_ns);
    out["cause"] = view.ended->cause;
    return out;
  }
  if (view.state == State::blocked) {
    put_verdict(out, "blocked");
    return out;
  }
  if (const auto failing = board.failing(path)) {
    put_verdict(out, "failing");
    put_name(out, "failing_path", failing->first);
    put_failing(out, failing->second);
    return out;
  }
  const auto looked = look_for(files, watched.tree(), relative);
  if (const auto rule = rule_for(ignored_by, path, is_dir(looked))) {
    put_verdict(out, "ignored");
    put_name(out, "rule", *rule);
    return out;
  }
  out["held"] = view.held.deletions;
  out["alike"] = !view.proof || view.proof->is_alike;
  if (watched.mirror.empty()) judge(out, looked, view);
  else judge_mirrored(out, looked, view);
  if (view.stopped_by && out["verdict"] == "waiting") out["cause"] = *view.stopped_by;
  return out;
}

}  // namespace syncline::control
