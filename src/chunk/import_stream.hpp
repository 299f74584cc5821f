// SPDX-License-Identifier: Apache-2.0
// First import chunk by chunk, for those who want the bytes as well.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

#include "base/kept_thread.hpp"
#include "chunk/scanner.hpp"

namespace syncline::chunk {

/// Reads a file once from start to end and gives out every chunk with its bytes and its names as soon as
/// it is cut. The manifest at the end is the one that import_file() returns. With two threads one reads
/// and cuts ahead, by blocks_max blocks at most, while the caller's names what was cut; where the first would
/// have to wait it names as well.
class ImportStream {
 public:
  static constexpr std::size_t block_bytes = 512 * 1024;  ///< reached, then at most one chunk more
  static constexpr std::size_t blocks_max = 4;

  /// `file` must outlive the stream. Throws what import_file() throws.
  ImportStream(const fs::File& file, std::uint64_t size_bytes, const ChunkParams& params,
               const hash::QuickKey& key, unsigned threads);
  ~ImportStream();

  struct Piece {
    std::uint64_t offset = 0;
    std::uint64_t length_bytes = 0;  ///< of a zero run: a multiple of max_bytes
    hash::ChunkId id;                ///< of a zero run: that of one of its chunks
    Bytes content;                   ///< empty for a zero run
  };
  /// The next chunk or zero run; nothing at the end.
  std::optional<Piece> next();
  /// After the last piece. Throws Error(Errc::changed) if the file has grown meanwhile.
  Manifest finish();

 private:
  struct Cut {
    Chunk chunk;  ///< of a zero run with its names, of others once name() was called
    Bytes content;
  };
  enum class Names : std::uint8_t { none, under_way, there };
  struct Block {
    std::vector<Cut> cuts;
    Names names = Names::none;
  };
  std::vector<Cut> cut_block();
  void name(Cut& cut) const;
  Block* next_to_name();
  void work_ahead();
  void take_block();

  const fs::File& file_;
  const ChunkParams params_;
  const std::uint64_t size_bytes_;
  const hash::QuickKey& key_;

  // Of the thread that cuts: the helper, if there is one.
  Scanner scanner_;
  std::uint64_t cut_offset_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> ready_;  ///< in order; references to them stay good at both ends
  std::exception_ptr failure_;
  bool stopping_ = false;

  // Of the caller.
  Block block_;
  std::size_t next_cut_ = 0;
  std::uint64_t offset_ = 0;
  ChunkList chunks_;
  KeptThread helper_;
};

}  // namespace syncline::chunk
