// SPDX-License-Identifier: Apache-2.0
// Bytes both ways without blocking: what a link is built upon. Internal to src/net.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <system_error>

#include "base/bytes.hpp"

namespace syncline::net {

/// All but the counters is for one network thread. What fails throws Error, without the name of the peer.
class Stream {
 public:
  enum class State {
    data,
    wait_input,  ///< nothing there: call wait_readable()
    end,         ///< the other side said that nothing more comes
  };
  struct Input {
    State state;
    std::size_t bytes = 0;
  };
  using Wake = std::function<void(std::error_code)>;

  virtual ~Stream() = default;
  virtual Input read(std::span<std::byte> into) = 0;
  /// Takes the beginning of `pieces`, as much as there is room for, and flushes; returns how many bytes.
  virtual std::size_t write(std::span<const ByteView> pieces) = 0;
  /// True when nothing that was taken is left, with finish() even the mark of the end.
  virtual bool flush() = 0;
  /// Has taken something that the kernel has not yet.
  virtual bool has_output() const = 0;
  /// After what was taken: nothing more comes from this side. Takes effect with flush().
  virtual void finish() = 0;
  /// One of each kind may be outstanding. `wake` gets operation_canceled after close().
  virtual void wait_readable(Wake wake) = 0;
  virtual void wait_writable(Wake wake) = 0;
  virtual void close() noexcept = 0;
  /// Gives memory back that an idle stream does not need.
  virtual void rest() {}

  /// What crosses the wire, handshake and record heads included. From any thread.
  std::uint64_t sent_bytes() const { return sent_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t received_bytes() const { return received_bytes_.load(std::memory_order_relaxed); }

 protected:
  void count_sent(std::size_t bytes) { sent_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void count_received(std::size_t bytes) { received_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> sent_bytes_ = 0;
  std::atomic<std::uint64_t> received_bytes_ = 0;
};

}  // namespace syncline::net
