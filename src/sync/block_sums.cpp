// SPDX-License-Identifier: Apache-2.0
// Sums of blocks, and what they tell of a version that is gone.
#include "sync/block_sums.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::sync {
namespace {

constexpr std::uint64_t least_block_bytes = 1 * limits::kib;
constexpr std::size_t read_piece_bytes = 1 * limits::mib;

/// A power of two, so that no file has more than limits::file_blocks_max blocks.
std::uint64_t block_bytes_for(std::uint64_t size_bytes) {
  return std::max(least_block_bytes, std::bit_ceil(size_bytes / limits::file_blocks_max + 1));
}

std::uint32_t sum_of(ByteView block, const hash::QuickKey& key) {
  return static_cast<std::uint32_t>(key(block).low);
}

/// splitmix64.
void fill_with_noise(std::span<std::byte> out, std::uint64_t& seed) {
  while (!out.empty()) {
    auto value = seed += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    value ^= value >> 31;
    const auto count = std::min(out.size(), sizeof value);
    std::memcpy(out.data(), &value, count);
    out = out.subspan(count);
  }
}

}  // namespace

FileBlocks::FileBlocks(std::uint64_t size_bytes)
    : size_bytes_(size_bytes),
      block_bytes_(block_bytes_for(size_bytes)),
      sums_((size_bytes + block_bytes_ - 1) / block_bytes_) {}

std::uint64_t FileBlocks::length_of(std::uint64_t block) const {
  return std::min(block_bytes_, size_bytes_ - block * block_bytes_);
}

bool FileBlocks::resize(std::uint64_t size_bytes) {
  if (block_bytes_for(size_bytes) != block_bytes_) return false;
  size_bytes_ = size_bytes;
  sums_.resize((size_bytes + block_bytes_ - 1) / block_bytes_);
  return true;
}

void FileBlocks::read(const fs::File& file, std::uint64_t offset, std::uint64_t length_bytes,
                      const hash::QuickKey& key) {
  const auto first = offset - offset % block_bytes_;
  const auto blocks_end = (offset + length_bytes + block_bytes_ - 1) / block_bytes_ * block_bytes_;
  const auto end = std::min(size_bytes_, blocks_end);
  const auto piece_bytes = std::max<std::uint64_t>(block_bytes_, read_piece_bytes);
  Bytes piece(static_cast<std::size_t>(std::min(piece_bytes, end - std::min(first, end))));
  for (auto at = first; at < end; at += piece_bytes) {
    auto rest = std::span(piece).first(static_cast<std::size_t>(std::min(piece_bytes, end - at)));
    if (file.pread(rest, at) != rest.size()) throw Error(Errc::changed, "source");
    for (auto block = at / block_bytes_; !rest.empty(); ++block) {
      const auto length = static_cast<std::size_t>(length_of(block));
      sums_[static_cast<std::size_t>(block)] = sum_of(rest.first(length), key);
      rest = rest.subspan(length);
    }
  }
}

FileBlocks::Guess FileBlocks::guess(std::uint64_t offset, std::uint64_t length_bytes,
                                    std::uint64_t fresh_offset, ByteView fresh, const hash::QuickKey& key,
                                    std::uint64_t seed) const {
  Guess out;
  out.content.resize(static_cast<std::size_t>(length_bytes));
  const auto end = offset + length_bytes;
  const auto fresh_end = fresh_offset + fresh.size();
  for (auto at = offset; at < end;) {
    const auto block = at / block_bytes_;
    const auto begin = block * block_bytes_;
    const auto block_end = block < sums_.size() ? begin + length_of(block) : begin + block_bytes_;
    const auto part = std::span(out.content)
                          .subspan(static_cast<std::size_t>(at - offset),
                                   static_cast<std::size_t>(std::min(end, block_end) - at));
    const bool is_whole = block < sums_.size() && begin >= fresh_offset && block_end <= fresh_end;
    if (is_whole && sum_of(fresh.subspan(static_cast<std::size_t>(begin - fresh_offset),
                                         static_cast<std::size_t>(block_end - begin)),
                           key) == sums_[static_cast<std::size_t>(block)]) {
      std::memcpy(part.data(), fresh.data() + (at - fresh_offset), part.size());
      out.equal_bytes += part.size();
    } else {
      fill_with_noise(part, seed);
    }
    at += part.size();
  }
  return out;
}

std::shared_ptr<const FileBlocks> BlockSums::find(const hash::Digest& root) const {
  std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(files_, root, [](const auto& file) { return file.first; });
  return found == files_.end() ? nullptr : found->second;
}

void BlockSums::put(const hash::Digest& root, FileBlocks blocks) {
  const auto added = std::make_shared<const FileBlocks>(std::move(blocks));
  drop(root);
  std::lock_guard lock(mutex_);
  held_bytes_ += added->held_bytes();
  files_.emplace_back(root, added);
  while (held_bytes_ > limits::block_sums_bytes_max) {
    held_bytes_ -= files_.front().second->held_bytes();
    files_.pop_front();
  }
}

void BlockSums::drop(const hash::Digest& root) {
  std::lock_guard lock(mutex_);
  std::erase_if(files_, [&](const auto& file) {
    if (file.first != root) return false;
    held_bytes_ -= file.second->held_bytes();
    return true;
  });
}

std::size_t BlockSums::held_bytes() const {
  std::lock_guard lock(mutex_);
  return held_bytes_;
}

}  // namespace syncline::sync
