// SPDX-License-Identifier: Apache-2.0
// A server with a made-up desk, and bare sockets to it.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "control/server.hpp"
#include "fs/local_socket.hpp"
#include "support/temp_dir.hpp"

namespace syncline::test {

class MadeUpDesk final : public control::Desk {
 public:
  control::Json answer(const control::Request& request) override {
    if (request.ask == control::Ask::approve) throw std::runtime_error("no approval here");
    auto out = control::answer_of("status");
    if (fill != 0) out["fill"] = std::string(fill, 'x');
    return out;
  }
  std::uint64_t want_round() override { return ++wanted; }
  bool is_proven(std::uint64_t ticket) override { return proven >= ticket; }
  control::Json standing() override {
    auto out = control::answer_of("standing");
    out["n"] = news.load();
    return out;
  }
  control::Json waited() override { return control::answer_of("waited"); }

  std::atomic<std::size_t> fill = 0;
  std::atomic<std::uint64_t> wanted = 0, proven = 0, news = 0;
};

/// Waits for as much as there is to come, up to a limit that only a broken server reaches.
class BareClient {
 public:
  explicit BareClient(const TempDir& dir) : socket_(*fs::connect_local(*dir.open(), "socket")) {}

  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// With its newline; what has come at the end of the connection.
  std::string line() {
    while (input_.find('\n') == input_.npos && read(std::chrono::seconds(60))) {}
    const auto end = std::min(input_.find('\n'), input_.size() - 1) + 1;
    auto out = input_.substr(0, end);
    input_.erase(0, end);
    return out;
  }
  bool is_ended() {
    while (read(std::chrono::seconds(60))) {}
    return is_ended_;
  }
  /// Nothing comes for a moment.
  bool is_quiet() { return !read(std::chrono::milliseconds(50)) && !is_ended_; }
  int descriptor() const { return socket_.get(); }

 private:
  bool read(std::chrono::milliseconds limit) {
    ::pollfd waiting{socket_.get(), POLLIN, 0};
    if (is_ended_ || ::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return false;
    char buffer[4096];
    const auto count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    is_ended_ = count <= 0;
    if (count > 0) input_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  fs::Fd socket_;
  std::string input_;
  bool is_ended_ = false;
};

struct ServerScene {
  explicit ServerScene(const control::ServerOptions& options = {})
      : server(fs::listen_local(*dir.open(), "socket"), desk, options) {}
  std::string answer_to(std::string_view text) {
    BareClient client(dir);
    client.send(text);
    return client.line();
  }

  TempDir dir;
  MadeUpDesk desk;
  control::Server server;
};

inline constexpr std::string_view status_request = "{\"v\":1,\"ask\":\"status\"}\n";
inline constexpr std::string_view wait_request = "{\"v\":1,\"ask\":\"wait\"}\n";

}  // namespace syncline::test
