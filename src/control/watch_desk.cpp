// SPDX-License-Identifier: Apache-2.0
// Status, waiting, approval.
#include "control/watch_desk.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "control/why.hpp"

namespace syncline::control {
namespace {

using State = watch::Standing::State;

Json proof_json(const watch::Proof& proof) {
  return {
      {"begun_ns", proof.begun_ns}, {"at_ns", proof.at_ns}, {"root", proof.root}, {"alike", proof.is_alike}};
}

Json failing_json(const std::string& path, const watch::FailingEntry& entry) {
  Json out = Json::object();
  put_name(out, "path", path.empty() ? "./" : path);  // SRC as a whole
  put_failing(out, entry);
  return out;
}

void put_ended(Json& record, const watch::Ended& ended) {
  record["ended"] = Json{{"at_ns", ended.at_ns}, {"exit_code", ended.exit_code}, {"cause", ended.cause}};
}

void put_held(Json& record, const auto& view) {
  record["holding"] = view.is_holding;
  record["held"] = view.held.deletions;
  record["held_changes"] = view.held.changes;
}

Json change_json(const ChangeEvent& event) {
  Json out{{"itemized", event.itemized}};
  put_name(out, "path", event.path);
  out["edited_in_destination"] = event.edited_in_destination;
  return out;
}

/// The first of them, as far as they find room in an answer, and how many more there are.
void put_named(Json& record, const std::string& key, const HeldBack& held) {
  auto& first = record[key + "_first"] = Json::array();
  std::size_t room = limits::control_held_bytes_max;
  for (const auto& event : held.first) {
    auto one = change_json(event);
    const auto bytes = answer_line(one).size();  // its newline is as long as a comma
    if (bytes > room) break;
    room -= bytes;
    first.push_back(std::move(one));
  }
  const auto left_out = held.first.size() - first.size();
  record[key + "_more"] = held.more + left_out;
}

void put_failures(Json& record, const watch::BoardView& view) {
  if (view.failure) {
    auto& failure = record["failure"] = Json{{"at_ns", view.failure->at_ns}};
    put_name(failure, "path", view.failure->path);
    failure["cause"] = view.failure->cause;
  }
  record["failing"] = view.failing_count;
  auto& first = record["failing_first"] = Json::array();
  for (const auto& [path, entry] : view.failing) first.push_back(failing_json(path, entry));
}

}  // namespace

State shown_state(const watch::BoardView& view) {
  return view.state == State::in_step && view.changed_ns ? State::behind : view.state;
}

std::string_view shown_word(const watch::BoardView& view) {
  return view.ended ? "ended" : watch::state_word(shown_state(view));
}

WatchDesk::WatchDesk(fs::Fs& files, watch::Board& board, Watched watched, IgnoredBy ignored_by)
    : files_(files), board_(board), watched_(std::move(watched)), ignored_by_(std::move(ignored_by)) {}

Json WatchDesk::answer(const Request& request) {
  switch (request.ask) {
    case Ask::status: return status();
    case Ask::why: return why_answer(files_, board_, watched_, request.path, ignored_by_);
    case Ask::held: return held();
    case Ask::approve: return approve();
    case Ask::wait: break;
  }
  throw Error(Errc::unsupported, "request");
}

Json WatchDesk::standing() {
  const auto view = board_.view();
  auto out = answer_of("standing");
  out["state"] = view.ended ? shown_word(view) : watch::state_word(view.state);
  if (view.ended) put_ended(out, *view.ended);
  put_held(out, view);
  return out;
}

Json WatchDesk::waited() {
  auto out = answer_of("waited");
  if (const auto view = board_.view(); view.proof) out["proof"] = proof_json(*view.proof);
  return out;
}

Json WatchDesk::status() const {
  const auto view = board_.view(limits::control_failures_shown_max);
  auto out = answer_of("status");
  put_name(out, "source", watched_.source);
  put_name(out, "destination", watched_.destination);
  put_name(out, "state_dir", watched_.state_dir);
  if (!watched_.mirror.empty()) put_name(out, "mirror", watched_.mirror);
  out["pid"] = watched_.pid;
  out["since_ns"] = watched_.since_ns;
  out["state"] = shown_word(view);
  if (view.ended) put_ended(out, *view.ended);
  out["watched_by"] = view.watched_by;
  out["degraded"] = view.is_degraded;
  out["overflows"] = view.overflow_count;
  out["rescanning"] = view.is_rescanning;
  if (view.retry_in) out["retry_in_ms"] = view.retry_in->count();
  if (view.proof) out["proof"] = proof_json(*view.proof);
  if (view.missing) out["missing"] = Json{{"files", view.missing->files}, {"bytes", view.missing->bytes}};
  if (view.changed_ns) out["changed_ns"] = *view.changed_ns;
  put_held(out, view);
  put_failures(out, view);
  return out;
}

Json WatchDesk::held() const {
  const auto view = board_.held();
  auto out = answer_of("held");
  put_name(out, "source", watched_.source);
  put_name(out, "destination", watched_.destination);
  put_held(out, view);
  out["blocked"] = board_.view().state == State::blocked;
  put_named(out, "held", view.plan.deletions);
  put_named(out, "held_changes", view.plan.changes);
  return out;
}

Json WatchDesk::approve() {
  const auto held = board_.approve();
  auto out = answer_of("approved");
  out["held"] = held.has_value();
  out["deletions"] = held ? held->deletions : 0;
  out["changes"] = held ? held->changes : 0;
  out["blocked"] = held && held->everything;
  return out;
}

}  // namespace syncline::control
