// SPDX-License-Identifier: Apache-2.0
// Notes and requests.
#include "watch/board.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace syncline::watch {
namespace {

std::optional<std::int64_t> earlier(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

std::string bounded(const std::string& text) { return text.substr(0, limits::board_text_bytes_max); }

}  // namespace

Board::Board(Clock& clock) : clock_(clock), changed_ns_(clock.now_ns()) {}

Board::Awake::Awake(Board* board, std::function<void()> wake) : board_(board) {
  if (board_ == nullptr) return;
  std::lock_guard lock(board_->mutex_);
  board_->wake_ = std::move(wake);
}

Board::Awake::~Awake() {
  if (board_ == nullptr) return;
  std::lock_guard lock(board_->mutex_);
  board_->wake_ = nullptr;
}

void Board::news() {
  if (on_news_) on_news_();
}

void Board::watched_by(const std::string& how) {
  std::lock_guard lock(mutex_);
  watched_by_ = how;
}

void Board::overflowed(std::uint64_t count) {
  std::lock_guard lock(mutex_);
  overflow_count_ = count;
  is_rescanning_ = true;
}

void Board::changed() {
  std::lock_guard lock(mutex_);
  if (!changed_ns_) changed_ns_ = clock_.now_ns();
}

bool Board::is_round_wanted() const {
  std::lock_guard lock(mutex_);
  return is_wanted_;
}

void Board::take_requests() {
  std::lock_guard lock(mutex_);
  claimed_ = requested_;
  is_wanted_ = false;
  approved_ = std::exchange(approval_, Approval::none);
  round_begun_ns_ = clock_.now_ns();
}

void Board::begin_round() {
  std::lock_guard lock(mutex_);
  changed_in_round_ns_ = earlier(changed_in_round_ns_, std::exchange(changed_ns_, std::nullopt));
  was_complete_ = false;
  failing_in_round_.clear();
  failing_more_in_round_ = 0;
  report_.reset();
}

bool Board::is_approved() const {
  std::lock_guard lock(mutex_);
  return approved_ == Approval::held;
}

bool Board::is_root_approved() const {
  std::lock_guard lock(mutex_);
  return approved_ == Approval::root;
}

void Board::error(const ErrorEvent& event) {
  std::lock_guard lock(mutex_);
  note_failure({clock_.now_ns(), event.path, event.cause});
  auto path = event.path;
  if (path.ends_with('/')) path.pop_back();
  if (failing_in_round_.size() >= limits::board_failures_max && !failing_in_round_.contains(path)) {
    ++failing_more_in_round_;
    return;
  }
  failing_in_round_[path] = {event.side, bounded(event.cause), clock_.now_ns()};
}

void Board::note_failure(LastFailure failure) {
  failure.cause = bounded(failure.cause);
  failure_ = std::move(failure);
}

void Board::progress(const ProgressEvent& event) {
  if (event.phase == ProgressEvent::Phase::scanning) return;  // there is no plan yet
  std::lock_guard lock(mutex_);
  missing_ = {event.files_total - std::min(event.files_done, event.files_total),
              event.bytes_total - std::min(event.bytes_done, event.bytes_total)};
}

void Board::failed(const std::string& path, const std::string& cause) {
  std::lock_guard lock(mutex_);
  note_failure({clock_.now_ns(), path, cause});
  stopped_by_ = failure_->cause;
}

void Board::report(CopyReport report) {
  std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

/// A round that was broken off says nothing of the entries that it did not come to.
void Board::merge_failures(bool is_complete) {
  for (auto& [path, entry] : failing_in_round_)
    if (const auto before = failing_.find(path); before != failing_.end())
      entry.since_ns = before->second.since_ns;
  if (is_complete) {
    failing_ = std::move(failing_in_round_);
    failing_more_ = failing_more_in_round_;
  } else {
    for (auto& [path, entry] : failing_in_round_) {
      if (failing_.size() >= limits::board_failures_max && !failing_.contains(path)) break;
      failing_[path] = std::move(entry);
    }
    failing_more_ = std::max(failing_more_, failing_more_in_round_);
  }
  failing_in_round_.clear();
  failing_more_in_round_ = 0;
}

void Board::take_held() {
  if (report_) held_ = {report_->deletions_held, report_->changes_held};
}

void Board::end_round(Attempt::Result result) {
  using enum Attempt::Result;
  std::lock_guard lock(mutex_);
  const auto now = clock_.now_ns();
  const bool is_complete = result == in_step || result == partly || result == held;
  was_complete_ = is_complete;
  merge_failures(is_complete);
  if (is_complete) {
    stopped_by_.reset();
    is_rescanning_ = false;
    completed_ = {round_begun_ns_, now};
    is_holding_ = result == held;
  }
  if (!is_holding_) {
    held_ = {};
    held_plan_ = {};
  } else {
    take_held();
    if (report_) held_plan_ = std::move(report_->held);
  }
  approved_ = Approval::none;
  if (result == in_step && report_ && report_->in_step) {
    proof_ = {round_begun_ns_, now, report_->root, report_->is_alike};
    proven_ = claimed_;
    missing_.reset();
    changed_in_round_ns_.reset();
  } else if (is_complete) {
    missing_.reset();  // nothing but what fails or is held
  }
  news();
}

void Board::stand(const Standing& standing) {
  std::lock_guard lock(mutex_);
  standing_ = standing;
  // With what is held, not a moment before: nothing held by number means something else.
  if (standing.state == Standing::State::holding) take_held();
  retry_at_.reset();
  if (standing.retry_in) retry_at_ = clock_.steady() + *standing.retry_in;
  news();
}

void Board::end(int exit_code) {
  std::lock_guard lock(mutex_);
  ended_ = {clock_.now_ns(), exit_code, failure_ ? failure_->cause : ""};
  retry_at_.reset();
  is_holding_ = false;
  held_ = {};
  held_plan_ = {};
  news();
}

BoardView Board::view(std::size_t failing_max) const {
  using std::chrono::milliseconds;
  std::lock_guard lock(mutex_);
  BoardView out;
  out.state = standing_.state;
  out.watched_by = watched_by_;
  out.is_degraded = standing_.is_degraded;
  out.overflow_count = overflow_count_;
  out.is_rescanning = is_rescanning_;
  if (retry_at_)
    out.retry_in = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(*retry_at_ - clock_.steady()));
  out.proof = proof_;
  out.completed = completed_;
  out.failure = failure_;
  out.stopped_by = stopped_by_;
  out.missing = missing_;
  out.changed_ns = earlier(changed_ns_, changed_in_round_ns_);
  out.is_touched = changed_ns_ || !was_complete_;
  out.is_holding = is_holding_;
  out.held = held_;
  out.ended = ended_;
  out.failing_count = failing_.size() + failing_more_;
  out.failing_unnamed = failing_more_;
  for (const auto& one : failing_) {
    if (out.failing.size() >= failing_max) break;
    out.failing.push_back(one);
  }
  return out;
}

HeldView Board::held() const {
  std::lock_guard lock(mutex_);
  return {is_holding_, held_, held_plan_};
}

std::optional<std::pair<std::string, FailingEntry>> Board::failing(const std::string& path) const {
  std::lock_guard lock(mutex_);
  for (auto at = path;;) {
    if (const auto found = failing_.find(at); found != failing_.end()) return *found;
    if (at.empty()) return std::nullopt;
    const auto slash = at.rfind('/');
    at.resize(slash == at.npos ? 0 : slash);
  }
}

std::uint64_t Board::want_round() {
  std::lock_guard lock(mutex_);
  is_wanted_ = true;
  if (wake_) wake_();
  return ++requested_;
}

bool Board::is_proven(std::uint64_t ticket) const {
  std::lock_guard lock(mutex_);
  return proven_ >= ticket;
}

std::optional<Held> Board::approve() {
  std::lock_guard lock(mutex_);
  auto held = held_;
  held.everything = standing_.state == Standing::State::blocked && !standing_.is_away;
  if (!is_holding_ && !held.everything) return std::nullopt;
  approval_ = held.everything ? Approval::root : Approval::held;
  is_wanted_ = true;
  if (wake_) wake_();
  return held;
}

void Board::wake() {
  std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

void Board::listen(std::function<void()> on_news) {
  std::lock_guard lock(mutex_);
  on_news_ = std::move(on_news);
}

}  // namespace syncline::watch
