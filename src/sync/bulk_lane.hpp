// SPDX-License-Identifier: Apache-2.0
// Bulk messages that are to arrive in order, compressed side by side.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>

#include "base/kept_thread.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

/// For a stream of content from one file: compressing is dearer than reading and naming it together. With two
/// threads one of them is the caller's, which compresses when the other one has enough to do. For one caller.
class BulkLane {
 public:
  static constexpr std::size_t messages_max = 4;

  /// Of one thread, or where nothing is compressed, each put() is a send_bulk().
  BulkLane(wire::Channel& channel, unsigned threads);
  BulkLane(const BulkLane&) = delete;
  BulkLane& operator=(const BulkLane&) = delete;
  /// What was not sent by finish() may be sent or not, but nothing is later.
  ~BulkLane();

  /// Throws what sending this or an earlier message threw.
  void put(wire::Message message);
  /// All is sent.
  void finish();

 private:
  struct Slot {
    std::optional<wire::Message> message;  ///< nobody has begun with it
    std::optional<wire::Channel::Bulk> ready;
  };
  void work();
  template <class IsDone>
  void work_until(std::unique_lock<std::mutex>& lock, IsDone&& is_done);
  Slot* next_to_prepare();
  std::size_t waiting_count() const;
  void prepare(std::unique_lock<std::mutex>& lock, Slot& slot);
  void send_ready(std::unique_lock<std::mutex>& lock);
  void check_failure() const;

  wire::Channel& channel_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Slot> slots_;  ///< in order; references to them stay good at both ends
  bool sending_ = false;
  bool stopping_ = false;
  std::exception_ptr failure_;
  KeptThread thread_;
};

}  // namespace syncline::sync
