// SPDX-License-Identifier: Apache-2.0
// A file that is being received.
#pragma once

#include "sync/applier.hpp"

namespace syncline::sync {

struct Applier::FileState {
  struct Gap {
    std::uint64_t new_offset = 0;
    std::uint64_t old_offset = 0;
    delta::GapPlan plan;
    std::vector<wire::ChunkRef> chunks;
    std::vector<delta::BlockMatch> coarse;
    bool open = true;
  };

  wire::FileBegin begin;
  RelPath path;
  std::unique_ptr<patch::FileWrite> write;
  std::optional<RelPath> kept_in;         ///< of the old version, if it drifted
  std::optional<manifest::Manifest> old;  ///< of the base, when match steps may come
  std::vector<std::uint64_t> old_starts;
  std::uint64_t offset = 0;                                       ///< where the next step begins
  std::vector<std::pair<std::uint64_t, manifest::Chunk>> chunks;  ///< of the new file, any order
  std::vector<Gap> gaps;
  std::size_t open_gaps = 0;
  std::uint32_t refused_gaps = 0;  ///< behind those, of a file that has failed
  std::uint64_t announced_chunks = 0;
  bool lingers = false;  ///< ended, but chunks that were asked for are still to come
  std::uint64_t lingering_chunks = 0;
  std::map<std::uint64_t, wire::ChunkRef> requested;
  std::optional<wire::FileEnd> end;
  bool failed = false;
};

}  // namespace syncline::sync
