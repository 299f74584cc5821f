// SPDX-License-Identifier: Apache-2.0
// Connecting: addresses in turn, then the handshake.
#include "net/connector.hpp"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <future>
#include <optional>
#include <utility>
#include <variant>

#include "net/fd.hpp"
#include "net/handshake.hpp"
#include "net/resolve.hpp"

namespace syncline::net {
namespace {

using Clock = std::chrono::steady_clock;
using Address = asio::ip::tcp::endpoint;

/// `error` as it befell `subject`.
Error about(const std::string& subject, const Error& error) {
  const auto context = error.context().empty() ? subject : subject + ": " + error.context();
  if (error.code().category() == syncline_category())
    return {static_cast<Errc>(error.code().value()), context};
  return {error.code().value(), context};
}

/// An error crosses to the caller's thread as a value: a thrown one would be shared by both threads.
using Outcome = std::variant<Connection, Error>;

class Attempt final : public Running, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(std::shared_ptr<IoThread> thread, std::vector<Address> addresses, const Endpoint& endpoint,
          const TlsIdentity& identity, const ConnectOptions& options, Clock::time_point deadline)
      : thread_(std::move(thread)),
        addresses_(std::move(addresses)),
        name_(endpoint.text()),
        context_(identity, TlsContext::Role::client),
        accept_(options.accept),
        link_options_(options.link),
        deadline_(deadline),
        socket_(thread_->context()),
        timer_(thread_->context()) {
    link_options_.peer = name_;
  }

  std::future<Outcome> result() { return result_.get_future(); }

  void start() {
    if (!thread_->attach(*this)) return stop_running();
    try_next(Error(Errc::unresolved, ""));
  }

  void stop_running() override { fail(Error(Errc::cancelled, "")); }

 private:
  void try_next(const Error& last) {
    if (done_) return;
    if (tried_ == addresses_.size()) return fail(last);
    // A silent address may not take the time of those that come after it.
    const auto share = (deadline_ - Clock::now()) / static_cast<int>(addresses_.size() - tried_);
    const auto& address = addresses_[tried_++];
    Fd fd(::socket(address.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd.get() < 0) return try_next(Error(errno, ""));
    asio::error_code failed;
    socket_ = asio::ip::tcp::socket(thread_->context());
    socket_.assign(address.protocol(), fd.get(), failed);
    if (failed) return try_next(Error(failed.value(), ""));
    fd.release();
    timer_.expires_after(share);
    timer_.async_wait([self = shared_from_this(), turn = tried_](std::error_code cancelled) {
      if (cancelled || self->done_ || turn != self->tried_) return;
      asio::error_code ignored;
      self->timed_out_ = true;
      self->socket_.close(ignored);
    });
    socket_.async_connect(address,
                          [self = shared_from_this()](std::error_code refused) { self->connected(refused); });
  }

  void connected(std::error_code failed) {
    if (done_) return;
    const bool timed_out = std::exchange(timed_out_, false);
    if (timed_out || failed) return try_next(Error(timed_out ? ETIMEDOUT : failed.value(), ""));
    timer_.cancel();
    ++tried_;  // a timer that has fired already means none of ours any more
    asio::error_code ignored;
    address_ = endpoint_of(socket_.remote_endpoint(ignored)).text();
    auto accept = [self = shared_from_this()](const PeerKey& key) {
      return self->accept_ && self->accept_(key);
    };
    auto done = [self = shared_from_this()](std::unique_ptr<TlsStream> stream,
                                            const std::optional<Error>& failure) {
      self->shaken(std::move(stream), failure);
    };
    try {
      std::make_shared<Handshake>(thread_, std::move(socket_), context_, accept, deadline_, done)->start();
    } catch (const std::bad_alloc&) {
      fail(Error(ENOMEM, ""));
    }
  }

  void shaken(std::unique_ptr<TlsStream> stream, const std::optional<Error>& failure) {
    if (done_) return;
    if (failure) return fail(*failure);
    try {
      result_.set_value(make_connection(thread_, std::move(stream), link_options_, address_));
      leave();
    } catch (const Error& error) {
      fail(error);
    } catch (const std::bad_alloc&) {
      fail(Error(ENOMEM, ""));
    }
  }

  void fail(const Error& cause) {
    if (done_) return;
    leave();
    result_.set_value(about(name_, cause));
  }

  void leave() {
    done_ = true;
    asio::error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
    thread_->detach(*this);
  }

  const std::shared_ptr<IoThread> thread_;
  const std::vector<Address> addresses_;
  const std::string name_;
  const TlsContext context_;
  const AcceptKey accept_;
  LinkOptions link_options_;
  const Clock::time_point deadline_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  std::promise<Outcome> result_;
  std::string address_;
  std::size_t tried_ = 0;
  bool timed_out_ = false;
  bool done_ = false;
};

}  // namespace

Connection connect(IoThreads& threads, const Endpoint& endpoint, const TlsIdentity& identity,
                   const ConnectOptions& options) {
  assert(!IoThread::is_current());
  const auto deadline = Clock::now() + options.deadline;
  auto addresses = resolve(endpoint, Purpose::connect, deadline);
  const auto thread = threads.next();
  auto attempt =
      std::make_shared<Attempt>(thread, std::move(addresses), endpoint, identity, options, deadline);
  auto result = attempt->result();
  if (!thread->post([attempt] { attempt->start(); })) throw Error(Errc::cancelled, endpoint.text());
  auto outcome = result.get();
  if (const auto* error = std::get_if<Error>(&outcome)) throw *error;
  return std::get<Connection>(std::move(outcome));
}

}  // namespace syncline::net
