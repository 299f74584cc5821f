// SPDX-License-Identifier: Apache-2.0
// The fields of tree_messages.hpp.
#pragma once

#include "wire/coding.hpp"
#include "wire/tree_messages.hpp"

namespace syncline::wire::coding {

/// A number of bits, of which a field says whether it follows.
template <class A>
void drift_bits(A& a, EntryInfo& v) {
  constexpr std::uint8_t edited = 1, drifted = 2, absent = 4, left = 8;
  std::uint8_t bits = 0;
  if constexpr (!A::decoding) {
    bits = static_cast<std::uint8_t>((v.edited || v.deviates ? edited : 0) | (v.drifted ? drifted : 0) |
                                     (v.absent ? absent : 0) | (v.left_version != 0 ? left : 0));
  }
  a.num(bits);
  if constexpr (A::decoding) {
    if (bits >= 2 * left || (bits >= absent && (bits & drifted) == 0)) a.fail(Errc::malformed);
    v.edited = (bits & edited) != 0;
    v.drifted = (bits & drifted) != 0;
    v.absent = (bits & absent) != 0;
  }
  if ((bits & left) != 0) a.fixed(v.left_version);
}

template <class A>
void fields(A& a, EntryInfo& v) {
  a.text(v.name, limits::name_bytes_max);
  file_type(a, v.type);
  a.num(v.mode), a.num(v.uid), a.num(v.gid), a.num(v.size_bytes), a.signed_num(v.mtime_ns);
  bool xattrs = v.xattr_digest != hash::Digest{};
  a.flag(xattrs);
  if (xattrs) a.digest(v.xattr_digest);
  if (v.type == fs::FileType::symlink) a.text(v.link_target, limits::link_target_bytes_max);
  if (v.type == fs::FileType::char_device || v.type == fs::FileType::block_device)
    a.num(v.device_major), a.num(v.device_minor);
  if (v.type == fs::FileType::directory) a.digest(v.tree);
  if (v.type == fs::FileType::regular) a.num(v.link_group), a.fixed(v.content);
  drift_bits(a, v);
}

template <class A>
void fields(A& a, Roots& v) {
  a.digest(v.root);
  a.optional(v.agreed, [&](AgreedRoots& x) { a.digest(x.sender), a.digest(x.receiver); });
  a.flag(v.in_step), fields(a, v.root_entry);
}

template <class A>
void fields(A& a, ListRequest& v) {
  a.list(v.dirs, items_max, [&](std::string& x) { path(a, x); });
  a.flag(v.end);
}

template <class A>
void fields(A& a, Partials& v) {
  a.num(v.number);
  a.list(v.lengths, count_max, [&](std::uint32_t& x) { chunk_length(a, x); });
  a.list(v.offsets, count_max, [&](std::uint64_t& x) { a.num(x); });
  a.list(v.ids, count_max, [&](hash::Digest& x) { short_id(a, x); });
  if constexpr (A::decoding) {
    if (v.offsets.size() != v.lengths.size() || v.ids.size() != v.lengths.size()) a.fail(Errc::malformed);
  }
}

template <class A>
void names(A& a, std::vector<std::string>& v) {
  a.list(v, items_max, [&](std::string& x) { a.text(x, limits::name_bytes_max); });
}

template <class A>
void fields(A& a, Listing& v) {
  path(a, v.dir);
  a.flag(v.partial);
  a.list(v.entries, items_max, [&](EntryInfo& x) { fields(a, x); });
  names(a, v.gone);
  names(a, v.unknown);
}

template <class A>
void fields(A&, ListEnd&) {}

template <class A>
void fields(A& a, ManifestRequest& v) {
  a.list(v.paths, items_max, [&](std::string& x) { path(a, x); });
}

template <class A>
void fields(A& a, ManifestReply& v) {
  path(a, v.path);
  a.num(v.size_bytes), a.fixed(v.content), a.flag(v.more);
  fields(a, v.params);
  a.list(v.lengths, count_max, [&](std::uint32_t& x) { chunk_length(a, x); });
  a.list(v.repeats, count_max, [&](std::uint32_t& x) { a.num(x); });
  a.list(v.ids, count_max, [&](hash::Digest& x) { short_id(a, x); });
  if constexpr (A::decoding) {
    if (v.repeats.size() != v.lengths.size() || v.ids.size() != v.lengths.size()) a.fail(Errc::malformed);
  }
}

template <class A>
void fields(A& a, fs::XattrPair& v) {
  a.text(v.name, limits::name_bytes_max);
  a.blob(v.value, limits::xattr_bytes_max);
}

template <class A>
void fields(A& a, Meta& v) {
  a.num(v.mode), a.num(v.uid), a.num(v.gid), a.signed_num(v.mtime_ns);
  a.list(v.xattrs, limits::xattr_count_max, [&](auto& x) { fields(a, x); });
}

template <class A>
void fields(A& a, MakeDir& v) {
  path(a, v.path);
}

template <class A>
void fields(A& a, MakeSymlink& v) {
  path(a, v.path), a.text(v.target, limits::link_target_bytes_max), fields(a, v.meta);
}

template <class A>
void fields(A& a, MakeNode& v) {
  path(a, v.path), file_type(a, v.type), a.num(v.device_major), a.num(v.device_minor), fields(a, v.meta);
}

template <class A>
void fields(A& a, MakeLink& v) {
  path(a, v.path), path(a, v.existing);
}

template <class A>
void fields(A& a, WriteFile& v) {
  path(a, v.path), fields(a, v.meta), fields(a, v.params);
  a.list(v.lengths, count_max, [&](std::uint32_t& x) { chunk_length(a, x); });
  a.array(v.root);
  a.list(v.ids, count_max, [&](hash::ChunkId& x) { a.digest(x); });
  a.blob(v.content, limits::frame_bytes_max);
}

template <class A>
void fields(A& a, SetMeta& v) {
  path(a, v.path), fields(a, v.meta);
}

template <class A>
void fields(A& a, Rename& v) {
  path(a, v.from), path(a, v.to);
}

template <class A>
void fields(A& a, Remove& v) {
  constexpr std::uint8_t directory = 1, keep = 2;
  path(a, v.path);
  auto bits = static_cast<std::uint8_t>((v.directory ? directory : 0) | (v.keep ? keep : 0));
  a.num(bits);
  if constexpr (A::decoding) {
    if (bits > (directory | keep)) a.fail(Errc::malformed);
    v.directory = (bits & directory) != 0;
    v.keep = (bits & keep) != 0;
  }
}

template <class A>
void fields(A& a, Batch& v) {
  a.list(v.ops, items_max, [&](Op& x) { a.variant(x, [&](auto& op) { fields(a, op); }); });
}

}  // namespace syncline::wire::coding
