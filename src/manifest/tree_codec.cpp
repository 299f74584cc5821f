// SPDX-License-Identifier: Apache-2.0
// Exports of a whole tree: paths, types and manifests in one file.
#include <algorithm>

#include "base/limits.hpp"
#include "manifest/body_codec.hpp"
#include "manifest/codec.hpp"

namespace syncline::manifest {
namespace {

// Shared prefix, suffix, type, mode, mtime: one byte each at least.
constexpr std::size_t entry_bytes_min = 5;
constexpr std::uint32_t mode_max = 07777;

void write_entry(ByteWriter& out, const TreeEntry& entry, const std::string& before) {
  const auto& path = entry.path.text();
  const auto shared = static_cast<std::size_t>(
      std::mismatch(path.begin(), path.end(), before.begin(), before.end()).first - path.begin());
  out.varint(shared);
  out.text(std::string_view(path).substr(shared));
  out.u8(static_cast<std::uint8_t>(entry.type));
  out.varint(entry.mode);
  out.svarint(entry.mtime_ns);
  if (entry.type == EntryType::symlink) out.text(entry.link_target);
  if (entry.type == EntryType::regular) write_body(out, entry.manifest);
}

/// One form per path: the whole of the common prefix is shared, and paths ascend.
RelPath read_path(ByteReader& in, const std::string& before, bool first) {
  const auto shared = static_cast<std::size_t>(in.varint_max(before.size()));
  const auto suffix = in.text(limits::path_bytes_max - std::min(shared, limits::path_bytes_max));
  const bool ascends = shared == before.size()
                           ? !suffix.empty()
                           : !suffix.empty() && static_cast<unsigned char>(suffix[0]) >
                                                    static_cast<unsigned char>(before[shared]);
  if (!first && !ascends) in.fail(Errc::malformed);
  try {
    return RelPath::parse(before.substr(0, shared) + suffix);
  } catch (const Error&) {
    in.fail(Errc::malformed);
  }
}

TreeEntry read_entry(ByteReader& in, const std::string& before, bool first) {
  TreeEntry entry;
  entry.path = read_path(in, before, first);
  const auto type = in.u8();
  if (type < static_cast<std::uint8_t>(EntryType::regular) ||
      type > static_cast<std::uint8_t>(EntryType::block_device))
    in.fail(Errc::malformed);
  entry.type = static_cast<EntryType>(type);
  entry.mode = static_cast<std::uint32_t>(in.varint_max(mode_max));
  entry.mtime_ns = in.svarint();
  if (entry.type == EntryType::symlink) entry.link_target = in.text(limits::link_target_bytes_max);
  if (entry.type == EntryType::regular) entry.manifest = read_body(in);
  return entry;
}

}  // namespace

Bytes encode_tree(const std::vector<TreeEntry>& entries) {
  Bytes data;
  ByteWriter out(data);
  write_header(out, tree_magic, 0);
  out.varint(entries.size());
  const std::string nothing;
  const std::string* before = nullptr;
  for (const auto& entry : entries) {
    if (before != nullptr && !(*before < entry.path.text()))
      throw Error(Errc::malformed, "tree export: paths out of order at " + escape_name(entry.path.text()));
    write_entry(out, entry, before == nullptr ? nothing : *before);
    before = &entry.path.text();
  }
  write_trailer(out);
  return data;
}

std::vector<TreeEntry> decode_tree(ByteView data) {
  ByteReader in(data, "tree export");
  read_header(in, tree_magic, 0);
  const auto count = in.varint();
  if (count > in.remaining() / entry_bytes_min) in.fail(Errc::truncated);
  std::vector<TreeEntry> entries;
  std::string before;
  for (std::uint64_t k = 0; k < count; ++k) {
    entries.push_back(read_entry(in, before, k == 0));
    before = entries.back().path.text();
  }
  read_trailer(in, data);
  return entries;
}

}  // namespace syncline::manifest
