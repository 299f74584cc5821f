// SPDX-License-Identifier: Apache-2.0
// What threads of the engine do to a link: putting into its queues and taking out of them.
#include <cstring>

#include "net/link_core.hpp"

namespace syncline::net {
namespace {

/// The network thread ends a closing link by itself; this is for one that does not come to it.
constexpr std::chrono::seconds close_grace{1};

void check_frame(const Bytes& frame, const LinkOptions& options) {
  std::uint32_t length = 0;
  if (frame.size() <= sizeof length) throw Error(Errc::malformed, "a frame to " + options.peer);
  std::memcpy(&length, frame.data(), sizeof length);
  if (length != frame.size() - sizeof length) throw Error(Errc::malformed, "a frame to " + options.peer);
  if (length > options.frame_bytes_max)
    throw Error(Errc::limit_exceeded, "a frame of " + std::to_string(length) + " bytes to " + options.peer);
}

}  // namespace

void LinkCore::start() {
  if (!thread_->post([self = shared_from_this()] { self->run(&LinkCore::begin); })) stop_running();
}

void LinkCore::send(Bytes frame) {
  check_frame(frame, options_);
  std::unique_lock lock(mutex_);
  space_.wait(lock, [&] {
    return out_closed_ || out_bytes_ == 0 || out_bytes_ + frame.size() <= options_.queue_bytes_max;
  });
  if (out_closed_) throw Error(Errc::disconnected, options_.peer);
  out_bytes_ += frame.size();
  out_.push_back(std::move(frame));
  if (!std::exchange(writer_busy_, true))
    thread_->post([self = shared_from_this()] { self->run(&LinkCore::write_on); });
}

std::optional<Bytes> LinkCore::receive() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [&] { return in_closed_ || !in_.empty(); });
  if (in_.empty()) {
    if (failure_ && !closed_here_) throw Error(*failure_);
    return std::nullopt;
  }
  auto frame = std::move(in_.front());
  in_.pop_front();
  in_bytes_ -= frame.size();
  // Half empty rather than one frame less: a reader that is woken for every frame costs more than it reads.
  if (reader_paused_ && in_bytes_ <= in_queue_max_ / 2 && !std::exchange(resume_posted_, true))
    thread_->post([self = shared_from_this()] { self->run(&LinkCore::resume); });
  return frame;
}

bool LinkCore::has_input() const {
  std::lock_guard lock(mutex_);
  return in_closed_ || !in_.empty();
}

std::size_t LinkCore::waiting_bytes() const {
  std::lock_guard lock(mutex_);
  return out_bytes_;
}

void LinkCore::close() {
  std::lock_guard lock(mutex_);
  if (std::exchange(closed_here_, true)) return;
  out_closed_ = in_closed_ = true;
  space_.notify_all();
  filled_.notify_all();
  if (!ended_) thread_->post([self = shared_from_this()] { self->run(&LinkCore::begin_close); });
}

void LinkCore::part() {
  {
    std::lock_guard lock(mutex_);
    parted_ = true;
  }
  close();
}

void LinkCore::wait_closed() {
  std::unique_lock lock(mutex_);
  if (settled_.wait_for(lock, options_.close_limit + close_grace, [&] { return said_all_ || ended_; })) {
    // Without their answer the rest goes on behind the scenes.
    if (!parted_) settled_.wait_for(lock, limits::farewell_limit, [&] { return ended_; });
    return;
  }
  lock.unlock();
  abort();
}

void LinkCore::abort() {
  std::deque<Bytes> dropped;
  std::lock_guard lock(mutex_);
  closed_here_ = aborted_ = out_closed_ = in_closed_ = true;
  dropped.swap(in_);
  in_bytes_ = 0;
  space_.notify_all();
  filled_.notify_all();
  if (!ended_) thread_->post([self = shared_from_this()] { self->end(std::nullopt); });
}

std::optional<Error> LinkCore::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

void LinkCore::on_input(std::function<void()> ready) {
  std::lock_guard lock(mutex_);
  ready_.swap(ready);
  if (ready_ && (in_closed_ || !in_.empty())) thread_->post([self = shared_from_this()] { self->fire(); });
}

void LinkCore::forget_ready() {
  std::function<void()> forgotten;
  std::unique_lock lock(mutex_);
  forgotten.swap(ready_);
  if (!IoThread::is_current()) settled_.wait(lock, [&] { return !ready_running_; });
}

void LinkCore::limit_input(std::size_t frame_bytes_max, std::size_t queue_bytes_max) {
  std::lock_guard lock(mutex_);
  in_frame_max_ = frame_bytes_max;
  in_queue_max_ = queue_bytes_max;
  if (reader_paused_ && in_bytes_ <= in_queue_max_ && !std::exchange(resume_posted_, true))
    thread_->post([self = shared_from_this()] { self->run(&LinkCore::resume); });
}

}  // namespace syncline::net
