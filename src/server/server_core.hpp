// SPDX-License-Identifier: Apache-2.0
// State of the server, kept by its callbacks as well.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "net/listener.hpp"
#include "server/client.hpp"
#include "server/path_reservations.hpp"
#include "server/server.hpp"
#include "server/stir_teller.hpp"
#include "server/worker_pool.hpp"
#include "sync/service.hpp"
#include "trust/grants.hpp"
#include "trust/pairing.hpp"

namespace syncline::server {

/// Jobs and callbacks hold it by its address: stop() waits for the jobs, and the network threads, whose
/// callbacks these are, are joined before any other member goes.
class ServerCore {
 public:
  ServerCore(const sync::World& world, const trust::Identity& identity, ServerOptions options);
  void start(const trust::Identity& identity);
  void stop();
  void reload(const config::ServerConfig& config);
  std::vector<net::Endpoint> endpoints() const { return listener_->endpoints(); }

 private:
  using ClientPtr = std::shared_ptr<Client>;

  // On network threads: never block.
  void on_connection(net::Connection connection);
  void wait_for_input(const ClientPtr& client);

  // On workers.
  void admit(const ClientPtr& client);
  void serve_ready(const ClientPtr& client);
  bool serve_one(Client& client);
  void pair(Client& client, const wire::Pair& request);
  std::shared_ptr<void> count_session(const Client& client);
  bool run_session(Client& client, wire::Open open);
  sync::ServedShare find_share(const Client& client, const wire::Open& open) const;
  std::optional<trust::Right> right_for(const Client& client, const std::string& share) const;
  bool is_known(const Client& client) const;
  void refuse(Client& client, const Error& error);
  void drop(const ClientPtr& client);

  void watch();
  void tell_stirred(std::uint64_t number);
  void give_up(Client& client, AuditEvent::Kind kind, const std::string& why);
  void watch_client(Client& client, std::chrono::steady_clock::time_point now);
  void tell(AuditEvent::Kind kind, const Client& client, const std::string& detail,
            const wire::Open* open = nullptr);
  void tell(const AuditEvent& event);
  std::shared_ptr<const config::ServerConfig> config() const;

  const sync::World world_;
  const trust::Fingerprint own_key_;
  std::function<void(const AuditEvent&)> on_event_;
  std::mutex event_mutex_;
  trust::Grants grants_;
  trust::PairingCodes codes_;
  std::shared_ptr<PathReservations> reservations_ = std::make_shared<PathReservations>();
  sync::WarmReplicas warm_;
  sync::FollowedSources sources_;
  sync::BlockSums blocks_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const config::ServerConfig> config_;
  std::map<std::uint64_t, ClientPtr> clients_;
  std::map<trust::Fingerprint, std::uint64_t> connections_;  ///< of clients_, that each key has
  std::map<trust::Fingerprint, std::uint64_t> sessions_;     ///< that each key has now
  std::uint64_t next_client_ = 1;
  std::atomic<bool> stopping_ = false;
  std::thread watcher_;
  std::optional<StirTeller> stir_teller_;
  std::vector<int> sockets_;

  WorkerPool workers_;
  net::IoThreads io_threads_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace syncline::server
