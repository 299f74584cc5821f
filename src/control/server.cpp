// SPDX-License-Identifier: Apache-2.0
// The thread, and who is connected.
#include "control/server.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <set>
#include <thread>

#include "control/connection.hpp"
#include "fs/local_socket.hpp"

namespace syncline::control {

class Server::Core {
 public:
  Core(fs::Fd listening, Desk& desk, const ServerOptions& options)
      : desk_(desk),
        options_(options),
        acceptor_(context_, asio::local::stream_protocol(), listening.release()),
        pause_(context_) {}

  /// The thread gets no signals: they are for those who look at them.
  void start() {
    sigset_t all, before;
    ::sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
      ::sigdelset(&all, own);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    accept();
    thread_ = std::thread([this] { context_.run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void stop() {
    asio::post(context_, [this] {
      asio::error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      is_stopping_ = true;
      for (const auto& one : std::set(connections_)) one->close();
    });
    thread_.join();
  }

  void tell_news() {
    asio::post(context_, [this] {
      for (const auto& one : std::set(connections_)) one->news();
    });
  }

 private:
  using Socket = asio::local::stream_protocol::socket;

  void accept() {
    acceptor_.async_accept([this](asio::error_code error, Socket socket) {
      if (is_stopping_ || error == asio::error::operation_aborted) return;
      if (error) return pause();
      take(std::move(socket));
      accept();
    });
  }

  /// There is no descriptor left, perhaps.
  void pause() {
    pause_.expires_after(limits::accept_pause);
    pause_.async_wait([this](asio::error_code error) {
      if (!error) accept();
    });
  }

  void take(Socket socket) {
    try {
      serve(std::move(socket));
    } catch (const std::exception&) {
      // No memory, or gone already: whoever it is sees the end of the connection.
    }
  }

  void serve(Socket socket) {
    if (fs::peer_user(socket.native_handle()) != ::geteuid()) return;
    const bool is_full = connections_.size() >= options_.connections_max;
    const auto one = std::make_shared<Connection>(std::move(socket), desk_, options_);
    one->on_end([this, key = std::weak_ptr(one)] { connections_.erase(key.lock()); });
    // One above the number is told so; what it takes is bounded in time like everything else.
    if (connections_.size() > options_.connections_max) return;
    connections_.insert(one);
    if (is_full) one->refuse("too many connections");
    else one->start();
  }

  Desk& desk_;
  const ServerOptions options_;
  asio::io_context context_{1};
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::set<std::shared_ptr<Connection>> connections_;
  bool is_stopping_ = false;
  std::thread thread_;
};

Server::Server(fs::Fd listening, Desk& desk, const ServerOptions& options)
    : core_(std::make_unique<Core>(std::move(listening), desk, options)) {
  core_->start();
}

Server::~Server() { core_->stop(); }

void Server::tell_news() noexcept { core_->tell_news(); }

}  // namespace syncline::control
