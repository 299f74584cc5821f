// SPDX-License-Identifier: Apache-2.0
// Frames that wait for a connection.
#include "wire/connecting.hpp"

#include <utility>

#include "base/limits.hpp"

namespace syncline::wire {
namespace {

/// False where the other side is gone.
bool send_all(Transport& transport, std::deque<Bytes> frames) {
  try {
    for (auto& frame : frames) transport.send(std::move(frame));
    return true;
  } catch (const Error& error) {
    if (!error.is(Errc::disconnected)) throw;
    return false;
  }
}

}  // namespace

Connecting::Connecting(std::function<std::unique_ptr<Transport>()> dial)
    : thread_("dial", [this, act = std::move(dial)] { connect(act); }) {}

Connecting::~Connecting() {
  close();
  thread_.join();
}

void Connecting::connect(const std::function<std::unique_ptr<Transport>()>& dial) {
  try {
    deliver(dial());
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

/// In order: what is sent meanwhile waits behind what waited before. Whoever is not heard to the end has said
/// why: that is read as of any connection.
void Connecting::deliver(std::unique_ptr<Transport> connected) {
  std::unique_lock lock(mutex_);
  while (!is_closed_ && !waiting_.empty()) {
    auto frames = std::exchange(waiting_, {});
    waiting_bytes_ = 0;
    changed_.notify_all();
    lock.unlock();
    const bool is_heard = send_all(*connected, std::move(frames));
    lock.lock();
    if (!is_heard) waiting_.clear(), waiting_bytes_ = 0;
  }
  if (is_closed_) connected->close();
  else if (ready_) connected->on_input(std::exchange(ready_, nullptr));
  inner_ = std::move(connected);
  changed_.notify_all();
}

Transport* Connecting::connected() const {
  const std::lock_guard lock(mutex_);
  return inner_.get();
}

void Connecting::check_locked() const {
  if (failure_) std::rethrow_exception(failure_);
  if (is_closed_ && !inner_) throw Error(Errc::disconnected, "the other side");
}

void Connecting::check() const {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

Transport& Connecting::wait_connected(std::unique_lock<std::mutex>& lock) const {
  changed_.wait(lock, [&] { return inner_ || failure_ || is_closed_; });
  check_locked();
  return *inner_;
}

void Connecting::send(Bytes frame) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return inner_ || failure_ || is_closed_ || waiting_bytes_ < limits::pipe_bytes_max; });
  check_locked();
  if (inner_) {
    lock.unlock();
    return inner_->send(std::move(frame));
  }
  waiting_bytes_ += frame.size();
  waiting_.push_back(std::move(frame));
}

void Connecting::hand_over(Message message, std::size_t coded_bytes) {
  std::unique_lock lock(mutex_);
  auto& inner = wait_connected(lock);
  lock.unlock();
  inner.hand_over(std::move(message), coded_bytes);
}

std::optional<Parcel> Connecting::receive() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return inner_ || failure_ || is_closed_; });
  if (failure_) std::rethrow_exception(failure_);
  if (!inner_) return std::nullopt;
  lock.unlock();
  return inner_->receive();
}

bool Connecting::has_input() const {
  const std::lock_guard lock(mutex_);
  return inner_ ? inner_->has_input() : failure_ || is_closed_;
}

void Connecting::on_input(std::function<void()> ready) {
  const std::lock_guard lock(mutex_);
  if (inner_) inner_->on_input(std::move(ready));
  else ready_ = std::move(ready);
}

void Connecting::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  if (inner_) inner_->close();
  changed_.notify_all();
}

void Connecting::part() {
  if (auto* inner = connected()) inner->part();
  close();
}

std::uint64_t Connecting::sent_bytes() const {
  const auto* inner = connected();
  return inner != nullptr ? inner->sent_bytes() : 0;
}

std::uint64_t Connecting::received_bytes() const {
  const auto* inner = connected();
  return inner != nullptr ? inner->received_bytes() : 0;
}

std::uint64_t Connecting::waiting_bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_ + (inner_ ? inner_->waiting_bytes() : 0);
}

}  // namespace syncline::wire
