// SPDX-License-Identifier: Apache-2.0
// Small files that a person names by path: configuration and the like.
#pragma once

#include <string>

#include "fs/fs.hpp"

namespace syncline::fs {

struct WholeFile {
  Bytes data;
  Stat stat;  ///< of the open file, taken before its content
};

/// Reads the regular file `path` into memory; symlinks are followed, as a person means them. Throws
/// the errno with the escaped path (ENOENT, EACCES, EISDIR ...), EINVAL for a pipe or device, and
/// Error(limit_exceeded) where there are more than `bytes_max` bytes; that much is read at most,
/// also from a file that grows.
WholeFile read_whole_file(Fs& files, const std::string& path, std::size_t bytes_max);

}  // namespace syncline::fs
