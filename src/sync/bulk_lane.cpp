// SPDX-License-Identifier: Apache-2.0
// Two compressors and an order.
#include "sync/bulk_lane.hpp"

#include <algorithm>

#include "sync/session.hpp"

namespace syncline::sync {

BulkLane::BulkLane(wire::Channel& channel, unsigned threads) : channel_(channel) {
  if (threads > 1 && !channel_.is_local()) thread_ = KeptThread("compress", [this] { work(); });
}

BulkLane::~BulkLane() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void BulkLane::put(wire::Message message) {
  if (!thread_.joinable()) return channel_.send_bulk(std::move(message));
  std::unique_lock lock(mutex_);
  slots_.push_back({std::move(message), std::nullopt});
  changed_.notify_all();
  // One that the other thread has not come to is left for it to go on with.
  work_until(lock, [&] { return waiting_count() <= 1 && slots_.size() < messages_max; });
  check_failure();
}

void BulkLane::finish() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(mutex_);
  work_until(lock, [&] { return slots_.empty() && !sending_; });
  check_failure();
}

void BulkLane::work() {
  std::unique_lock lock(mutex_);
  work_until(lock, [&] { return stopping_; });
}

template <class IsDone>
void BulkLane::work_until(std::unique_lock<std::mutex>& lock, IsDone&& is_done) {
  while (!failure_ && !is_done()) {
    if (Slot* slot = next_to_prepare()) {
      prepare(lock, *slot);
      send_ready(lock);
    } else {
      changed_.wait(lock);
    }
  }
}

BulkLane::Slot* BulkLane::next_to_prepare() {
  const auto slot = std::ranges::find_if(slots_, [](const Slot& one) { return one.message.has_value(); });
  return slot == slots_.end() ? nullptr : &*slot;
}

std::size_t BulkLane::waiting_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(slots_, [](const Slot& one) { return one.message.has_value(); }));
}

void BulkLane::prepare(std::unique_lock<std::mutex>& lock, Slot& slot) {
  auto message = std::move(*slot.message);
  slot.message.reset();
  lock.unlock();
  std::optional<wire::Channel::Bulk> bulk;
  auto failure = failure_of([&] { bulk = channel_.prepare_bulk(std::move(message)); });
  lock.lock();
  slot.ready = std::move(bulk);
  if (failure && !failure_) failure_ = failure;
  changed_.notify_all();
}

/// By one thread at a time; what becomes ready meanwhile goes with it.
void BulkLane::send_ready(std::unique_lock<std::mutex>& lock) {
  if (sending_) return;
  sending_ = true;
  while (!failure_ && !stopping_ && !slots_.empty() && slots_.front().ready) {
    auto bulk = std::move(*slots_.front().ready);
    slots_.pop_front();
    lock.unlock();
    auto failure = failure_of([&] { channel_.send_bulk(std::move(bulk)); });
    lock.lock();
    if (failure) failure_ = failure;
  }
  sending_ = false;
  changed_.notify_all();
}

void BulkLane::check_failure() const {
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace syncline::sync
