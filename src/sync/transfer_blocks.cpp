// SPDX-License-Identifier: Apache-2.0
// Changes in place of files whose blocks are known.
#include <algorithm>

#include "base/limits.hpp"
#include "sync/block_sums.hpp"
#include "sync/transfer.hpp"

namespace syncline::sync {
namespace {

/// Of what is guessed, at least a half must be known: else something has moved, and what finds that is
/// better.
constexpr std::uint64_t known_share = 2;

bool is_in_place(const delta::Step& step) {
  return step.kind == delta::Step::Kind::match && step.old_offset == step.new_offset;
}

}  // namespace

/// Empty where too little is known of it.
Bytes Transfer::guessed_base(const Steps& out, const Source& source, const delta::Step& step) {
  if (!out.old_blocks || step.old_offset != step.new_offset) return {};
  const auto unit = out.old_blocks->block_bytes();
  const auto begin = step.new_offset - step.new_offset % unit;
  const auto end = std::min((step.new_offset + step.new_bytes + unit - 1) / unit * unit,
                            std::uint64_t{source.stat.size_bytes});
  Bytes fresh(static_cast<std::size_t>(end - begin));
  if (source.file->pread(fresh, begin) != fresh.size()) throw Error(Errc::changed, "source");
  auto guess = out.old_blocks->guess(step.old_offset, step.old_bytes, begin, fresh, replica_.key(),
                                     sum_key_.value ^ step.old_offset);
  if (guess.equal_bytes * known_share < step.old_bytes) return {};
  return std::move(guess.content);
}

void Transfer::note_blocks(const Item& item, const hash::Digest& old_root, std::uint64_t old_bytes,
                           const hash::Digest& root, const delta::Recipe& recipe) {
  const auto size = entry_of(item).size_bytes;
  if (options_.blocks == nullptr || size < limits::blocks_file_bytes_min ||
      size > limits::blocks_file_bytes_max)
    return;
  SentFile sent{item, old_root, root, {}};
  for (const auto& step : recipe.steps)
    if (!is_in_place(step)) sent.changed.emplace_back(step.new_offset, step.new_bytes);
  // The last block may be a shorter one now.
  if (old_bytes != size) sent.changed.emplace_back(size - 1, 1);
  std::lock_guard lock(mutex_);
  sent_files_.push_back(std::move(sent));
}

void Transfer::read_blocks(const SentFile& sent) {
  const Source source = open_source(sent.item);
  const auto& entry = entry_of(sent.item);
  if (source.stat.size_bytes != entry.size_bytes || source.stat.ctime_ns != entry.ctime_ns) return;
  std::optional<FileBlocks> blocks;
  if (const auto before = options_.blocks->find(sent.old_root)) blocks = *before;
  if (blocks && blocks->resize(entry.size_bytes)) {
    for (const auto& [offset, length] : sent.changed)
      blocks->read(*source.file, offset, length, replica_.key());
  } else {
    blocks.emplace(entry.size_bytes);
    blocks->read(*source.file, 0, entry.size_bytes, replica_.key());
  }
  check_unchanged(source);
  options_.blocks->drop(sent.old_root);
  options_.blocks->put(sent.root, std::move(*blocks));
}

void Transfer::remember_blocks() {
  std::vector<SentFile> files;
  {
    std::lock_guard lock(mutex_);
    files = std::exchange(sent_files_, {});
  }
  for (const auto& sent : files) {
    if (events_.cancelled()) return;
    try {
      read_blocks(sent);
    } catch (const Error&) {
      // It costs bytes only: the next change is sent by chunks.
    }
  }
}

}  // namespace syncline::sync
