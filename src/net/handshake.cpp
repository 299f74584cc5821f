// SPDX-License-Identifier: Apache-2.0
// The steps of a handshake.
#include "net/handshake.hpp"

#include <cerrno>
#include <new>

namespace syncline::net {

Handshake::Handshake(std::shared_ptr<IoThread> thread, asio::ip::tcp::socket socket,
                     const TlsContext& context, AcceptKey accept, Clock::time_point deadline, Done done)
    : thread_(std::move(thread)),
      stream_(std::make_unique<TlsStream>(std::move(socket), context, std::move(accept))),
      deadline_(deadline),
      done_(std::move(done)),
      timer_(thread_->context()) {}

void Handshake::start() noexcept {
  if (!thread_->attach(*this)) return stop_running();
  try {
    timer_.expires_at(deadline_);
    timer_.async_wait([self = shared_from_this()](std::error_code failed) {
      if (!failed) self->finish(Error(ETIMEDOUT, "TLS handshake"));
    });
  } catch (const std::bad_alloc&) {
    return finish(Error(ENOMEM, "TLS handshake"));
  }
  step();
}

void Handshake::await(void (Stream::*wait)(Stream::Wake)) {
  (stream_.get()->*wait)([self = shared_from_this()](std::error_code failed) {
    if (!failed) self->step();
    else self->finish(Error(failed.value(), "TLS handshake"));
  });
}

void Handshake::step() {
  if (!done_) return;
  try {
    // What is left of the last message goes out with the first frames.
    if (stream_->handshake()) return finish(std::nullopt);
    await(stream_->has_output() ? &Stream::wait_writable : &Stream::wait_readable);
  } catch (const Error& error) {
    finish(error);
  } catch (const std::bad_alloc&) {
    finish(Error(ENOMEM, "TLS handshake"));
  }
}

void Handshake::drop() {
  thread_->post([self = shared_from_this()] { self->stop_running(); });
}

void Handshake::finish(const std::optional<Error>& failure) {
  if (!done_) return;
  const auto self = shared_from_this();
  auto done = std::move(done_);
  done_ = nullptr;
  timer_.cancel();
  thread_->detach(*this);
  if (failure) stream_->close();
  done(failure ? nullptr : std::move(stream_), failure);
}

void Handshake::stop_running() { finish(Error(Errc::cancelled, "TLS handshake")); }

Connection make_connection(std::shared_ptr<IoThread> thread, std::unique_ptr<TlsStream> stream,
                           const LinkOptions& options, std::string peer_address) {
  Connection out;
  out.peer = stream->peer();
  out.exporter = stream->exporter();
  out.peer_address = std::move(peer_address);
  out.link = std::make_unique<Link>(std::move(thread), std::move(stream), options);
  return out;
}

}  // namespace syncline::net
