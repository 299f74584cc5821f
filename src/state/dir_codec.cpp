// SPDX-License-Identifier: Apache-2.0
// Directory entries: names by shared prefix, numbers as differences from the entry before.
#include "state/dir_codec.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.hpp"
#include "state/segment_codec.hpp"

namespace syncline::state {
namespace {

constexpr std::uint64_t cut_mask = 63;  // a part has 64 + dir_part_entries_min entries on average
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::uint64_t block_bytes = 4096;

// Flags of an entry. The low three bits are the type.
constexpr std::uint16_t flag_same_owner = 1 << 3;  // mode, uid, gid as the last of this type
constexpr std::uint16_t flag_one_link = 1 << 4;
constexpr std::uint16_t flag_same_device = 1 << 5;
constexpr std::uint16_t flag_usual_blocks = 1 << 6;  // allocated is what a dense file has
constexpr std::uint16_t flag_whole_second = 1 << 7;  // mtime without a fraction (tar, git archives)
constexpr std::uint16_t flag_xattrs = 1 << 8;
constexpr std::uint16_t flag_link_target = 1 << 9;
constexpr std::uint16_t flag_content = 1 << 10;
constexpr std::uint16_t flag_only_chunk = 1 << 11;
constexpr std::uint16_t flag_manifest = 1 << 12;
constexpr std::uint16_t flag_node = 1 << 13;        // device_major and device_minor follow
constexpr std::uint16_t flag_whole_file = 1 << 14;  // only_chunk covers the file once
constexpr std::uint16_t flag_drift = 1 << 15;
constexpr std::uint64_t drift_absent = 1;  // bit of what follows then

struct Owner {
  std::uint32_t mode = 0, uid = 0, gid = 0;
  bool operator==(const Owner&) const = default;
};

/// What the next entry is coded against. Starts anew with each part, so parts stand alone.
struct Context {
  std::string name;
  std::array<Owner, 8> owners{};
  std::uint64_t device = 0, inode = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0, manifest_id = 0;

  void advance(const StoredEntry& entry) {
    const auto& stat = entry.stat;
    name = entry.name;
    owners[static_cast<std::size_t>(stat.type)] = {stat.mode, stat.uid, stat.gid};
    device = stat.device;
    inode = stat.inode;
    mtime_ns = stat.mtime_ns;
    ctime_ns = stat.ctime_ns;
    if (entry.manifest_id != 0) manifest_id = entry.manifest_id;
  }
};

std::uint64_t usual_blocks(const fs::Stat& stat) {
  if (stat.type != fs::FileType::regular && stat.type != fs::FileType::directory) return 0;
  return (stat.size_bytes + block_bytes - 1) / block_bytes * block_bytes;
}

std::int64_t floor_second(std::int64_t ns) { return ns / second_ns - (ns % second_ns < 0 ? 1 : 0); }

// Differences wrap around: values may be anything a file system or a damaged row gives.
void write_change(ByteWriter& out, std::uint64_t value, std::uint64_t before) {
  out.svarint(static_cast<std::int64_t>(value - before));
}
void write_change(ByteWriter& out, std::int64_t value, std::int64_t before) {
  write_change(out, static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(before));
}
std::uint64_t read_change(ByteReader& in, std::uint64_t before) {
  return before + static_cast<std::uint64_t>(in.svarint());
}
std::int64_t read_change(ByteReader& in, std::int64_t before) {
  return static_cast<std::int64_t>(read_change(in, static_cast<std::uint64_t>(before)));
}
std::uint32_t read_u32(ByteReader& in) { return static_cast<std::uint32_t>(in.varint_max(UINT32_MAX)); }

std::uint16_t flags_of(const StoredEntry& entry, const Context& before) {
  const auto& stat = entry.stat;
  auto flags = static_cast<unsigned>(stat.type);
  const auto set = [&](bool condition, unsigned flag) { flags |= condition ? flag : 0u; };
  set(Owner{stat.mode, stat.uid, stat.gid} == before.owners[flags], flag_same_owner);
  set(stat.link_count == 1, flag_one_link);
  set(stat.device == before.device, flag_same_device);
  set(stat.allocated_bytes == usual_blocks(stat), flag_usual_blocks);
  set(stat.mtime_ns % second_ns == 0, flag_whole_second);
  set(entry.xattr_digest != hash::Digest{}, flag_xattrs);
  set(!entry.link_target.empty(), flag_link_target);
  set(entry.content.has_value(), flag_content);
  set(entry.only_chunk.has_value(), flag_only_chunk);
  set(entry.manifest_id != 0, flag_manifest);
  set(stat.device_major != 0 || stat.device_minor != 0, flag_node);
  set(entry.only_chunk && entry.only_chunk->repeat_count == 1 &&
          entry.only_chunk->length_bytes == stat.size_bytes,
      flag_whole_file);
  set(entry.drift.has_value(), flag_drift);
  return static_cast<std::uint16_t>(flags);
}

void write_stat(ByteWriter& out, const fs::Stat& stat, unsigned flags, const Context& before) {
  if ((flags & flag_same_owner) == 0) {
    out.varint(stat.mode);
    out.varint(stat.uid);
    out.varint(stat.gid);
  }
  if ((flags & flag_one_link) == 0) out.varint(stat.link_count);
  out.varint(stat.size_bytes);
  if ((flags & flag_usual_blocks) == 0) out.varint(stat.allocated_bytes);
  if ((flags & flag_whole_second) != 0)
    write_change(out, stat.mtime_ns / second_ns, floor_second(before.mtime_ns));
  else write_change(out, stat.mtime_ns, before.mtime_ns);
  write_change(out, stat.ctime_ns, before.ctime_ns);
  if ((flags & flag_same_device) == 0) out.varint(stat.device);
  write_change(out, stat.inode, before.inode);
  if ((flags & flag_node) != 0) {
    out.varint(stat.device_major);
    out.varint(stat.device_minor);
  }
}

std::int64_t read_mtime(ByteReader& in, unsigned flags, const Context& before) {
  if ((flags & flag_whole_second) == 0) return read_change(in, before.mtime_ns);
  const auto seconds = read_change(in, floor_second(before.mtime_ns));
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, second_ns, &ns)) in.fail(Errc::malformed);
  return ns;
}

fs::Stat read_stat(ByteReader& in, unsigned flags, const Context& before) {
  fs::Stat stat;
  stat.type = static_cast<fs::FileType>(flags & 7);
  auto owner = before.owners[flags & 7];
  if ((flags & flag_same_owner) == 0) {
    owner.mode = read_u32(in);
    owner.uid = read_u32(in);
    owner.gid = read_u32(in);
  }
  stat.mode = owner.mode;
  stat.uid = owner.uid;
  stat.gid = owner.gid;
  stat.link_count = (flags & flag_one_link) != 0 ? 1 : read_u32(in);
  stat.size_bytes = in.varint();
  stat.allocated_bytes = (flags & flag_usual_blocks) != 0 ? usual_blocks(stat) : in.varint();
  stat.mtime_ns = read_mtime(in, flags, before);
  stat.ctime_ns = read_change(in, before.ctime_ns);
  stat.device = (flags & flag_same_device) != 0 ? before.device : in.varint();
  stat.inode = read_change(in, before.inode);
  if ((flags & flag_node) != 0) {
    stat.device_major = read_u32(in);
    stat.device_minor = read_u32(in);
  }
  return stat;
}

void write_name(ByteWriter& out, const std::string& name, const std::string& before) {
  const auto mismatch = std::mismatch(name.begin(), name.end(), before.begin(), before.end());
  const auto shared = static_cast<std::size_t>(mismatch.first - name.begin());
  out.varint(shared);
  out.text(std::string_view(name).substr(shared));
}

std::string read_name(ByteReader& in, const std::string& before) {
  auto name = before.substr(0, static_cast<std::size_t>(in.varint_max(before.size())));
  name += in.text(limits::name_bytes_max - name.size());
  return name;
}

void write_entry(ByteWriter& out, const StoredEntry& entry, const Context& before) {
  const auto flags = flags_of(entry, before);
  out.u16(flags);
  write_name(out, entry.name, before.name);
  write_stat(out, entry.stat, flags, before);
  if (entry.xattr_digest != hash::Digest{}) out.bytes(entry.xattr_digest.view());
  if (!entry.link_target.empty()) out.text(entry.link_target);
  if (entry.content) out.bytes(entry.content->view());
  if (entry.only_chunk) {
    if ((flags & flag_whole_file) == 0) write_chunk_size(out, *entry.only_chunk);
    write_chunk_digests(out, *entry.only_chunk);
  }
  if (entry.manifest_id != 0) write_change(out, entry.manifest_id, before.manifest_id);
  if (entry.drift) {
    out.varint(entry.drift->absent ? drift_absent : 0);
    out.u64(entry.drift->left_version);
  }
}

manifest::Chunk read_only_chunk(ByteReader& in, unsigned flags, const fs::Stat& stat) {
  manifest::Chunk chunk;
  if ((flags & flag_whole_file) == 0) {
    read_chunk_size(in, chunk);
  } else {
    if (stat.size_bytes > UINT32_MAX) in.fail(Errc::malformed);
    chunk.length_bytes = static_cast<std::uint32_t>(stat.size_bytes);
  }
  read_chunk_digests(in, chunk);
  return chunk;
}

StoredEntry read_entry(ByteReader& in, const Context& before) {
  const auto flags = in.u16();
  if ((flags & 7) == 0) in.fail(Errc::malformed);
  StoredEntry entry;
  entry.name = read_name(in, before.name);
  entry.stat = read_stat(in, flags, before);
  if ((flags & flag_xattrs) != 0) entry.xattr_digest.bytes = in.array<hash::digest_bytes>();
  if ((flags & flag_link_target) != 0) entry.link_target = in.text(limits::link_target_bytes_max);
  if ((flags & flag_content) != 0) entry.content = hash::Digest{in.array<hash::digest_bytes>()};
  if ((flags & flag_only_chunk) != 0) entry.only_chunk = read_only_chunk(in, flags, entry.stat);
  if ((flags & flag_manifest) != 0) entry.manifest_id = read_change(in, before.manifest_id);
  if ((flags & flag_drift) != 0) {
    auto& drift = entry.drift.emplace();
    drift.absent = in.varint_max(drift_absent) == drift_absent;
    drift.left_version = in.u64();
  }
  return entry;
}

bool ends_part(const StoredEntry& entry, std::size_t count) {
  if (count >= dir_part_entries_max) return true;
  return count >= dir_part_entries_min && (cut_hash(as_bytes(entry.name)) & cut_mask) == 0;
}

}  // namespace

void encode_entries(const std::vector<StoredEntry>& entries, const PartSink& sink) {
  Bytes body;
  Context before;
  std::uint32_t count = 0;
  const auto finish = [&] {
    sink(std::exchange(body, {}), std::exchange(count, 0));
    before = {};
  };
  const std::string* last = nullptr;
  for (const auto& entry : entries) {
    if (last != nullptr && !(*last < entry.name))
      throw Error(Errc::malformed, "state: directory entries out of order at " + escape_name(entry.name));
    last = &entry.name;
    ByteWriter out(body);
    write_entry(out, entry, before);
    before.advance(entry);
    if (ends_part(entry, ++count)) finish();
  }
  if (count != 0) finish();
}

void decode_entries(ByteView body, std::uint32_t count, std::vector<StoredEntry>& out) {
  ByteReader in(body, "state: directory entries");
  Context before;
  for (std::uint32_t k = 0; k < count; ++k) {
    out.push_back(read_entry(in, before));
    before.advance(out.back());
  }
  in.expect_done();
}

}  // namespace syncline::state
