// SPDX-License-Identifier: Apache-2.0
// One pass over a file: verifies against the old manifest where there is one, cuts where it must.
#pragma once

#include <functional>
#include <optional>

#include "chunk/chunker.hpp"
#include "chunk/cut.hpp"
#include "chunk/old_index.hpp"
#include "chunk/window.hpp"

namespace syncline::chunk {

/// What a scan had to do; tests hold the promise "runs the chunker only around changes" to it.
struct ScanCounts {
  std::uint64_t verified = 0;  ///< chunks taken over because bytes at an old boundary hashed alike
  std::uint64_t cut = 0;       ///< runs of the chunker
  std::uint64_t named = 0;     ///< chunk ids computed
};

/// What is scanned and how. `file` is null for bytes in memory, `old` for a first import.
struct ScanSource {
  const fs::File* file = nullptr;
  ChunkParams params;
  const hash::QuickKey& key;
  const OldIndex* old = nullptr;
  bool names = true;  ///< false: chunks other than zeros get no id and no quick hash (first import only)
};

/// Emits the chunks of a file from any offset on, taken to be a cut point. Two scans that meet at a
/// cut agree from there on, whatever they did before: a chunk depends on its own bytes alone.
class Scanner {
 public:
  Scanner(const ScanSource& source, Window window);

  /// Called with the bytes dealt with, every chunk or zero run; may throw to stop.
  using Advance = std::function<void(std::uint64_t bytes)>;

  /// Emits chunks until one ends at `limit` or behind it; returns where it ends.
  std::uint64_t run(std::uint64_t offset, std::uint64_t limit, ChunkList& out, const Advance& advance);
  /// One chunk or zero run at `offset`, which must be below the size; returns its end.
  std::uint64_t step(std::uint64_t offset, ChunkList& out);

  /// The first offset in [begin, end) that is a cut point if nothing changed but what is known by
  /// now to have moved; `begin` if there is none.
  std::uint64_t likely_cut(std::uint64_t begin, std::uint64_t end) const;
  /// The bytes of what the last step() went over; read again only if that was a hole. Valid until the next.
  ByteView bytes_at(std::uint64_t offset, std::size_t bytes) { return window_.at(offset, bytes); }
  const ScanCounts& counts() const { return counts_; }

 private:
  std::uint64_t hole_chunks_at(std::uint64_t offset);
  std::uint64_t emit_zeros(std::uint64_t offset, std::uint64_t count, ChunkList& out);
  std::optional<std::uint64_t> verify(std::uint64_t offset, ChunkList& out);
  std::uint64_t cut(std::uint64_t offset, ChunkList& out);
  std::optional<OldPlace> recognise(std::uint64_t offset, std::size_t length_bytes,
                                    const hash::QuickHash& quick);
  void expect_at(std::uint64_t offset);
  std::uint64_t old_offset(std::uint64_t offset) const;
  const Chunk& zero_chunk();

  ScanSource source_;
  Window window_;
  fs::Extent extent_;  // the last one asked for
  std::optional<Chunk> zero_chunk_;
  std::optional<OldPlace> expected_;  // the old chunk that should be next; none while out of step
  std::uint64_t shift_ = 0;           // new offset - old offset of the last match, modulo 2^64
  unsigned misses_ = 0;               // changed chunks in a row
  std::uint64_t next_ = 0;            // where the last step ended
  ScanCounts counts_;
};

}  // namespace syncline::chunk
