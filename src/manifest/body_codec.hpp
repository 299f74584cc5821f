// SPDX-License-Identifier: Apache-2.0
// What saved manifests and tree exports share: the frame around a file, the body of a manifest.
#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "manifest/manifest.hpp"

namespace syncline::manifest {

inline constexpr std::uint8_t flag_quick = 1;  ///< a section of keyed digests follows the chunk table

void write_header(ByteWriter& out, std::string_view magic, std::uint8_t flags);
/// Returns the flags. Throws Error(malformed) for another magic, Error(unsupported) for another
/// version, algorithm or flag outside `flags_allowed`.
std::uint8_t read_header(ByteReader& in, std::string_view magic, std::uint8_t flags_allowed);

/// Appends the digest of everything in `out` so far.
void write_trailer(ByteWriter& out);
/// Checks that exactly the digest of all bytes before it is left of `data`.
void read_trailer(ByteReader& in, ByteView data);

/// Parameters, size and chunk table; no keyed digests.
void write_body(ByteWriter& out, const Manifest& manifest);
Manifest read_body(ByteReader& in);

}  // namespace syncline::manifest
