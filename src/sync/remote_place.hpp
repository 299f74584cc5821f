// SPDX-License-Identifier: Apache-2.0
// What the person typed as a place on another machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace syncline::sync {

struct RemotePlace {
  enum class Kind {
    server,  ///< syncline://HOST[:PORT]/SHARE/PATH
    ssh,     ///< [USER@]HOST:PATH
  };
  Kind kind = Kind::server;
  std::string host;  ///< ssh: with "USER@" in front, if given
  std::uint16_t port = 0;
  /// Of a server; empty: the only one. ssh: "/" for an absolute path, "." for one below the home directory.
  std::string share;
  std::string path;       ///< below the share: components joined by '/', none empty, "." or ".."
  bool contents = false;  ///< typed with a slash at its end, or it is the root of the share
  std::string typed;

  /// The name that the place has for its user; the share's for its root.
  std::string name() const;
  /// One connection serves all places that have this in common.
  std::string peer() const;
};

inline constexpr std::uint16_t default_port = 8737;

/// Nothing for a local path. In a syncline:// address %XX stands for a byte. Throws Error(usage).
std::optional<RemotePlace> parse_remote(const std::string& typed);

}  // namespace syncline::sync
