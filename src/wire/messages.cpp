// SPDX-License-Identifier: Apache-2.0
// The byte coding of every message: one description per message (*_fields.hpp) serves both directions.
#include "wire/messages.hpp"

#include <cstddef>
#include <iterator>
#include <string>
#include <type_traits>
#include <variant>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "wire/coding.hpp"
#include "wire/file_fields.hpp"
#include "wire/report_fields.hpp"
#include "wire/session_fields.hpp"
#include "wire/tree_fields.hpp"

namespace syncline::wire {
namespace {

template <std::size_t K = 0>
Message decode_index(std::size_t index, ByteView payload) {
  if constexpr (K < std::variant_size_v<Message>) {
    if (index != K) return decode_index<K + 1>(index, payload);
    coding::Decoder in(payload);
    std::variant_alternative_t<K, Message> message;
    coding::fields(in, message);
    in.expect_done();
    return message;
  } else {
    throw Error(Errc::unsupported, "message type " + std::to_string(index + 1));
  }
}

}  // namespace

std::string partial_path(std::uint32_t number) { return ".syncline/partial/" + std::to_string(number); }

MessageType type_of(const Message& message) { return static_cast<MessageType>(message.index() + 1); }

const char* name_of(MessageType type) {
  static constexpr const char* names[] = {"none",           "hello",      "begin",       "roots",
                                          "list request",   "listing",    "list end",    "manifest request",
                                          "manifest reply", "batch",      "file begin",  "file steps",
                                          "file end",       "gap sums",   "gap matches", "gap delta",
                                          "chunk request",  "chunk data", "flush",       "ack",
                                          "failure",        "finish",     "finished",    "fatal",
                                          "open",           "opened",     "partials",    "event",
                                          "summary",        "pair",       "paired",      "owners",
                                          "owner ids",      "stirred",    "left",        "kept"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(names) ? names[index] : "unknown";
}

std::size_t encoded_bytes(const Message& message) {
  coding::Measurer measurer;
  std::visit(
      [&](const auto& m) { coding::fields(measurer, const_cast<std::remove_cvref_t<decltype(m)>&>(m)); },
      message);
  if (measurer.bytes() > limits::frame_bytes_max)
    throw Error(Errc::limit_exceeded, std::string(name_of(type_of(message))) + " message");
  return measurer.bytes();
}

std::size_t encoded_bytes(const Op& op) {
  coding::Measurer measurer;
  measurer.variant(op, [&](auto& one) { coding::fields(measurer, one); });
  return measurer.bytes();
}

void encode_to(Bytes& out, const Message& message) {
  coding::Encoder encoder(out);
  std::visit(
      [&](const auto& m) { coding::fields(encoder, const_cast<std::remove_cvref_t<decltype(m)>&>(m)); },
      message);
}

Bytes encode(const Message& message) {
  Bytes out;
  out.reserve(encoded_bytes(message));
  encode_to(out, message);
  return out;
}

Message decode(MessageType type, ByteView payload) {
  if (payload.size() > limits::frame_bytes_max) throw Error(Errc::limit_exceeded, "message");
  return decode_index(static_cast<std::size_t>(type) - 1, payload);
}

}  // namespace syncline::wire
