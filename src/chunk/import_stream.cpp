// SPDX-License-Identifier: Apache-2.0
// Cutting ahead in one thread, naming in both.
#include "chunk/import_stream.hpp"

#include <algorithm>
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
    helper_ = KeptThread("cut", [this] { work_ahead(); });
  } catch (const std::system_error&) {
    // No thread to be had: the caller does it all.
  }
}

ImportStream::~ImportStream() {
  if (!helper_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  helper_.join();
}

std::vector<ImportStream::Cut> ImportStream::cut_block() {
  std::vector<Cut> block;
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

void ImportStream::name(Cut& cut) const {
  if (cut.content.empty()) return;
  cut.chunk.id = hash::blake3(cut.content);
  cut.chunk.quick = key_(cut.content);
}

/// The last of those that nobody has begun to name: the caller comes to the first ones by itself.
ImportStream::Block* ImportStream::next_to_name() {
  const auto found = std::find_if(ready_.rbegin(), ready_.rend(),
                                  [](const Block& block) { return block.names == Names::none; });
  return found == ready_.rend() ? nullptr : &*found;
}

void ImportStream::work_ahead() {
  std::unique_lock lock(mutex_);
  try {
    while (!stopping_) {
      if (cut_offset_ < size_bytes_ && ready_.size() < blocks_max) {
        lock.unlock();
        auto cuts = cut_block();
        lock.lock();
        ready_.push_back({std::move(cuts), Names::none});
        changed_.notify_all();
      } else if (Block* block = next_to_name()) {
        block->names = Names::under_way;
        lock.unlock();
        for (auto& cut : block->cuts) name(cut);
        lock.lock();
        block->names = Names::there;
        changed_.notify_all();
      } else if (cut_offset_ == size_bytes_) {
        return;
      } else {
        changed_.wait(lock);
      }
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

void ImportStream::take_block() {
  next_cut_ = 0;
  if (!helper_.joinable()) {
    block_ = {cut_block(), Names::none};
    return;
  }
  std::unique_lock lock(mutex_);
  const auto has_block = [&] { return !ready_.empty() && ready_.front().names != Names::under_way; };
  changed_.wait(lock, [&] { return failure_ || has_block(); });
  if (!has_block()) std::rethrow_exception(failure_);
  block_ = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
}

std::optional<ImportStream::Piece> ImportStream::next() {
  if (offset_ >= size_bytes_) return std::nullopt;
  if (next_cut_ == block_.cuts.size()) take_block();
  auto& cut = block_.cuts[next_cut_++];
  if (block_.names == Names::none) name(cut);
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
  piece.id = cut.chunk.id;
  chunks_.append(cut.chunk);
  return piece;
}

Manifest ImportStream::finish() {
  if (file_.stat().size_bytes != size_bytes_) throw Error(Errc::changed, "file grew while it was read");
  return {params_, size_bytes_, chunks_.take()};
}

}  // namespace syncline::chunk
