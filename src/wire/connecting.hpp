// SPDX-License-Identifier: Apache-2.0
// A transport that can be used while its connection is made.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

#include "base/kept_thread.hpp"
#include "wire/transport.hpp"

namespace syncline::wire {

/// What is sent before the connection is there waits for it, limits::pipe_bytes_max at most; then send()
/// waits as well. A connection that cannot be made is told by check(), and by whatever needs it.
class Connecting final : public Transport {
 public:
  /// `dial` blocks, or throws Error; it is called at once, by another thread.
  explicit Connecting(std::function<std::unique_ptr<Transport>()> dial);
  /// Waits for the end of `dial`.
  ~Connecting() override;
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

  void send(Bytes frame) override;
  void hand_over(Message message, std::size_t coded_bytes) override;
  std::optional<Parcel> receive() override;
  bool has_input() const override;
  void on_input(std::function<void()> ready) override;
  void check() const override;
  void close() override;
  void part() override;
  std::uint64_t sent_bytes() const override;
  std::uint64_t received_bytes() const override;
  std::uint64_t waiting_bytes() const override;
  bool is_local() const override { return false; }

 private:
  void connect(const std::function<std::unique_ptr<Transport>()>& dial);
  void deliver(std::unique_ptr<Transport> connected);
  Transport* connected() const;
  Transport& wait_connected(std::unique_lock<std::mutex>& lock) const;
  void check_locked() const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::unique_ptr<Transport> inner_;  ///< once nothing waits for it any more; stays then
  std::exception_ptr failure_;
  bool is_closed_ = false;
  std::deque<Bytes> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::function<void()> ready_;
  KeptThread thread_;
};

}  // namespace syncline::wire
