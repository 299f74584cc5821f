// SPDX-License-Identifier: Apache-2.0
// Messages over a transport: framing, compression, counting, and the protocol's order.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/world.hpp"
#include "compress/zstd.hpp"
#include "wire/conversation.hpp"
#include "wire/link_level.hpp"
#include "wire/rate.hpp"
#include "wire/transport.hpp"

namespace syncline::wire {

struct ChannelOptions {
  /// 0: off; absent: small messages and the first bulk at level 3, further bulk by the link, on a local one
  /// not at all.
  std::optional<int> level = {};
  RateTable rates = {};                  ///< of what is sent
  const Clock* clock = &system_clock();  ///< that the rates go by
};

/// One end of a session. Small messages are gathered into frames that share one compression
/// context; bulk messages make frames of their own, compressed by the calling thread, or are handed over
/// as they are where both ends are in this process. send(),
/// send_bulk() and flush() may be called from several threads; receive() from one.
class Channel {
 public:
  /// `conversation`: this end's part in it.
  Channel(std::unique_ptr<Transport> transport, Conversation conversation, const ChannelOptions& options);
  Channel(std::unique_ptr<Transport> transport, Role role, const ChannelOptions& options)
      : Channel(std::move(transport), Conversation(role), options) {}
  ~Channel();

  /// Queued until flush() or until a frame is full. Throws Error(protocol) for a message out of order and
  /// Error(disconnected) after the end of the session.
  void send(const Message& message);
  /// Holds a large one once instead of twice while it waits for the link.
  void send(Message&& message);
  void send_bulk(Message message) { send_bulk(prepare_bulk(std::move(message))); }
  /// The costly half of it, which several threads may do for messages that are to arrive in order.
  struct Bulk {
    MessageType type{};
    std::optional<Message> message;  ///< where both ends are in this process
    Bytes frame;                     ///< elsewhere
    std::uint64_t coded_bytes = 0;
  };
  Bulk prepare_bulk(Message message);
  void send_bulk(Bulk bulk);
  /// How much to gather for a bulk message: the more, the better it is compressed, but a limit of the rate
  /// holds it up, and with it whatever else is to be said.
  std::size_t bulk_bytes_wanted() const;
  void flush();
  /// As a server: the client should begin another session. False where one goes on: it hears of it after
  /// that.
  bool tell_stirred();
  /// The next message; nothing when the other side is gone. Flushes before it blocks.
  /// Throws what decode() throws and Error(protocol).
  std::optional<Message> receive();
  /// The same, for a thread whose reading must go on while the other side does not read: flushes only where
  /// that need not wait. Whoever sends flushes in the end.
  std::optional<Message> receive_unhindered();
  bool has_input() const;
  void on_input(std::function<void()> ready) { transport_->on_input(std::move(ready)); }  ///< as Transport's
  /// Both ends are in this process: what is received is what was sent.
  bool is_local() const { return transport_->is_local(); }
  void check() const { transport_->check(); }  ///< as Transport's
  void close() { transport_->close(); }
  void part() { transport_->part(); }  ///< as Transport's
  /// The session is over and the connection stays: what only a session needs is given back.
  void rest();
  /// rest(), and the connection is to carry another one.
  void begin_session(Conversation conversation, const ChannelOptions& options);
  bool session_is_over() const;
  /// Where they are known only after the first messages.
  void set_options(const ChannelOptions& options);
  /// What the other side asks for, in addition to our own limits; absent: nothing.
  void set_rate_ceiling(std::optional<std::uint64_t> bytes_per_second);
  /// Of bulk that is sent now. A limit of the rate makes a link as slow as that.
  int bulk_level() const;
  std::uint64_t sent_bytes() const { return transport_->sent_bytes(); }
  std::uint64_t received_bytes() const { return transport_->received_bytes(); }

 private:
  enum FrameKind : std::uint8_t { raw = 0, stream = 1, single = 2 };
  static void append(Bytes& out, const Message& message, std::size_t body_bytes);
  static Bytes frame_head(FrameKind kind, std::size_t payload_bytes, std::size_t raw_bytes);
  static Bytes framed(FrameKind kind, ByteView payload, std::size_t raw_bytes);
  void rest_locked();
  void gather(const Message& message);
  void flush_locked();
  void clear_pending();
  void flush_if_idle();
  std::optional<Message> next();
  void put_frame(Bytes frame);
  void note_sent(MessageType type);
  void note_sent(const Message& message);
  void check_received(MessageType type);
  void note_received(const Message& message);
  void note_consequences(const Message& message);
  void throttle(std::size_t bytes);
  void observe_link();

  std::unique_ptr<Transport> transport_;
  ChannelOptions options_;
  std::mutex send_mutex_;
  mutable std::mutex order_mutex_;
  Conversation conversation_;
  bool owes_stirred_ = false;
  Bytes pending_;
  compress::StreamCompressor stream_out_;
  compress::StreamDecompressor stream_in_;
  compress::Decompressor single_in_;
  std::atomic<std::uint64_t> bulk_bytes_ = 0;
  LinkLevel link_level_;  ///< of the connection: sessions after each other share it
  std::atomic<int> link_level_now_ = LinkLevel::level_default;
  std::atomic<std::int64_t> compressing_ns_ = 0;
  RateAccount account_;
  Bytes input_;
  std::size_t input_pos_ = 0;
};

}  // namespace syncline::wire
