// SPDX-License-Identifier: Apache-2.0
// The file of announcements: appending, reading back, and when it counts. docs/format/state.md has the bytes.
#include "state/announcements.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "state/schema.hpp"

namespace syncline::state {
namespace {

constexpr std::string_view magic = "SLan";
constexpr std::uint16_t announced_version = 1;
constexpr std::size_t header_bytes = 56;
constexpr std::size_t record_header_bytes = 12;
/// What is left empty and is no longer than this stays: to write over it costs less than to make it anew.
constexpr std::uint64_t kept_bytes_max = 4 * limits::kib;
/// Renames of renames are followed so far.
constexpr int renames_max = 64;

constexpr unsigned type_bits = 7;
enum Flag : unsigned { has_gone = 8, has_inode = 16, has_content = 32, has_source = 64 };

void encode(ByteWriter& out, const Announced& entry, std::string_view before) {
  const bool has_size = !entry.gone && entry.type == fs::FileType::regular;
  const bool has_digest = !entry.gone && entry.content != hash::Digest{};
  unsigned flags = static_cast<unsigned>(entry.type);
  if (entry.gone) flags |= has_gone;
  if (entry.inode != 0) flags |= has_inode;
  if (has_digest) flags |= has_content;
  if (!entry.renamed_from.empty()) flags |= has_source;
  out.u8(static_cast<std::uint8_t>(flags));
  const std::string_view path = entry.path;
  const auto shared = static_cast<std::size_t>(std::ranges::mismatch(path, before).in1 - path.begin());
  out.varint(shared);
  out.text(path.substr(shared));
  if (entry.inode != 0) out.varint(entry.inode);
  if (has_size) out.varint(entry.size_bytes);
  if (has_digest) out.bytes(entry.content.view());
  if (!entry.renamed_from.empty()) out.text(entry.renamed_from);
}

Announced decode(ByteReader& in, const std::string& before) {
  Announced out;
  const unsigned flags = in.u8();
  out.type = static_cast<fs::FileType>(flags & type_bits);
  out.gone = (flags & has_gone) != 0;
  out.path = before.substr(0, static_cast<std::size_t>(in.varint_max(before.size())));
  out.path += in.text(limits::path_bytes_max);
  if ((flags & has_inode) != 0) out.inode = in.varint();
  if (!out.gone && out.type == fs::FileType::regular) out.size_bytes = in.varint();
  if ((flags & has_content) != 0) out.content.bytes = in.array<hash::digest_bytes>();
  if ((flags & has_source) != 0) out.renamed_from = in.text(limits::path_bytes_max);
  return out;
}

std::vector<Announced> decode_all(ByteView body) {
  ByteReader in(body, "announcements");
  std::vector<Announced> out;
  std::string before;
  while (!in.done()) {
    out.push_back(decode(in, before));
    before = out.back().path;
  }
  return out;
}

}  // namespace

void AnnouncedEntries::add(Announced entry) {
  if (!entry.renamed_from.empty()) renamed_.insert_or_assign(entry.path, entry.renamed_from);
  auto path = entry.path;
  entries_.emplace(std::move(path), std::move(entry));
}

std::vector<const Announced*> AnnouncedEntries::find(const std::string& path) const {
  std::vector<const Announced*> out;
  std::string at = path;
  for (int hops = 0; hops <= renames_max; ++hops) {
    const auto [begin, end] = entries_.equal_range(at);
    for (auto one = begin; one != end; ++one) out.push_back(&one->second);
    if (renamed_.empty()) break;
    // The deepest directory on the way that was renamed, or the entry itself.
    auto length = at.size();
    auto found = renamed_.find(at);
    while (found == renamed_.end() && (length = at.rfind('/', length - 1)) != at.npos && length != 0)
      found = renamed_.find(at.substr(0, length));
    if (found == renamed_.end()) break;
    at = found->second + at.substr(found->first.size());
  }
  return out;
}

fs::File& Announcements::file(bool make) {
  if (file_) return *file_;
  const auto split = split_path(path_);
  const auto dir = fs::linux_fs().open_root(split.directory);
  const auto name = split.name + announced_suffix;
  try {
    file_ = dir->open_write(name);
  } catch (const Error& error) {
    if (!make || !error.is_errno(ENOENT)) throw;
    file_ = dir->create(name);
  }
  return *file_;
}

/// Another one at each place and for each beginning: what is left of an older one does not count.
std::uint64_t Announcements::sum(ByteView body, std::uint64_t offset) const {
  Bytes place;
  ByteWriter out(place);
  out.u64(nonce_);
  out.u64(offset);
  hash::Blake3 hasher;
  hasher.update(place);
  hasher.update(body);
  return hasher.finish().prefix();
}

Bytes Announcements::encode_header() {
  Bytes out;
  ByteWriter writer(out);
  writer.bytes(as_bytes(magic));
  writer.u16(announced_version);
  writer.u16(0);
  writer.u64(nonce_);
  writer.bytes(base_.view());
  writer.u64(sum(out, 0));
  return out;
}

AnnouncedEntries Announcements::read() noexcept {
  AnnouncedEntries out;
  try {
    read_records(out);
  } catch (const std::exception&) {
    // There is none, or it ends here.
  }
  return out;
}

void Announcements::read_records(AnnouncedEntries& out) {
  auto& in = file(false);
  std::array<std::byte, header_bytes> raw;
  if (in.pread(raw, 0) != raw.size()) return;
  ByteReader header(raw, "announcements");
  header.bytes(magic.size() + 4);
  nonce_ = header.u64();
  if (!std::ranges::equal(raw, encode_header())) return;
  tail_ = header_bytes;
  while (tail_ < limits::announced_bytes_max) {
    std::array<std::byte, record_header_bytes> start;
    if (in.pread(start, tail_) != start.size()) return;
    ByteReader fields(start, "announcements");
    Bytes body(std::min<std::size_t>(fields.u32(), limits::announced_bytes_max));
    if (in.pread(body, tail_ + start.size()) != body.size() || sum(body, tail_) != fields.u64()) return;
    for (auto& entry : decode_all(body)) out.add(std::move(entry));
    tail_ += start.size() + body.size();
  }
}

void Announcements::add(std::span<const Announced> entries) noexcept {
  const std::lock_guard lock(mutex_);
  if (is_over_ || entries.empty()) return;
  try {
    append(entries);
  } catch (const std::exception&) {
    is_over_ = true;
  }
}

void Announcements::append(std::span<const Announced> entries) {
  Bytes bytes;
  if (tail_ == 0) {
    std::array<std::byte, sizeof nonce_> drawn;
    random_.fill(drawn);
    nonce_ = ByteReader(drawn).u64();
    bytes = encode_header();
    if (auto& old = file(true); old.stat().size_bytes > kept_bytes_max) old.truncate(0);
  }
  Bytes body;
  ByteWriter writer(body);
  std::string_view before;
  for (const auto& entry : entries) {
    encode(writer, entry, before);
    before = entry.path;
  }
  const auto offset = tail_ + bytes.size();
  ByteWriter record(bytes);
  record.u32(static_cast<std::uint32_t>(body.size()));
  record.u64(sum(body, offset));
  record.bytes(body);
  if (tail_ + bytes.size() > limits::announced_bytes_max) {
    is_over_ = true;
    return;
  }
  file(true).pwrite(bytes, tail_);
  tail_ += bytes.size();
  written_bytes_ += bytes.size();
}

void Announcements::clear(const hash::Digest& base) noexcept {
  const std::lock_guard lock(mutex_);
  base_ = base;
  is_over_ = false;
  if (std::exchange(tail_, 0) == 0) return;
  try {
    auto& out = file(true);
    if (out.stat().size_bytes > kept_bytes_max) return out.truncate(0);
    // Over what is most likely in memory still: no page more is written.
    out.pwrite(Bytes(header_bytes), 0);
    written_bytes_ += header_bytes;
  } catch (const std::exception&) {
    // Other records are its base: it does not count any more.
  }
}

std::uint64_t Announcements::written_bytes() const {
  const std::lock_guard lock(mutex_);
  return written_bytes_;
}

}  // namespace syncline::state
