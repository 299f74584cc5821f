// SPDX-License-Identifier: Apache-2.0
// Framing: u32 bytes after this field, u8 kind, kind 1 and 2: u32 raw bytes, payload; payload = (u8 type,
// varint length, body)*.
#include "wire/channel.hpp"

#include <algorithm>
#include <thread>

#include "base/limits.hpp"
#include "base/rest_local.hpp"

namespace syncline::wire {
namespace {

constexpr std::size_t gather_bytes = 128 * limits::kib;
/// What a buffer may hold on to between messages.
constexpr std::size_t kept_bytes_max = 4 * gather_bytes;
constexpr int default_level = 3;
/// A local link is faster than zstd: only the first bulk bytes are compressed, so that a small copy is small.
constexpr std::uint64_t local_bulk_bytes = 2 * limits::mib;
/// What is sent of changes is mostly less: it is worth a little time on any link.
constexpr std::uint64_t first_bulk_bytes = 32 * limits::mib;
constexpr std::size_t raw_head_bytes = 5;
/// To compress less than this costs more bytes than it saves.
constexpr std::size_t tiny_bytes = 24;
/// Frames of a MiB take 2.5 % fewer bytes than those of a quarter, in less time.
constexpr std::uint64_t bulk_bytes_most = 1 * limits::mib;
constexpr std::uint64_t bulk_bytes_least = 32 * limits::kib;
constexpr std::chrono::milliseconds rate_look_interval{100};
/// A frame may hold one message of the largest size and what was gathered before it.
constexpr std::size_t raw_bytes_max = limits::frame_bytes_max + gather_bytes + 64;

}  // namespace

Channel::Channel(std::unique_ptr<Transport> transport, Conversation conversation,
                 const ChannelOptions& options)
    : transport_(std::move(transport)),
      options_(options),
      conversation_(conversation),
      stream_out_(options.level.value_or(default_level) == 0 ? 1 : options.level.value_or(default_level)) {}

Channel::~Channel() = default;

void Channel::append(Bytes& out, const Message& message, std::size_t body_bytes) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(type_of(message)));
  writer.varint(body_bytes);
  encode_to(out, message);
}

void Channel::send(const Message& message) {
  std::lock_guard lock(send_mutex_);
  gather(message);
  if (pending_.size() >= gather_bytes) flush_locked();
}

void Channel::send(Message&& message) {
  std::lock_guard lock(send_mutex_);
  gather(message);
  message = Flush{};  // its content is not needed twice
  if (pending_.size() >= gather_bytes) flush_locked();
}

/// Under send_mutex_.
void Channel::gather(const Message& message) {
  note_sent(message);
  append(pending_, message, encoded_bytes(message));
}

void Channel::flush() {
  std::lock_guard lock(send_mutex_);
  flush_locked();
}

/// Where nothing waits and nobody sends, sending does not block.
void Channel::flush_if_idle() {
  const std::unique_lock lock(send_mutex_, std::try_to_lock);
  if (lock && transport_->waiting_bytes() == 0) flush_locked();
}

void Channel::flush_locked() {
  if (pending_.empty()) return;
  const bool as_it_is = options_.level == 0 || pending_.size() <= tiny_bytes;
  const auto raw_bytes = pending_.size();
  Bytes frame;
  // pending_ is cleared before the frame goes: what cannot go must not pile up.
  if (as_it_is) {
    frame = framed(raw, pending_, raw_bytes);
    clear_pending();
  } else {
    const auto compressed = stream_out_.compress(pending_);
    clear_pending();
    frame = framed(stream, compressed, raw_bytes);
  }
  put_frame(std::move(frame));
}

/// What a large message took is not kept.
void Channel::clear_pending() {
  pending_.clear();
  if (pending_.capacity() > kept_bytes_max) Bytes().swap(pending_);  // to assign {} would keep the memory
}

int Channel::bulk_level() const {
  if (options_.level) return *options_.level;
  if (transport_->is_local()) return bulk_bytes_ < local_bulk_bytes ? default_level : compress::level_off;
  int level = link_level_now_;
  if (const auto rate = options_.rates.rate_at(options_.clock->now_ns()))
    level = std::max(level, LinkLevel::level_for(static_cast<double>(*rate)));
  return bulk_bytes_ < first_bulk_bytes ? std::max(level, default_level) : level;
}

void Channel::observe_link() {
  if (transport_->is_local()) return;
  link_level_.observe({options_.clock->steady().time_since_epoch(), transport_->sent_bytes(),
                       transport_->waiting_bytes(), std::chrono::nanoseconds(compressing_ns_)});
  link_level_now_ = link_level_.level();
}

std::size_t Channel::bulk_bytes_wanted() const {
  if (transport_->is_local()) return bulk_bytes_most;
  const auto rate = options_.rates.rate_at(options_.clock->now_ns());
  return rate ? std::clamp<std::uint64_t>(*rate / 4, bulk_bytes_least, bulk_bytes_most) : bulk_bytes_most;
}

Channel::Bulk Channel::prepare_bulk(Message message) {
  thread_local RestLocal<compress::Compressor> compressor;
  const auto body_bytes = encoded_bytes(message);
  const auto message_bytes = 1 + varint_bytes(body_bytes) + body_bytes;
  const int level = bulk_level();
  const bool as_it_is = level == compress::level_off && transport_->is_local();
  bulk_bytes_ += message_bytes;
  Bulk bulk;
  bulk.type = type_of(message);
  bulk.coded_bytes = raw_head_bytes + message_bytes;
  if (as_it_is) {
    bulk.message = std::move(message);
    return bulk;
  }
  if (level == compress::level_off) {
    bulk.frame = frame_head(raw, message_bytes, message_bytes);
    append(bulk.frame, message, body_bytes);
    return bulk;
  }
  Bytes body;
  body.reserve(message_bytes);
  append(body, message, body_bytes);
  message = Flush{};  // its content is not needed twice
  const auto begun = options_.clock->steady();
  bulk.frame = framed(single, compressor->compress(body, level), message_bytes);
  compressing_ns_ += (options_.clock->steady() - begun).count();
  return bulk;
}

void Channel::send_bulk(Bulk bulk) {
  std::lock_guard lock(send_mutex_);
  {
    std::lock_guard order(order_mutex_);
    note_sent(bulk.type);
  }
  flush_locked();
  if (!bulk.message) return put_frame(std::move(bulk.frame));
  throttle(bulk.coded_bytes);
  transport_->hand_over(std::move(*bulk.message), bulk.coded_bytes);
}

/// With room for the payload.
Bytes Channel::frame_head(FrameKind kind, std::size_t payload_bytes, std::size_t raw_bytes) {
  Bytes frame;
  frame.reserve(raw_head_bytes + 4 + payload_bytes);
  ByteWriter writer(frame);
  writer.u32(static_cast<std::uint32_t>(payload_bytes + 1 + (kind == raw ? 0 : 4)));
  writer.u8(kind);
  if (kind != raw) writer.u32(static_cast<std::uint32_t>(raw_bytes));
  return frame;
}

Bytes Channel::framed(FrameKind kind, ByteView payload, std::size_t raw_bytes) {
  Bytes frame = frame_head(kind, payload.size(), raw_bytes);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

void Channel::put_frame(Bytes frame) {
  throttle(frame.size());
  observe_link();
  transport_->send(std::move(frame));
}

/// The rate is looked at anew in short intervals: it may change while a large frame waits.
void Channel::throttle(std::size_t bytes) {
  const auto wait = [&] {
    return account_.wait(options_.clock->steady(), options_.rates.rate_at(options_.clock->now_ns()));
  };
  (void)wait();  // the time until now is credited before the frame is charged
  account_.spend(bytes);
  for (auto left = wait(); left.count() > 0; left = wait())
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, rate_look_interval));
}

bool Channel::has_input() const { return input_pos_ < input_.size() || transport_->has_input(); }

bool Channel::session_is_over() const {
  std::lock_guard order(order_mutex_);
  return conversation_.over();
}

void Channel::rest() {
  const std::scoped_lock lock(send_mutex_, order_mutex_);
  rest_locked();
}

void Channel::rest_locked() {
  stream_out_.rest();
  if (input_pos_ < input_.size()) return;
  give_back(input_);
  input_pos_ = 0;
}

void Channel::begin_session(Conversation conversation, const ChannelOptions& options) {
  bool owes_stirred = false;
  {
    std::scoped_lock lock(send_mutex_, order_mutex_);
    conversation_ = conversation;
    options_ = options;
    bulk_bytes_ = 0;
    owes_stirred = std::exchange(owes_stirred_, false);
    rest_locked();
  }
  if (owes_stirred) tell_stirred();
}

void Channel::set_options(const ChannelOptions& options) {
  std::lock_guard lock(send_mutex_);
  options_ = options;
}

void Channel::set_rate_ceiling(std::optional<std::uint64_t> bytes_per_second) {
  std::lock_guard lock(send_mutex_);
  options_.rates.set_ceiling(bytes_per_second);
}

/// Under order_mutex_.
void Channel::note_sent(MessageType type) {
  if (conversation_.over()) throw Error(Errc::disconnected, "the other side");  // nobody listens any more
  conversation_.sent(type);
}

void Channel::note_sent(const Message& message) {
  std::lock_guard order(order_mutex_);
  note_sent(type_of(message));
  note_consequences(message);
}

void Channel::check_received(MessageType type) {
  std::lock_guard order(order_mutex_);
  conversation_.received(type);
}

void Channel::note_received(const Message& message) {
  std::lock_guard order(order_mutex_);
  note_consequences(message);
}

/// What only the content of a message tells.
void Channel::note_consequences(const Message& message) {
  if (const auto* finish = std::get_if<Finish>(&message); finish != nullptr && finish->unanswered)
    conversation_.finish_unanswered();
  if (const auto* open = std::get_if<Open>(&message); open != nullptr && !conversation_.role())
    conversation_.take_role(open->direction == Direction::push ? Role::receiver : Role::sender);
}

bool Channel::tell_stirred() {
  std::lock_guard lock(send_mutex_);
  {
    std::lock_guard order(order_mutex_);
    if (!conversation_.may_stir()) {
      owes_stirred_ = true;
      return false;
    }
    conversation_.sent(MessageType::stirred);
  }
  append(pending_, Stirred{}, 0);
  flush_locked();
  return true;
}

/// Whoever receives is in a session, and that something stirred before it says no more than that.
std::optional<Message> Channel::receive() {
  for (;;) {
    if (!has_input()) flush();
    auto message = next();
    if (!message || !std::holds_alternative<Stirred>(*message)) return message;
  }
}

std::optional<Message> Channel::receive_unhindered() {
  if (!has_input()) flush_if_idle();
  return next();
}

std::optional<Message> Channel::next() {
  if (input_pos_ == input_.size()) {
    auto parcel = transport_->receive();
    if (!parcel) return std::nullopt;
    if (auto* message = std::get_if<Message>(&*parcel)) {
      check_received(type_of(*message));
      note_received(*message);
      return std::move(*message);
    }
    auto* frame = std::get_if<Bytes>(&*parcel);
    ByteReader reader(*frame, "frame");
    if (reader.u32() != frame->size() - 4) reader.fail(Errc::malformed);
    const auto kind = reader.u8();
    if (kind == raw) {
      if (frame->size() > raw_bytes_max) reader.fail(Errc::limit_exceeded);
      input_ = std::move(*frame);
      input_pos_ = reader.offset();
    } else {
      const auto raw_bytes = reader.u32();
      if (raw_bytes > raw_bytes_max) reader.fail(Errc::limit_exceeded);
      const auto payload = reader.bytes(reader.remaining());
      if (kind == stream) input_ = stream_in_.decompress(payload, raw_bytes);
      else if (kind == single) input_ = single_in_.decompress(payload, raw_bytes);
      else throw Error(Errc::unsupported, "frame kind " + std::to_string(kind));
      if (input_.size() != raw_bytes) throw Error(Errc::corrupt, "frame");
      input_pos_ = 0;
    }
  }
  ByteReader reader(ByteView(input_).subspan(input_pos_), "frame");
  const auto type = static_cast<MessageType>(reader.u8());
  const auto body = reader.blob(limits::frame_bytes_max);
  input_pos_ += reader.offset();
  check_received(type);
  auto message = decode(type, body);
  if (input_pos_ == input_.size() && input_.capacity() > kept_bytes_max) {
    Bytes().swap(input_);  // a large message is not needed twice
    input_pos_ = 0;
  }
  note_received(message);
  return message;
}

}  // namespace syncline::wire
