// SPDX-License-Identifier: Apache-2.0
// Every message decoder: what it accepts has one coding and survives it.
#include "fuzz.hpp"
#include "wire/messages.hpp"

using namespace syncline;

namespace {

void decode_and_encode(wire::MessageType type, ByteView payload) {
  const auto message = wire::decode(type, payload);
  fuzz::require(wire::type_of(message) == type, "a message has the type it came as");
  const auto coded = wire::encode(message);
  const auto again = wire::encode(wire::decode(type, coded));
  fuzz::require(coded == again, "coding is stable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Source source(fuzz::view(data, size));
  const auto type = static_cast<wire::MessageType>(source.u8());
  wire::name_of(type);
  fuzz::accept_errors([&] { decode_and_encode(type, source.rest()); });
  return 0;
}
