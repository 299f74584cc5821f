// SPDX-License-Identifier: Apache-2.0
// A server on the loopback interface with a share, and clients that it may know.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "net/connector.hpp"
#include "remote/dial.hpp"
#include "remote/pair.hpp"
#include "server/server.hpp"
#include "support/temp_dir.hpp"
#include "sync/remote_copy.hpp"
#include "trust/grants.hpp"
#include "trust/known_servers.hpp"
#include "trust/pairing.hpp"

namespace syncline::test {

/// Content that does not compress, the same for the same seed.
inline std::string noise(std::size_t bytes, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

/// Waits for what must come: a minute stands for never.
constexpr std::chrono::seconds patience{60};

class LiveServer {
 public:
  using Kind = server::AuditEvent::Kind;

  LiveServer() : identity(trust::Identity::load_or_create(fs::linux_fs(), dir.path("server"))) {
    config.listen = {{"127.0.0.1", 0}};
    config.state_dir = dir.path("server");
    config.durability = Durable::none;
    config.threads = 1;
    config.shares = {{"share", dir.make_dir("share"), config::ShareMode::read_write}};
  }
  ~LiveServer() { stop(); }

  void start() {
    server::ServerOptions options;
    options.config = config;
    options.on_event = [this](const server::AuditEvent& event) {
      std::lock_guard lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
    };
    running_ = std::make_unique<server::Server>(sync::World{}, identity, std::move(options));
    port = running_->endpoints().at(0).port;
  }
  void stop() { running_.reset(); }
  server::Server& running() { return *running_; }

  /// A new client with a key and a pin of the server, which knows it if `right` is given.
  CopyOptions client(const std::string& name,
                     std::optional<config::Right> right = config::Right::read_write) {
    CopyOptions options;
    options.state_dir = dir.path(name);
    options.durability = Durable::none;
    options.threads = 1;
    options.retries = 0;
    const auto key = trust::Identity::load_or_create(fs::linux_fs(), dir.path(name)).fingerprint();
    if (right) config.authorize.push_back({key.text(), "share", *right});
    return options;
  }
  std::string url(const std::string& rest) const {
    return "syncline://127.0.0.1:" + std::to_string(port) + "/" + rest;
  }
  CopyReport push(CopyOptions options, const std::string& from, const std::string& to = "share/") {
    options.sources = {dir.path(from) + "/"};
    options.destination = url(to);
    options.server_key = identity.fingerprint().text();
    return copy(options);
  }
  static CopyReport copy(const CopyOptions& options, const CopyObserver& observer = {}) {
    const sync::World world;
    remote::Dialer dialer(world, options);
    return sync::run_remote_copy(world, options, observer,
                                 [&](const sync::RemotePlace& place) { return dialer.dial(place); });
  }
  /// A connection of a client without a session.
  net::Connection connect(const std::string& name) {
    const auto key = trust::Identity::load_or_create(fs::linux_fs(), dir.path(name));
    net::ConnectOptions options;
    options.accept = [](const net::PeerKey&) { return true; };
    return net::connect(threads, {"127.0.0.1", port}, {key.certificate_pem(), key.private_key_pem()},
                        options);
  }
  /// The first event of a kind, with this in its detail, waited for.
  server::AuditEvent wait_for(Kind kind, const std::string& detail = "") {
    return wait_for_event([&](const server::AuditEvent& event) {
      return event.kind == kind && event.detail.find(detail) != std::string::npos;
    });
  }

  TempDir dir;
  trust::Identity identity;
  config::ServerConfig config;
  std::uint16_t port = 0;
  net::IoThreads threads;

 private:
  template <class Is>
  server::AuditEvent wait_for_event(Is&& is) {
    std::unique_lock lock(mutex_);
    const auto find = [&] { return std::ranges::find_if(events_, is); };
    if (!changed_.wait_for(lock, patience, [&] { return find() != events_.end(); }))
      throw std::runtime_error("no event came");
    return *find();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<server::AuditEvent> events_;
  std::unique_ptr<server::Server> running_;
};

}  // namespace syncline::test
