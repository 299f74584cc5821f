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

  /// Chunks of the base that are in the new file as they were.
  struct Match {
    std::uint64_t new_offset = 0;
    std::size_t first = 0;  ///< of the base's records
    std::size_t count = 0;
  };

  wire::FileBegin begin;
  RelPath path;
  std::unique_ptr<patch::FileWrite> write;
  std::optional<RelPath> kept_in;         ///< of the old version, if it drifted
  SharedManifest old;                     ///< of the base, when match steps may come
  std::vector<std::uint64_t> old_starts;
  std::uint64_t offset = 0;  ///< where the next step begins
  // Of the new file, in any order:
  std::vector<Match> matches;
  std::uint64_t matched_chunks = 0;
  std::vector<std::pair<std::uint64_t, manifest::Chunk>> chunks;
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
