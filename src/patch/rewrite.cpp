// SPDX-License-Identifier: Apache-2.0
// Filling a temporary file in large sequential writes, and giving it the metadata of its target.
#include "patch/rewrite.hpp"

#include <algorithm>
#include <cstring>

#include "patch/refused.hpp"

namespace syncline::patch {
namespace {

constexpr std::size_t buffer_bytes_max = 256 * limits::kib;
/// Shorter copies go through the buffer: a system call each would cost more than the bytes.
constexpr std::uint64_t kernel_copy_bytes_min = 128 * limits::kib;
constexpr std::size_t page_bytes = 4096;
/// So much is given to the disk while the rest is still to come: the sync at the end would wait for all of
/// it.
constexpr std::uint64_t writeback_bytes = 8 * limits::mib;
/// From here on space is reserved before the first byte, so that a full disk shows at once.
constexpr std::uint64_t preallocate_bytes_min = 64 * limits::mib;

bool is_dense(const FilePlan& plan) {
  const auto data = plan.changed_bytes + plan.matched_in_place_bytes + plan.matched_moved_bytes;
  return data >= plan.new_bytes / 10 * 9;
}

}  // namespace

void check_range(std::uint64_t offset, std::uint64_t length_bytes, std::uint64_t size_bytes,
                 const RelPath& path) {
  if (offset > size_bytes || length_bytes > size_bytes - offset)
    throw Error(Errc::malformed, "change of '" + escape_name(path.text()) + "'", offset);
}

RewriteWrite::RewriteWrite(std::shared_ptr<Core> core, Entry entry, std::unique_ptr<TempFile> temp,
                           std::unique_ptr<fs::File> basis, TempContent content, IntervalSet covered)
    : core_(std::move(core)),
      entry_(std::move(entry)),
      basis_(std::move(basis)),
      temp_(std::move(temp)),
      content_(content),
      covered_(std::move(covered)) {
  const auto new_bytes = entry_.plan.new_bytes;
  if (content_ != TempContent::empty) {
    temp_->file().truncate(new_bytes);
    end_ = new_bytes;
  } else if (new_bytes >= preallocate_bytes_min && is_dense(entry_.plan)) {
    temp_->file().preallocate(0, new_bytes, true);
  }
  // A large file has its size from the start: what is left of it when this is cut off tells what it was part
  // of.
  if (content_ == TempContent::empty && new_bytes >= preallocate_bytes_min) temp_->file().truncate(new_bytes);
}

RewriteWrite::~RewriteWrite() { core_->gathered_bytes -= counted_bytes_; }

std::string RewriteWrite::what() const { return "'" + escape_name(entry_.path.text()) + "'"; }

void RewriteWrite::give(std::uint64_t offset, std::uint64_t length_bytes) {
  check_range(offset, length_bytes, entry_.plan.new_bytes, entry_.path);
  if (!temp_) throw Error(Errc::protocol, "write to " + what() + " after its end");
  if (content_ != TempContent::empty) covered_.add(offset, offset + length_bytes);
}

void RewriteWrite::wrote(std::uint64_t bytes) {
  core_->written_bytes += bytes;
  dirty_bytes_ += bytes;
  if (dirty_bytes_ < writeback_bytes || core_->options.durability == Durability::none) return;
  dirty_bytes_ = 0;
  temp_->file().start_writeback();
}

void RewriteWrite::flush() {
  if (buffer_.empty()) return;
  temp_->file().pwrite(buffer_, buffer_offset_);
  wrote(buffer_.size());
  buffer_.clear();
  // Kept for the next bytes, unless many files do so.
  if (core_->gathered_bytes > limits::gathered_bytes_max / 2) give_back(buffer_);
  count_buffer();
}

void RewriteWrite::count_buffer() {
  core_->gathered_bytes += buffer_.capacity() - counted_bytes_;
  counted_bytes_ = buffer_.capacity();
}

void RewriteWrite::leave_behind() noexcept {
  if (!temp_) return;
  try {
    flush();
    temp_->leave();
  } catch (const Error&) {
    // Less is left then: it serves only to spare bytes.
  }
}

void RewriteWrite::put(std::uint64_t offset, ByteView data) {
  if (!buffer_.empty() && offset != buffer_offset_ + buffer_.size()) flush();
  end_ = std::max(end_, offset + data.size());
  const bool last = end_ == offset + data.size() && end_ == entry_.plan.new_bytes;
  const bool is_full = core_->gathered_bytes >= limits::gathered_bytes_max;
  if (buffer_.empty() && (last || is_full || data.size() >= buffer_bytes_max / 2)) {
    temp_->file().pwrite(data, offset);
    return wrote(data.size());
  }
  if (buffer_.empty()) buffer_offset_ = offset;
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  count_buffer();
  if (buffer_.size() >= buffer_bytes_max || is_full) flush();
}

/// A changed chunk is mostly unchanged pages, which the clone has already.
void RewriteWrite::put_changed(std::uint64_t offset, ByteView data) {
  Bytes old(std::min(data.size(), buffer_bytes_max));
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), old.size()));
    const auto got = basis_->pread(std::span(old).first(piece.size()), offset);
    std::size_t changed_from = 0;  // of [changed_from, at) every page differs
    for (std::size_t at = 0; at < piece.size();) {
      const auto in_page = page_bytes - static_cast<std::size_t>((offset + at) % page_bytes);
      const auto length = std::min(in_page, piece.size() - at);
      if (at + length <= got && std::memcmp(old.data() + at, piece.data() + at, length) == 0) {
        if (changed_from < at) put(offset + changed_from, piece.subspan(changed_from, at - changed_from));
        changed_from = at + length;
      }
      at += length;
    }
    if (changed_from < piece.size()) put(offset + changed_from, piece.subspan(changed_from));
    data = data.subspan(piece.size());
    offset += piece.size();
  }
}

void RewriteWrite::write(std::uint64_t offset, ByteView data) {
  give(offset, data.size());
  if (data.empty()) return;
  if (content_ == TempContent::cloned) put_changed(offset, data);
  else put(offset, data);
}

void RewriteWrite::copy(std::uint64_t offset, std::uint64_t old_offset, std::uint64_t length_bytes) {
  if (!basis_) throw Error(Errc::malformed, "copy from the old " + what());
  if (content_ == TempContent::cloned && offset == old_offset) {
    check_range(offset, length_bytes, entry_.plan.expected->size_bytes, entry_.path);
    return give(offset, length_bytes);
  }
  copy_from(offset, *basis_, old_offset, length_bytes);
}

void RewriteWrite::copy_from(std::uint64_t offset, const fs::File& source, std::uint64_t source_offset,
                             std::uint64_t length_bytes) {
  give(offset, length_bytes);
  if (length_bytes >= kernel_copy_bytes_min) {
    flush();
    temp_->file().copy_range(source, source_offset, offset, length_bytes);
    end_ = std::max(end_, offset + length_bytes);
    return wrote(length_bytes);
  }
  Bytes bytes(static_cast<std::size_t>(length_bytes));
  if (source.pread(bytes, source_offset) != bytes.size()) throw Error(Errc::changed, "copy into " + what());
  if (!bytes.empty()) put(offset, bytes);
}

void RewriteWrite::zeros(std::uint64_t offset, std::uint64_t length_bytes) {
  give(offset, length_bytes);
  if (offset >= end_ || length_bytes == 0) return;  // a hole already
  flush();
  temp_->file().punch(offset, std::min(length_bytes, end_ - offset));
}

bool RewriteWrite::read_back(std::span<std::byte> out, std::uint64_t offset) {
  flush();
  return temp_->file().pread(out, offset) == out.size();
}

/// What the sender does not say of a replaced file stays as it was: mode, owner where that is
/// permitted, extended attributes.
void RewriteWrite::keep_old(fs::Metadata& wanted, fs::Stat& current) {
  const auto& old = *entry_.plan.expected;
  auto& file = temp_->file();
  bool owner_kept = true;
  const auto uid = wanted.uid ? current.uid : old.uid;
  const auto gid = wanted.gid ? current.gid : old.gid;
  if (uid != current.uid || gid != current.gid) {
    try {
      file.set_owner(uid, gid);
      current.uid = uid;
      current.gid = gid;
    } catch (const Error& error) {
      if (!is_refused(error)) throw;
      owner_kept = false;
    }
  }
  if (!wanted.xattrs && basis_) {
    for (const auto& pair : basis_->xattrs()) {
      try {
        file.set_xattr(pair.name, pair.value);
      } catch (const Error& error) {
        if (!is_refused(error)) throw;
      }
    }
  }
  constexpr std::uint32_t set_id_bits = 06000;
  if (!wanted.mode) wanted.mode = owner_kept ? old.mode : old.mode & ~set_id_bits;
}

/// The mode, if the file was created with it.
std::optional<std::uint32_t> RewriteWrite::apply_metadata(fs::Metadata wanted) {
  auto current = core_->temps.created_stat(*temp_);
  const auto& expected = entry_.plan.expected;
  if (expected && expected->type == fs::FileType::regular) {
    keep_old(wanted, current);
    current.mode = ~0u;  // chown and ACLs may have moved it
  } else if (!wanted.gid) {
    // As if it had been made in its directory at once.
    wanted.gid = core_->temps.facts_of(entry_.parent).inherited_gid;
  }
  if (wanted.xattrs && wanted.xattrs->empty()) wanted.xattrs.reset();  // a new file has none
  fs::apply_metadata(temp_->file(), wanted, &current);
  return wanted.mode == current.mode ? wanted.mode : std::nullopt;
}

void RewriteWrite::finish(const fs::Metadata& metadata, std::uint64_t token) {
  core_->enqueue(complete(metadata, token));
}

Pending RewriteWrite::complete(const fs::Metadata& metadata, std::uint64_t token) {
  give(0, 0);
  flush();
  const auto new_bytes = entry_.plan.new_bytes;
  if (content_ != TempContent::empty)
    covered_.for_each_gap(new_bytes, [this](std::uint64_t begin, std::uint64_t end) {
      temp_->file().punch(begin, end - begin);
    });
  if (end_ != new_bytes && new_bytes < preallocate_bytes_min) temp_->file().truncate(new_bytes);
  const auto created_mode = apply_metadata(metadata);
  // Here and not in the commit, so that the waiting is spread over the writing threads.
  if (core_->options.durability == Durability::file) temp_->file().sync();
  basis_.reset();
  Pending item;
  item.written = temp_->file().stat();
  item.token = token;
  item.entry = std::move(entry_);
  item.temp = std::move(temp_);
  item.created_mode = created_mode;
  return item;
}

}  // namespace syncline::patch
