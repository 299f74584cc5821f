// SPDX-License-Identifier: Apache-2.0
// The server's end of a session: whatever the client asked for, done in a share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "patch/patch.hpp"
#include "sync/block_sums.hpp"
#include "sync/followed_sources.hpp"
#include "sync/warm_replicas.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

/// A share as one client may use it.
struct ServedShare {
  std::string dir;             ///< its root, an absolute path
  std::string typed_dir = {};  ///< as configured: a link may lead elsewhere later. Of one that is confined
  /// The client may go wherever the file system lets us, symlinks included: it could log in here as well.
  bool is_unconfined = false;
  bool may_write = false;
  bool may_delete = false;
  std::string state_dir;
  std::string state_owner = {};  ///< not empty: the client, which may make so many states here
  patch::Durability durability_min = patch::Durability::none;
  unsigned threads = 2;
  std::optional<std::uint64_t> bwlimit = std::nullopt;  ///< bytes a second, each way
};

/// What became of a session, for the log.
struct SessionNews {
  std::string share;
  std::string path;
  bool push = false;
  std::uint64_t files_changed = 0;  ///< of a pull
  bool in_step = false;
};

/// What a session does with a place.
enum class PlaceUse : std::uint8_t { read, write };

struct ServiceOptions {
  /// Throws Error where there is no such share, or not for this client; the client is told.
  std::function<ServedShare(const wire::Open&)> find_share;
  /// Waits until nobody else writes to the directory, its parents or what is below it, and for `write` until
  /// nobody reads there either; it is released with what is returned.
  std::function<std::shared_ptr<void>(const std::string& dir, PlaceUse use)> reserve;
  std::function<void(const std::string&)> notice;
  std::function<bool()> cancelled;
  WarmReplicas* warm = nullptr;  ///< for clients that will come again
  std::uint64_t client = 0;      ///< for whom it keeps them
  FollowedSources* sources = nullptr;  ///< of such clients
  BlockSums* blocks = nullptr;         ///< of what they are sent
};

/// Serves the session that `open` begins, on `channel`, whose end is an answering one. Throws Error after it
/// told the client: the connection has to be closed then.
SessionNews serve_session(const World& world, wire::Channel& channel, wire::Open open,
                          const ServiceOptions& options);

}  // namespace syncline::sync
