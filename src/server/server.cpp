// SPDX-License-Identifier: Apache-2.0
// Life of the server: start, reload, stop, and the watch over idle and stuck clients.
#include "server/server.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/limits.hpp"
#include "server/server_core.hpp"

namespace syncline::server {
namespace {

constexpr auto watch_interval = limits::stir_interval;

/// Of every address there are two kinds, of which a machine may lack the second.
std::vector<std::string> addresses_of(const config::ServerConfig& config, bool with_ipv6) {
  std::vector<std::string> out;
  for (const auto& one : config.listen) {
    if (!one.host.empty()) {
      out.push_back(net::Endpoint{one.host, one.port}.text());
      continue;
    }
    out.push_back(net::Endpoint{"0.0.0.0", one.port}.text());
    if (with_ipv6 && one.port != 0) out.push_back(net::Endpoint{"::", one.port}.text());
  }
  return out;
}

bool lacks_ipv6(const Error& error) {
  return error.is_errno(EAFNOSUPPORT) || error.is_errno(EADDRNOTAVAIL) || error.is(Errc::unresolved);
}

}  // namespace

std::string_view name_of(AuditEvent::Kind kind) {
  using Kind = AuditEvent::Kind;
  switch (kind) {
    case Kind::refused: return "refused";
    case Kind::connected: return "connected";
    case Kind::paired: return "paired";
    case Kind::session_began: return "session began";
    case Kind::session_ended: return "session ended";
    case Kind::session_failed: return "session failed";
    case Kind::disconnected: return "disconnected";
    case Kind::note: return "note";
  }
  return "note";
}

ServerCore::ServerCore(const sync::World& world, const trust::Identity& identity, ServerOptions options)
    : world_(world),
      own_key_(identity.fingerprint()),
      on_event_(std::move(options.on_event)),
      grants_(*world_.files, options.config.state_dir),
      codes_(*world_.files, *world_.clock, *world_.random, options.config.state_dir),
      config_(std::make_shared<const config::ServerConfig>(std::move(options.config))),
      sockets_(std::move(options.sockets)),
      workers_(config_->limits.sessions_max),
      io_threads_(std::max(1u, std::thread::hardware_concurrency())) {}

void ServerCore::start(const trust::Identity& identity) {
  world_.files->make_dirs(config_->state_dir, 0700);
  for (const auto& share : config_->shares) (void)world_.files->open_root(share.dir);
  net::ListenOptions listen;
  const bool has_addresses = sockets_.empty();
  if (has_addresses) listen.addresses = addresses_of(*config_, true);
  listen.sockets = std::exchange(sockets_, {});
  listen.identity = {identity.certificate_pem(), identity.private_key_pem()};
  listen.handshake_limit = config_->limits.handshake_timeout;
  listen.link.silence_limit = config_->limits.idle_timeout;
  listen.link.keepalive_interval =
      std::min<std::chrono::milliseconds>(limits::keepalive_interval, listen.link.silence_limit / 3);
  // The listener and its threads go before this object does, see stop().
  listen.on_connection = [this](net::Connection connection) { on_connection(std::move(connection)); };
  listen.on_refused = [this](const std::string& address, const Error& cause) {
    tell(AuditEvent{AuditEvent::Kind::refused, address, "", "", "", cause.what()});
  };
  try {
    listener_ = std::make_unique<net::Listener>(io_threads_, listen);
  } catch (const Error& error) {
    if (!has_addresses || !lacks_ipv6(error)) throw;
    listen.addresses = addresses_of(*config_, false);
    listener_ = std::make_unique<net::Listener>(io_threads_, std::move(listen));
  }
  stir_teller_.emplace(warm_, sources_, [this](std::uint64_t number) { tell_stirred(number); });
  watcher_ = std::thread([this] { watch(); });
}

void ServerCore::stop() {
  if (stopping_.exchange(true)) return;
  if (listener_) listener_->stop_accepting();
  reservations_->close();
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, client] : clients_) client->link->close();
    changed_.notify_all();
  }
  stir_teller_.reset();
  workers_.finish();
  if (watcher_.joinable()) watcher_.join();
  std::map<std::uint64_t, ClientPtr> clients;
  {
    std::lock_guard lock(mutex_);
    clients.swap(clients_);
    connections_.clear();
  }
  clients.clear();
  listener_.reset();
}

void ServerCore::reload(const config::ServerConfig& config) {
  std::lock_guard lock(mutex_);
  auto fresh = std::make_shared<config::ServerConfig>(config);
  fresh->listen = config_->listen;
  fresh->state_dir = config_->state_dir;
  fresh->log = config_->log;
  config_ = std::move(fresh);
}

std::shared_ptr<const config::ServerConfig> ServerCore::config() const {
  std::lock_guard lock(mutex_);
  return config_;
}

void ServerCore::tell(const AuditEvent& event) {
  if (!on_event_) return;
  std::lock_guard lock(event_mutex_);
  on_event_(event);
}

void ServerCore::tell(AuditEvent::Kind kind, const Client& client, const std::string& detail,
                      const wire::Open* open) {
  AuditEvent event{kind, client.address, client.key.text(), "", "", detail};
  if (open != nullptr) event.share = open->share, event.path = open->path;
  tell(event);
}

void ServerCore::watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, watch_interval, [&] { return stopping_.load(); })) {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [number, client] : clients_) watch_client(*client, now);
  }
}

/// A client that will come again.
void ServerCore::tell_stirred(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(number);
  if (found == clients_.end()) return;
  workers_.post([this, client = found->second] {
    try {
      if (client->channel.tell_stirred())
        tell(AuditEvent::Kind::note, *client, "something changed in its place");
    } catch (const std::exception&) {
      // The connection is gone, which whoever serves it will meet.
    }
  });
}

/// Under mutex_, where nobody may be told anything.
void ServerCore::give_up(Client& client, AuditEvent::Kind kind, const std::string& why) {
  client.link->abort();
  if (std::exchange(client.is_given_up, true)) return;
  workers_.post(
      [this, event = AuditEvent{kind, client.address, client.key.text(), "", "", why}] { tell(event); });
}

/// Under mutex_. One that is not known must pair soon; one in whose way another stands must go on.
void ServerCore::watch_client(Client& client, std::chrono::steady_clock::time_point now) {
  if (!client.is_known && now - client.since > limits::unknown_client_limit)
    return give_up(client, AuditEvent::Kind::refused, "did not pair in time");
  const auto bytes = client.link->sent_bytes() + client.link->received_bytes();
  if (bytes != std::exchange(client.seen_bytes, bytes)) client.moved_at = now;
  const bool stuck = now - client.moved_at > limits::stuck_session_limit;
  if (stuck && client.reserved && reservations_->is_wanted(*client.reserved))
    give_up(client, AuditEvent::Kind::note, "nothing came or went for too long while others waited");
}

Server::Server(const sync::World& world, const trust::Identity& identity, ServerOptions options)
    : core_(std::make_unique<ServerCore>(world, identity, std::move(options))) {
  core_->start(identity);
}

Server::~Server() { core_->stop(); }

std::vector<net::Endpoint> Server::endpoints() const { return core_->endpoints(); }

void Server::reload(const config::ServerConfig& config) { core_->reload(config); }

void Server::stop() { core_->stop(); }

}  // namespace syncline::server
