// SPDX-License-Identifier: Apache-2.0
// Messages about directories and entries: what the receiver has, and what is to be done to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "manifest/manifest.hpp"

namespace syncline::wire {

struct AgreedRoots {
  hash::Digest sender;
  hash::Digest receiver;
};

/// An entry as the other side sees it: its quick identity.
struct EntryInfo {
  std::string name;
  fs::FileType type = fs::FileType::regular;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  hash::Digest xattr_digest;  ///< zero: none
  std::string link_target;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t link_group = 0;  ///< equal and not 0: hard links of one file
  std::uint64_t content = 0;     ///< first 8 bytes of the manifest root; 0: unknown
  bool edited = false;           ///< changed by someone else since the receiver's last commit
  /// Under begin_drift: nothing says that it ever was the sender's.
  bool drifted = false;
  bool absent = false;             ///< drifted, and it is not there: others removed it
  std::uint64_t left_version = 0;  ///< drifted: as in Left, of an earlier session
  /// The content is not what size and mtime tell, or was not agreed upon. Sent as `edited`.
  bool deviates = false;
  hash::Digest tree;  ///< directories: digest of the subtree
};

/// First from the sender, then from the receiver.
struct Roots {
  hash::Digest root;  ///< of this side's tree now
  std::optional<AgreedRoots>
      agreed;            ///< sender: its last agreement with this receiver; receiver: unless it differs
  bool in_step = false;  ///< receiver: nothing is to be done
  EntryInfo root_entry;  ///< receiver: attributes of the root directory
};

struct ListRequest {
  std::vector<std::string> dirs;
  bool end = false;  ///< no more requests will come
};

/// Chunks that a broken transfer left with the receiver. They lie in no file of the replica: StepOther finds
/// them under the path partial_path(number).
struct Partials {
  std::uint32_t number = 0;
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint64_t> offsets;
  std::vector<hash::Digest> ids;  ///< the first 16 bytes
};

/// Below the root of the receiver's replica.
std::string partial_path(std::uint32_t number);

/// `partial`: only what drifted since the agreement; else the whole directory.
struct Listing {
  std::string dir;
  bool partial = false;
  std::vector<EntryInfo> entries;
  std::vector<std::string> gone;     ///< partial only
  std::vector<std::string> unknown;  ///< exist, but could not be examined
};
struct ListEnd {};

struct ManifestRequest {
  std::vector<std::string> paths;
};
/// Answers one path: chunk lengths and 16-byte ids; no chunks: the receiver has no such regular file.
struct ManifestReply {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::uint64_t content = 0;  ///< first 8 bytes of the manifest root
  bool more = false;          ///< the chunks go on in another reply
  manifest::ChunkParams params;
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint32_t> repeats;
  std::vector<hash::Digest> ids;
};

struct Meta {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_ns = 0;
  std::vector<fs::XattrPair> xattrs;
};

struct MakeDir {
  std::string path;
};
struct MakeSymlink {
  std::string path;
  std::string target;
  Meta meta;
};
struct MakeNode {
  std::string path;
  fs::FileType type = fs::FileType::fifo;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  Meta meta;
};
struct MakeLink {
  std::string path;
  std::string existing;
};
/// A whole small file. The chunks' lengths save the receiver the cut-point search.
struct WriteFile {
  std::string path;
  Meta meta;
  manifest::ChunkParams params;
  std::vector<std::uint32_t> lengths;
  std::array<std::byte, hash::short_id_bytes> root{};
  /// Of the chunks; only in one process, where nothing can happen to the content on its way and the
  /// receiver need not compute them again: then `root` is not looked at. Else empty.
  std::vector<hash::ChunkId> ids;
  Bytes content;
};
struct SetMeta {
  std::string path;
  Meta meta;
};
struct Rename {
  std::string from;
  std::string to;
};
struct Remove {
  std::string path;
  bool directory = false;
  bool keep = false;  ///< under begin_drift: what is in it drifted, it is kept as a whole
};
using Op = std::variant<MakeDir, MakeSymlink, MakeNode, MakeLink, WriteFile, SetMeta, Rename, Remove>;

/// Operations in order, compressed as a whole.
struct Batch {
  std::vector<Op> ops;
};

}  // namespace syncline::wire
