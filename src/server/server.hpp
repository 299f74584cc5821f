// SPDX-License-Identifier: Apache-2.0
// The server: connections, who they are, and the sessions they ask for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/server_config.hpp"
#include "net/endpoint.hpp"
#include "sync/replica.hpp"
#include "trust/identity.hpp"

namespace syncline::server {

/// Something that whoever watches over a server wants to know; for the log.
struct AuditEvent {
  enum class Kind {
    refused,
    connected,
    paired,
    session_began,
    session_ended,
    session_failed,
    disconnected,
    note
  };
  Kind kind = Kind::note;
  std::string address;  ///< of the client, "host:port"
  std::string key;      ///< its fingerprint
  std::string share;
  std::string path;
  std::string detail;
};
std::string_view name_of(AuditEvent::Kind kind);

struct ServerOptions {
  config::ServerConfig config;
  std::vector<int>
      sockets;  ///< listening, inherited; the server owns them. Not empty: in place of config.listen
  std::function<void(const AuditEvent&)> on_event;  ///< from any thread, one at a time
};

class ServerCore;

/// Runs from construction to stop(). Thread-safe.
class Server {
 public:
  /// Listens when it returns. Throws Error for an address or a share's directory that cannot be used.
  /// `identity` may go afterwards.
  Server(const sync::World& world, const trust::Identity& identity, ServerOptions options);
  /// stop().
  ~Server();

  std::vector<net::Endpoint> endpoints() const;
  /// Other shares, authorizations and limits; sessions that have begun keep theirs. `listen`, `state_dir` and
  /// `log` stay as they were.
  void reload(const config::ServerConfig& config);
  /// No new connections; sessions end at the next safe point: what has arrived whole is committed, and
  /// clients come back to where they were. Blocks until that is done.
  void stop();

 private:
  std::unique_ptr<ServerCore> core_;
};

}  // namespace syncline::server
