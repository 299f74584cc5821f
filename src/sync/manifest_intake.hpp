// SPDX-License-Identifier: Apache-2.0
// Manifests of the receiver's files: those that were asked for, and no more than fits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/limits.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {

/// From the request to its use. Not thread-safe.
class ManifestIntake {
 public:
  /// `chunks_max`: of all that are held. One that does not fit is let go: its file is then sent without it.
  explicit ManifestIntake(std::size_t chunks_max = limits::manifest_chunks_max) : chunks_max_(chunks_max) {}

  /// A request goes out; false where one is under way. `base_bytes` is what asked_bytes() counts.
  bool ask(const std::string& path, std::uint64_t base_bytes);
  /// A reply, or a further part of one. Throws Error(protocol) for one that was not asked for and
  /// Error(malformed) for one that is no manifest.
  void take(wire::ManifestReply reply);
  bool is_whole(const std::string& path) const;
  /// Ends a request whose reply is whole. Without chunks: there is no such file, or it did not fit.
  wire::ManifestReply use(const std::string& path);

  std::size_t asked_count() const { return asked_.size(); }
  std::uint64_t asked_bytes() const { return asked_bytes_; }
  std::size_t chunk_count() const { return chunk_count_; }

 private:
  struct Asked {
    std::uint64_t base_bytes = 0;
    std::optional<wire::ManifestReply> reply;
    std::uint64_t told_bytes = 0;  ///< that its chunks cover so far
    bool is_whole = false;
    bool is_dropped = false;
  };
  static void check_part(Asked& asked, const wire::ManifestReply& part, bool is_first);
  void keep(Asked& asked, wire::ManifestReply part);

  std::size_t chunks_max_;
  std::map<std::string, Asked> asked_;
  std::uint64_t asked_bytes_ = 0;
  std::size_t chunk_count_ = 0;
};

}  // namespace syncline::sync
