// SPDX-License-Identifier: Apache-2.0
// A transport over a connection: frames through queues, input and output on a network thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/limits.hpp"
#include "wire/transport.hpp"

namespace syncline::net {

class IoThread;
class LinkCore;
class Stream;

struct LinkOptions {
  std::string peer = "the other side";                         ///< as messages name it
  std::size_t frame_bytes_max = limits::link_frame_bytes_max;  ///< after the length field, both ways
  std::size_t queue_bytes_max = limits::link_queue_bytes_max;  ///< each way
  std::chrono::milliseconds keepalive_interval = limits::keepalive_interval;
  std::chrono::milliseconds silence_limit = limits::silence_limit;
  std::chrono::milliseconds stall_limit = limits::stall_limit;
  std::chrono::milliseconds close_limit = limits::close_limit;
};

/// One end of a connection. Needs no thread of its own: an idle link costs a few KiB and a timer.
///
/// It ends when either side closes, when the connection breaks, when nothing at all was received for
/// `silence_limit` (each side sends keepalives), or when the other side takes nothing of what is to be
/// written for `stall_limit`. What was received before the end can still be received after it.
class Link final : public wire::Transport {
 public:
  Link(std::shared_ptr<IoThread> thread, std::unique_ptr<Stream> stream, const LinkOptions& options);
  /// close(), and waits until all is delivered to the system (`close_limit` at most) and the other side has
  /// answered (limits::farewell_limit at most, and not after part()); on a network thread it does not wait.
  /// No notification runs any more after it.
  ~Link() override;

  /// `frame` begins with its length (u32, of what follows). Blocks while more than `queue_bytes_max` would be
  /// queued, so on a network thread only what surely fits may be sent. Throws Error(disconnected) after the
  /// end, Error(malformed, limit_exceeded) for what is no frame.
  void send(Bytes frame) override;
  /// Throws std::logic_error: both ends are never in one process.
  void hand_over(wire::Message message, std::size_t coded_bytes) override;
  /// Nothing after close(), or after the other side closed in an orderly way; throws failure() after any
  /// other end. In each case what was received before comes first.
  std::optional<wire::Parcel> receive() override;
  bool has_input() const override;
  /// Returns at once. What was sent before is still delivered unless it takes more than `close_limit`; what
  /// comes in from now on is dropped.
  void close() override;
  void part() override;
  std::uint64_t sent_bytes() const override;
  std::uint64_t received_bytes() const override;
  std::uint64_t waiting_bytes() const override;
  bool is_local() const override { return false; }

  /// Closes without delivering anything. Whoever waits in send() or receive() returns.
  void abort();
  /// Why the link ended, unless in an orderly way or by abort(): a silence or stall is ETIMEDOUT, an end of
  /// the stream that nobody announced Error(disconnected), inside a frame Error(truncated), a frame too large
  /// Error(limit_exceeded), altered bytes Error(corrupt), and so on.
  std::optional<Error> failure() const;
  /// Calls `ready` once, on the network thread, as soon as has_input() is true. It must neither block nor
  /// throw; it may close or destroy the link. Replaces one that was not called yet; an empty one takes it
  /// back.
  void on_input(std::function<void()> ready) override;
  /// New bounds for what comes in: low while nobody knows the other side, as usual afterwards. A frame that
  /// has begun goes on under the old ones. Before the first frame can have come in only within on_connection.
  void limit_input(std::size_t frame_bytes_max, std::size_t queue_bytes_max);

 private:
  std::shared_ptr<LinkCore> core_;
};

}  // namespace syncline::net
