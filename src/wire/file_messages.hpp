// SPDX-License-Identifier: Apache-2.0
// Messages about the content of one larger or changed file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "delta/gap.hpp"
#include "hash/digest.hpp"
#include "manifest/manifest.hpp"
#include "wire/tree_messages.hpp"

namespace syncline::wire {

/// One larger or changed file; its steps follow.
struct FileBegin {
  std::uint64_t file = 0;  ///< number, counted by the sender
  std::string path;
  std::uint64_t size_bytes = 0;
  manifest::ChunkParams params;
  bool has_base = false;  ///< the receiver's present file takes part
  std::uint64_t base_bytes = 0;
  std::uint64_t base_content = 0;  ///< first 8 bytes of its manifest root; 0: not needed (no match steps)
  std::uint64_t matched_in_place_bytes = 0;
  std::uint64_t matched_moved_bytes = 0;
  std::uint64_t changed_bytes = 0;
};

/// Chunk as announced: 16 bytes of the id are enough to tell a bad rebuild from a good one.
struct ChunkRef {
  std::uint32_t length_bytes = 0;
  std::array<std::byte, hash::short_id_bytes> id{};
};

struct StepMatch {  ///< bytes of the base
  std::uint64_t old_offset = 0;
  std::uint64_t bytes = 0;
};
struct StepZeros {
  std::uint64_t bytes = 0;
};
struct StepData {  ///< a whole chunk
  ChunkRef chunk;
  Bytes content;
};
struct StepOther {  ///< chunk that the receiver holds in another file (dedupe)
  ChunkRef chunk;
  std::string path;
  std::uint64_t offset = 0;
};
struct StepGap {  ///< to be searched in rounds; gaps are numbered per file from 0
  std::uint64_t old_offset = 0;
  delta::GapPlan plan;
  std::vector<ChunkRef> chunks;
};
struct StepPatch {  ///< chunks compressed against a range of the base
  std::uint64_t old_offset = 0;
  std::uint64_t old_bytes = 0;
  std::vector<ChunkRef> chunks;
  Bytes frame;  ///< zstd with the old range as prefix
};
/// A whole chunk with its whole id, which is taken over unchecked: only in one process.
struct StepLocal {
  hash::ChunkId id;
  Bytes content;
};
using Step = std::variant<StepMatch, StepZeros, StepData, StepOther, StepGap, StepPatch, StepLocal>;

struct FileSteps {
  std::uint64_t file = 0;
  std::vector<Step> steps;
};
struct FileEnd {
  std::uint64_t file = 0;
  bool aborted = false;  ///< it changed or vanished while it was read: leave the old one
  Meta meta;
  hash::Digest root;  ///< manifest root of the whole new file
};

/// Round 1 (`round` 1) or 2 of one gap; 0: the receiver gave this file up and wants no answer.
struct GapSums {
  std::uint64_t file = 0;
  std::uint32_t gap = 0;
  std::uint8_t round = 1;
  Bytes sums;
};
/// Matches in the coding of delta::write_matches() (the receiver has the gap's plan).
struct GapMatches {
  std::uint64_t file = 0;
  std::uint32_t gap = 0;
  Bytes matches;
};
/// Matches in the coding of delta::write_fine_matches(): only what round 2 added.
struct GapDelta {
  std::uint64_t file = 0;
  std::uint32_t gap = 0;
  Bytes matches;
  Bytes literals;
};
/// The receiver could not rebuild this chunk (or its base is not what the sender thought).
struct ChunkRequest {
  std::uint64_t file = 0;
  std::uint64_t new_offset = 0;
  std::uint32_t length_bytes = 0;
};
struct ChunkData {
  std::uint64_t file = 0;
  std::uint64_t new_offset = 0;
  Bytes content;
};

}  // namespace syncline::wire
