// SPDX-License-Identifier: Apache-2.0
// Rows of the state database: a damaged one is an Error, a sound one survives its coding.
#include "fuzz.hpp"
#include "state/dir_codec.hpp"
#include "state/rows.hpp"
#include "state/segment_codec.hpp"

using namespace syncline;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Source source(fuzz::view(data, size));
  const auto count = source.u8();
  const auto body = source.rest();
  fuzz::accept_errors([&] {
    std::vector<state::StoredEntry> entries;
    state::decode_entries(body, count, entries);
    fuzz::require(entries.size() == count, "as many entries as announced");
  });
  fuzz::accept_errors([&] {
    std::vector<manifest::Chunk> chunks;
    state::decode_chunks(body, count, chunks);
    fuzz::require(chunks.size() == count, "as many chunks as announced");
    const auto coded = state::encode_chunks(chunks);
    std::vector<manifest::Chunk> again;
    state::decode_chunks(coded, count, again);
    fuzz::require(again == chunks, "chunks survive their coding");
  });
  fuzz::accept_errors([&] { state::decode_summary(body); });
  fuzz::accept_errors([&] { state::decode_dir_head(body); });
  fuzz::accept_errors([&] { state::decode_manifest_head(body); });
  fuzz::accept_errors([&] { state::decode_agreement(body); });
  return 0;
}
