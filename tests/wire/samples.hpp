// SPDX-License-Identifier: Apache-2.0
// One message of every type with the bytes that docs/format/wire.md gives it, written down by hand.
#pragma once

#include <string>
#include <vector>

#include "wire/messages.hpp"

namespace syncline::test {

struct Sample {
  wire::Message message;
  Bytes golden;
};

/// In the order of the message types, at least one of each.
const std::vector<Sample>& samples();

/// Hex pairs; "a1*32" stands for 32 times the same byte.
Bytes from_hex(const std::string& text);
std::string to_hex(ByteView data);

hash::Digest digest_of(unsigned byte);  ///< all bytes equal

}  // namespace syncline::test
