// SPDX-License-Identifier: Apache-2.0
// Cutting in one thread, naming in another.
#include "chunk/import_stream.hpp"

#include <system_error>
#include <utility>

#include "base/limits.hpp"

namespace syncline::chunk {

ImportStream::ImportStream(const fs::File& file, std::uint64_t size_bytes, const ChunkParams& params,
                           const hash::QuickKey& key, unsigned threads)
    : file_(file),
      params_((check_params(params), params)),
      size_bytes_(size_bytes),
      key_(key),
      scanner_({.file = &file, .params = params, .key = key, .old = nullptr, .names = false},
               Window(file, size_bytes, limits::read_buffer_bytes, params.max_bytes)) {
  if (threads < 2 || size_bytes <= block_bytes) return;
  try {
    cutter_ = KeptThread("cut", [this] { cut_ahead(); });
  } catch (const std::system_error&) {
    // No thread to be had: the caller does it all.
  }
}

ImportStream::~ImportStream() {
  if (!cutter_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  cutter_.join();
}

ImportStream::Block ImportStream::cut_block() {
  Block block;
  std::size_t bytes = 0;
  while (cut_offset_ < size_bytes_ && bytes < block_bytes) {
    ChunkList one;
    const auto begin = std::exchange(cut_offset_, scanner_.step(cut_offset_, one));
    for (const auto& chunk : one.chunks()) block.push_back({chunk, {}});
    if (one.ends_in_zeros()) continue;
    const auto content = scanner_.bytes_at(begin, static_cast<std::size_t>(cut_offset_ - begin));
    block.back().content.assign(content.begin(), content.end());
    bytes += content.size();
  }
  return block;
}

void ImportStream::cut_ahead() {
  try {
    while (cut_offset_ < size_bytes_) {
      auto block = cut_block();
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || ready_.size() < blocks_max; });
      if (stopping_) return;
      ready_.push_back(std::move(block));
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

void ImportStream::take_block() {
  next_cut_ = 0;
  if (!cutter_.joinable()) {
    block_ = cut_block();
    return;
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || !ready_.empty(); });
  if (ready_.empty()) std::rethrow_exception(failure_);
  block_ = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
}

std::optional<ImportStream::Piece> ImportStream::next() {
  if (offset_ >= size_bytes_) return std::nullopt;
  if (next_cut_ == block_.size()) take_block();
  auto& cut = block_[next_cut_++];
  Piece piece;
  piece.offset = offset_;
  piece.length_bytes = cut.chunk.total_bytes();
  offset_ += piece.length_bytes;
  if (cut.content.empty()) {
    auto one = cut.chunk;
    one.repeat_count = 1;
    chunks_.append_zeros(one, cut.chunk.repeat_count);
    piece.id = one.id;
    return piece;
  }
  piece.content = std::move(cut.content);
  piece.id = hash::blake3(piece.content);
  chunks_.append({piece.id, key_(piece.content), cut.chunk.length_bytes, 1});
  return piece;
}

Manifest ImportStream::finish() {
  if (file_.stat().size_bytes != size_bytes_) throw Error(Errc::changed, "file grew while it was read");
  return {params_, size_bytes_, chunks_.take()};
}

}  // namespace syncline::chunk
