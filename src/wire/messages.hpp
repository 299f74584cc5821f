// SPDX-License-Identifier: Apache-2.0
// Every message of the protocol as a plain struct. docs/format/wire.md gives the bytes.
//
// Integers are little-endian or varints; framing and compression are the channel's (wire/channel.hpp).
// The sender has the new content, the receiver makes its replica equal to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/bytes.hpp"
#include "wire/file_messages.hpp"
#include "wire/report_messages.hpp"
#include "wire/session_messages.hpp"
#include "wire/tree_messages.hpp"

namespace syncline::wire {

enum class MessageType : std::uint8_t {
  hello = 1,
  begin = 2,
  roots = 3,
  list_request = 4,
  listing = 5,
  list_end = 6,
  manifest_request = 7,
  manifest_reply = 8,
  batch = 9,
  file_begin = 10,
  file_steps = 11,
  file_end = 12,
  gap_sums = 13,
  gap_matches = 14,
  gap_delta = 15,
  chunk_request = 16,
  chunk_data = 17,
  flush = 18,
  ack = 19,
  failure = 20,
  finish = 21,
  finished = 22,
  fatal = 23,
  open = 24,
  opened = 25,
  partials = 26,
  event = 27,
  summary = 28,
  pair = 29,
  paired = 30,
  owners = 31,
  owner_ids = 32,
  stirred = 33,
  left = 34,
  kept = 35,
};

using Message =
    std::variant<Hello, Begin, Roots, ListRequest, Listing, ListEnd, ManifestRequest, ManifestReply, Batch,
                 FileBegin, FileSteps, FileEnd, GapSums, GapMatches, GapDelta, ChunkRequest, ChunkData, Flush,
                 Ack, Failure, Finish, Finished, Fatal, Open, Opened, Partials, Event, Summary, Pair, Paired,
                 Owners, OwnerIds, Stirred, Left, Kept>;

MessageType type_of(const Message& message);
const char* name_of(MessageType type);

/// Size of a message's payload, before compression. Throws Error(limit_exceeded) past
/// limits::frame_bytes_max.
std::size_t encoded_bytes(const Message& message);
std::size_t encoded_bytes(const Op& op);
/// Appends the payload. Throws Error(limit_exceeded) for a field past its own limit.
void encode_to(Bytes& out, const Message& message);
Bytes encode(const Message& message);
/// Throws Error(malformed | truncated | limit_exceeded | unsupported) with the byte offset.
Message decode(MessageType type, ByteView payload);

}  // namespace syncline::wire
