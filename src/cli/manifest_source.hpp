// SPDX-License-Identifier: Apache-2.0
// What `syncline manifest` reads: a file, a directory, a saved manifest, a tree export or a state
// database behind one face, told apart by their first bytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/console.hpp"
#include "fs/fs.hpp"
#include "manifest/codec.hpp"

namespace syncline::cli {

/// Entries that could not be read: each is told at once, the rest goes on (exit code 23).
class Problems {
 public:
  explicit Problems(std::ostream& err) : err_(err) {}
  void add(const std::exception& error);
  void add(const std::string& subject, const std::string& cause);
  int count() const { return count_; }

 private:
  std::ostream& err_;
  int count_ = 0;
};

/// A file of the input, or another entry of a tree.
struct Item {
  RelPath path;  ///< the root for an input that is one file
  manifest::EntryType type = manifest::EntryType::regular;
  std::uint32_t mode = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::string link_target;
  std::optional<manifest::Manifest> manifest;  ///< regular files, where it was asked for and is known
};

enum class SourceKind { file, directory, saved_manifest, tree_export, state_database };
const char* kind_name(SourceKind kind);

/// Whether each() chunks the files of a directory: reads all their bytes.
enum class Want { names, manifests };

class Source {
 public:
  virtual ~Source() = default;
  virtual SourceKind kind() const = 0;
  /// Gives every entry once, parents before what is in them.
  virtual void each(Want want, const std::function<void(Item&&)>& use) = 0;
  /// The bytes of a regular file, nothing where only its manifest is known.
  virtual std::unique_ptr<fs::File> open(const RelPath& path) = 0;

  bool is_single() const { return kind() == SourceKind::file || kind() == SourceKind::saved_manifest; }
};

/// `raw`: takes manifests and databases for files like any other. Throws Error.
std::unique_ptr<Source> open_source(const std::string& path, bool raw, Problems& problems);

/// The parts behind open_source(), one for each kind.
std::unique_ptr<Source> file_source(const std::string& path);
std::unique_ptr<Source> directory_source(const std::string& path, Problems& problems);
std::unique_ptr<Source> saved_source(const std::string& path, SourceKind kind);
std::unique_ptr<Source> database_source(const std::string& path, Problems& problems);

/// The directory of `path` (symlinks resolved) and the name in it.
std::pair<std::unique_ptr<fs::Dir>, std::string> open_parent(const std::string& path);

/// The manifest of an open file. Throws Error(cancelled) after a stop signal.
manifest::Manifest manifest_of(const fs::File& file);

/// As much of `path` as it has, up to `bytes_max`. Throws Error(limit_exceeded) for more.
Bytes read_whole(const std::string& path, std::uint64_t bytes_max);

}  // namespace syncline::cli
