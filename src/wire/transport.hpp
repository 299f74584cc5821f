// SPDX-License-Identifier: Apache-2.0
// A way for frames to get across, and the one inside a process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "wire/messages.hpp"

namespace syncline::wire {

/// What gets across: a frame or, inside a process, a message as it is.
using Parcel = std::variant<Bytes, Message>;

/// One end of a two-way connection that carries whole frames in order. send() blocks while the
/// other side is slow (bounded in bytes); receive() blocks until a frame is there. Thread-safe:
/// one sender and one receiver thread at a time, and close() from anywhere.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Throws Error(Errc::disconnected) once either side has closed.
  virtual void send(Bytes frame) = 0;
  /// For a local end only: coding a large message to decode it next door would be copying for nothing.
  /// It counts as the `coded_bytes` that it would have taken. Throws as send() does.
  virtual void hand_over(Message message, std::size_t coded_bytes) = 0;
  /// Nothing when the other side closed and everything was received.
  virtual std::optional<Parcel> receive() = 0;
  virtual bool has_input() const = 0;  ///< receive() would not block now
  /// Calls `ready` once, from any thread, as soon as has_input() is true. It must neither block nor throw.
  /// Replaces one that was not called yet; an empty one takes it back. An end that has no means for that
  /// never calls: whoever waits looks at has_input() from time to time as well.
  virtual void on_input(std::function<void()> ready) { ready = nullptr; }
  /// Throws what a send() or receive() would, where it is known already that there is no connection to be
  /// had.
  virtual void check() const {}
  virtual void close() = 0;
  /// close() by one who has had the answer to all that matters: whoever destroys it need not wait for theirs.
  virtual void part() { close(); }
  virtual std::uint64_t sent_bytes() const = 0;  ///< payload and headers, all that crossed
  virtual std::uint64_t received_bytes() const = 0;
  virtual std::uint64_t waiting_bytes() const = 0;  ///< taken by send() and not yet by the connection
  virtual bool is_local() const = 0;  ///< both ends in this process: faster than any compression
};

/// Both ends of an in-process connection; at most limits::pipe_bytes_max are queued each way.
std::pair<std::unique_ptr<Transport>, std::unique_ptr<Transport>> make_pipe();

}  // namespace syncline::wire
