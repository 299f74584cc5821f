// SPDX-License-Identifier: Apache-2.0
// The limits of time of a link: one timer, which looks again when the first of them may be reached.
#include <algorithm>
#include <cerrno>

#include "net/link_core.hpp"

namespace syncline::net {
namespace {

std::string seconds_text(std::chrono::milliseconds span) {
  if (span.count() % 1000 == 0) return std::to_string(span.count() / 1000) + " s";
  return std::to_string(span.count()) + " ms";
}

}  // namespace

Error LinkCore::timed_out(const char* what, std::chrono::milliseconds limit) const {
  return {ETIMEDOUT, options_.peer + ": " + what + " for " + seconds_text(limit)};
}

LinkCore::Clock::time_point LinkCore::next_due() const {
  if (closing_) return close_due_;
  auto due = last_received_ + options_.silence_limit;
  if (waits_writable_) return std::min(due, stalled_since_ + options_.stall_limit);
  return std::min(due, last_sent_ + options_.keepalive_interval);
}

/// A timer that is due earlier than need be stays: it costs less to look once too often than to move it each
/// time.
void LinkCore::arm() {
  const auto due = next_due();
  if (over_ || armed_for_ <= due) return;
  armed_for_ = due;
  timer_.expires_at(due);
  timer_.async_wait([self = shared_from_this()](std::error_code failed) {
    if (!failed) self->run(&LinkCore::tick);
  });
}

std::optional<Error> LinkCore::overdue(Clock::time_point now) {
  if (closing_) {
    if (now < close_due_) return std::nullopt;
    return timed_out("not ready to close", options_.close_limit);
  }
  if (waits_writable_ && now >= stalled_since_ + options_.stall_limit)
    return timed_out("nothing taken", options_.stall_limit);
  if (now < last_received_ + options_.silence_limit) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (!reader_paused_) return timed_out("nothing received", options_.silence_limit);
  last_received_ = now;  // nobody here has looked
  return std::nullopt;
}

void LinkCore::keep_alive(Clock::time_point now) {
  if (closing_ || waits_writable_ || now < last_sent_ + options_.keepalive_interval) return;
  last_sent_ = now;
  if (write_error_) return;
  {
    std::lock_guard lock(mutex_);
    if (out_closed_ || writer_busy_) return;
    writer_busy_ = true;
    out_.emplace_back(sizeof(std::uint32_t));
    out_bytes_ += sizeof(std::uint32_t);
  }
  write_on();
}

void LinkCore::tick() {
  armed_for_ = Clock::time_point::max();
  const auto now = Clock::now();
  if (auto cause = overdue(now)) return end(std::move(cause));
  keep_alive(now);
  arm();
}

}  // namespace syncline::net
