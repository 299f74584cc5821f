// SPDX-License-Identifier: Apache-2.0
// Binary coding of manifests and of tree exports: docs/format/manifest.md, byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/relpath.hpp"
#include "manifest/manifest.hpp"

namespace syncline::manifest {

inline constexpr std::string_view manifest_magic = "SLMF";
inline constexpr std::string_view tree_magic = "SLTR";
inline constexpr std::uint16_t codec_version = 1;

/// The hash behind chunk ids, named in every file.
enum class Algorithm : std::uint8_t {
  blake3 = 1,
  sha256 = 2,  ///< reserved; this build refuses it
};

/// The form that may leave the installation: no keyed digests. One coding per manifest.
Bytes encode(const Manifest& manifest);
/// With the keyed digests, for files of this installation only: whoever knows them and the content
/// learns about the secret, and whoever could forge them could hide a change.
Bytes encode_local(const Manifest& manifest);

/// Reads encode(). Throws Error(truncated | malformed | unsupported | corrupt) with the byte offset.
/// Memory is proportional to `data`: a count is checked against the bytes that are left.
/// Refuses keyed digests (malformed): they have no business in a file that travels.
Manifest decode(ByteView data);
/// Reads encode_local(), and encode() with all keyed digests zero.
Manifest decode_local(ByteView data);

enum class EntryType : std::uint8_t {
  regular = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  socket = 5,
  char_device = 6,
  block_device = 7,
};

/// One entry of an exported tree.
struct TreeEntry {
  RelPath path;
  EntryType type = EntryType::regular;
  std::uint32_t mode = 0;     ///< permission bits, 07777
  std::int64_t mtime_ns = 0;  ///< since the epoch
  std::string link_target;    ///< symlinks
  Manifest manifest;          ///< regular files

  bool operator==(const TreeEntry&) const = default;
};

/// `entries` sorted bytewise by path, unique (else Error(malformed)). Keyed digests are left out.
Bytes encode_tree(const std::vector<TreeEntry>& entries);
/// Same errors and bounds as decode().
std::vector<TreeEntry> decode_tree(ByteView data);

}  // namespace syncline::manifest
