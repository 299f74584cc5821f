// SPDX-License-Identifier: Apache-2.0
// What a sync would send to turn one input into another, found out by doing the search without sending.
#pragma once

#include <unordered_set>
#include <vector>

#include "cli/manifest_source.hpp"
#include "compress/zstd.hpp"
#include "delta/align.hpp"

namespace syncline::cli {

/// A changed range of the new file and its counterpart in the old one.
struct ChangedRange {
  std::uint64_t new_offset = 0, new_bytes = 0;
  std::uint64_t old_offset = 0, old_bytes = 0;
  std::uint64_t literal_bytes = 0;  ///< new bytes that the old range does not have
};

/// Bytes by what becomes of them, of one file or of many.
struct Prediction {
  std::uint64_t new_bytes = 0;
  std::uint64_t kept_bytes = 0;   ///< in place already
  std::uint64_t moved_bytes = 0;  ///< in the old file at another offset
  std::uint64_t zero_bytes = 0;
  std::uint64_t elsewhere_bytes = 0;  ///< chunks that another old file has
  std::uint64_t changed_bytes = 0;    ///< the rest: changed chunks
  std::uint64_t literal_bytes = 0;    ///< of those, what a block search did not find
  std::uint64_t sum_bytes = 0;        ///< block sums, sent by the receiver
  std::uint64_t sent_bytes = 0;       ///< all of it: sums, operations, compressed literals
  bool searched = true;               ///< false: bytes were not at hand, whole changed chunks are counted

  void add(const Prediction& other);
};

using ChunkSet = std::unordered_set<hash::ChunkId, hash::DigestHasher>;

/// Predicts file after file of one session: literals share a compression context.
class Predictor {
 public:
  /// `known`: ids of all chunks on the old side.
  Predictor(const ChunkSet& known, int level) : known_(known), literals_(level) {}

  /// `old_file` and `new_file` may be null. `ranges` receives the changed ranges unless null.
  Prediction file(const manifest::Manifest& old, const fs::File* old_file, const manifest::Manifest& fresh,
                  const fs::File* new_file, std::vector<ChangedRange>* ranges);

 private:
  void gap(const delta::Step& step, const manifest::Manifest& fresh, const fs::File* old_file,
           const fs::File* new_file, Prediction& out, std::vector<ChangedRange>* ranges);
  std::uint64_t search(const delta::Step& step, const fs::File& old_file, const fs::File& new_file,
                       Prediction& out);

  const ChunkSet& known_;
  compress::StreamCompressor literals_;
};

}  // namespace syncline::cli
