// SPDX-License-Identifier: Apache-2.0
// A listener on the loopback interface and what comes out of it.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "frames.hpp"
#include "identity.hpp"
#include "net/connector.hpp"
#include "net/listener.hpp"

namespace syncline::test {

/// Waits for what must come: a minute stands for never.
constexpr std::chrono::seconds patience{60};

/// Things that a network thread hands to the thread of the test.
template <class T>
class Inbox {
 public:
  void put(T thing) {
    std::lock_guard lock(mutex_);
    things_.push_back(std::move(thing));
    changed_.notify_all();
  }
  T take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return !things_.empty(); }))
      throw std::runtime_error("nothing came");
    T out = std::move(things_.front());
    things_.pop_front();
    return out;
  }
  std::size_t wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return things_.size() >= count; });
    return things_.size();
  }
  std::size_t size() {
    std::lock_guard lock(mutex_);
    return things_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> things_;
};

struct Refusal {
  std::string address;
  Error cause;
};

/// One identity for all servers of the program, one for all clients: what keys do is tested elsewhere.
inline const net::TlsIdentity& server_identity() {
  static const auto identity = make_identity();
  return identity;
}
inline const net::TlsIdentity& client_identity() {
  static const auto identity = make_identity();
  return identity;
}

class Server {
 public:
  explicit Server(net::ListenOptions options = {}, unsigned threads = 1) : io(threads) {
    options.identity = server_identity();
    if (options.addresses.empty() && options.sockets.empty()) options.addresses = {"127.0.0.1:0"};
    if (!options.on_connection)
      options.on_connection = [this](net::Connection connection) { connections.put(std::move(connection)); };
    if (!options.on_refused)
      options.on_refused = [this](const std::string& address, const Error& cause) {
        refusals.put({address, cause});
      };
    listener.emplace(io, std::move(options));
  }
  net::Endpoint endpoint() const { return listener->endpoints().front(); }

  Inbox<net::Connection> connections;
  Inbox<Refusal> refusals;
  net::IoThreads io;
  std::optional<net::Listener> listener;
};

inline net::ConnectOptions accepting_server() {
  net::ConnectOptions options;
  options.accept = [expected = net::key_of(server_identity())](const net::PeerKey& key) {
    return key == expected;
  };
  return options;
}

/// Two ends of one connection.
struct NetPair {
  explicit NetPair(net::LinkOptions client_options = {}, net::LinkOptions server_options = {})
      : server(with_link(server_options)) {
    auto options = accepting_server();
    options.link = client_options;
    client = net::connect(io, server.endpoint(), client_identity(), options);
    accepted = server.connections.take();
  }
  static net::ListenOptions with_link(const net::LinkOptions& link) {
    net::ListenOptions options;
    options.link = link;
    return options;
  }
  net::Link& here() { return *client.link; }
  net::Link& there() { return *accepted.link; }

  Server server;
  net::IoThreads io;
  net::Connection client;
  net::Connection accepted;
};

inline Bytes receive_frame(net::Link& link) {
  auto parcel = link.receive();
  if (!parcel) throw std::runtime_error("the end instead of a frame");
  return std::get<Bytes>(std::move(*parcel));
}

/// What `action` throws; fails the program if it does not.
template <class Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  throw std::runtime_error("nothing was thrown");
}

}  // namespace syncline::test
