// SPDX-License-Identifier: Apache-2.0
// TLS records on a non-blocking socket.
#include "net/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/limits.hpp"
#include "net/tls_native.hpp"

namespace syncline::net {
namespace {

constexpr std::size_t record_bytes = 16 * limits::kib;
constexpr std::string_view exporter_label = "EXPERIMENTAL-syncline-pair-1";

}  // namespace

void TlsStream::FreeSsl::operator()(ssl_st* ssl) const { ::SSL_free(ssl); }

const bio_method_st* TlsStream::bio_method() {
  static const auto method = [] {
    BIO_METHOD* out = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "syncline socket");
    if (out == nullptr) throw std::bad_alloc();
    ::BIO_meth_set_read(out, bio_read);
    ::BIO_meth_set_write(out, bio_write);
    ::BIO_meth_set_ctrl(out, bio_control);
    return std::unique_ptr<BIO_METHOD, void (*)(BIO_METHOD*)>(out, ::BIO_meth_free);
  }();
  return method.get();
}

int TlsStream::bio_read(bio_st* bio, char* into, int bytes) {
  auto& stream = *static_cast<TlsStream*>(::BIO_get_data(bio));
  ::BIO_clear_retry_flags(bio);
  ssize_t got = -1;
  if (stream.input_drained_) errno = EAGAIN;
  else do
      got = ::recv(stream.fd_, into, static_cast<std::size_t>(bytes), 0);
    while (got < 0 && errno == EINTR);
  if (got > 0) {
    stream.count_received(static_cast<std::size_t>(got));
    stream.input_drained_ = got < bytes;
  } else if (got == 0) {
    stream.input_ended_ = true;
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    ::BIO_set_retry_read(bio);
  } else {
    stream.receive_error_ = errno;
  }
  return static_cast<int>(got);
}

/// Takes everything: it is encrypt() that stops in time, and OpenSSL itself says little.
int TlsStream::bio_write(bio_st* bio, const char* from, int bytes) try {
  auto& stream = *static_cast<TlsStream*>(::BIO_get_data(bio));
  ::BIO_clear_retry_flags(bio);
  const auto* begin = reinterpret_cast<const std::byte*>(from);
  stream.output_.insert(stream.output_.end(), begin, begin + bytes);
  return bytes;
} catch (const std::bad_alloc&) {
  return -1;
}

long TlsStream::bio_control(bio_st* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<TlsStream*>(::BIO_get_data(bio))->input_ended_ ? 1 : 0;
  return 0;
}

TlsStream::TlsStream(asio::ip::tcp::socket socket, const TlsContext& context, AcceptKey accept)
    : socket_(std::move(socket)),
      fd_(socket_.native_handle()),
      accept_(std::move(accept)),
      note_peer_([this](const PeerKey& key) { return note_peer(key); }),
      ssl_(::SSL_new(context.native())) {
  asio::error_code ignored;  // a socket whose peer is gone already says so at the first read
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  BIO* bio = ::BIO_new(bio_method());
  if (!ssl_ || bio == nullptr) {
    ::BIO_free(bio);
    throw std::bad_alloc();
  }
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_.get(), bio, bio);
  ::SSL_set_ex_data(ssl_.get(), 0, &note_peer_);
  ::SSL_set_msg_callback(ssl_.get(), note_message);
  ::SSL_set_msg_callback_arg(ssl_.get(), this);
  if (context.role() == TlsContext::Role::client) ::SSL_set_connect_state(ssl_.get());
  else ::SSL_set_accept_state(ssl_.get());
}

bool TlsStream::note_peer(const PeerKey& key) {
  peer_ = key;
  return accept_ && accept_(key);
}

/// A key update costs us a thousand times what it costs to send: 27 bytes.
void TlsStream::note_message(int sent, int, int type, const void* message, std::size_t bytes, ssl_st*,
                             void* stream) {
  if (sent != 0 || type != SSL3_RT_HANDSHAKE || bytes == 0) return;
  if (*static_cast<const unsigned char*>(message) == SSL3_MT_KEY_UPDATE)
    ++static_cast<TlsStream*>(stream)->key_updates_;
}

void TlsStream::check_key_updates() const {
  if (key_updates_ > limits::key_updates_free + received_bytes() / limits::key_update_bytes)
    throw Error(Errc::limit_exceeded, "TLS key updates");
}

void TlsStream::fail(int result) {
  broken_ = true;
  const int kind = ::SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_SYSCALL && receive_error_ != 0) throw Error(receive_error_, "receiving");
  if (kind == SSL_ERROR_SYSCALL && input_ended_) throw Error(Errc::disconnected, "TLS");
  throw tls_error();
}

bool TlsStream::handshake() {
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_.get());
  const int kind = result == 1 ? SSL_ERROR_NONE : ::SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_NONE) {
    accept_ = nullptr;  // and what it holds
    flush();
    return true;
  }
  if (kind == SSL_ERROR_WANT_READ) {
    flush();
    return false;
  }
  try {
    flush();  // the alert that tells the peer why
  } catch (const Error&) {}
  fail(result);
}

std::array<std::byte, 32> TlsStream::exporter() const {
  std::array<std::byte, 32> out;
  if (::SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                                   exporter_label.data(), exporter_label.size(), nullptr, 0, 0) != 1)
    throw tls_error();
  return out;
}

Stream::Input TlsStream::read(std::span<std::byte> into) {
  ::ERR_clear_error();
  const int result = ::SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
  check_key_updates();
  if (result > 0) return {State::data, static_cast<std::size_t>(result)};
  return input_failed(result);
}

Stream::Input TlsStream::input_failed(int result) {
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {State::wait_input};
    case SSL_ERROR_ZERO_RETURN: return {State::end};
    default: fail(result);
  }
}

/// One record a turn. What is left of one piece and the beginning of the next share one.
std::size_t TlsStream::encrypt(std::span<const ByteView> pieces) {
  std::array<std::byte, record_bytes> joined;
  std::size_t taken = 0;
  std::size_t offset = 0;  // in pieces.front()
  while (!pieces.empty() && output_.size() - output_sent_ < limits::link_output_bytes_max) {
    ByteView record = pieces.front().subspan(offset, std::min(record_bytes, pieces.front().size() - offset));
    if (record.size() < record_bytes && pieces.size() > 1) {
      std::size_t filled = 0;
      for (std::size_t k = 0, at = offset; k < pieces.size() && filled < record_bytes; ++k, at = 0) {
        const auto part = pieces[k].subspan(at, std::min(record_bytes - filled, pieces[k].size() - at));
        std::copy(part.begin(), part.end(), joined.begin() + static_cast<std::ptrdiff_t>(filled));
        filled += part.size();
      }
      record = ByteView(joined).first(filled);
    }
    ::ERR_clear_error();
    const int result = ::SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
    if (result <= 0) {
      if (::SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) break;
      fail(result);
    }
    if (++key_records_ >= key_records_max_) renew_key();
    taken += static_cast<std::size_t>(result);
    offset += static_cast<std::size_t>(result);
    while (!pieces.empty() && offset >= pieces.front().size()) {
      offset -= pieces.front().size();
      pieces = pieces.subspan(1);
    }
  }
  return taken;
}

/// OpenSSL counts records but leaves it to us to act. The message goes out before the next record.
void TlsStream::renew_key() {
  key_records_ = 0;
  if (::SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1) throw tls_error();
}

std::size_t TlsStream::write(std::span<const ByteView> pieces) {
  if (output_.capacity() < limits::link_output_bytes_max && !pieces.empty() &&
      pieces.front().size() > record_bytes)
    output_.reserve(limits::link_output_bytes_max + record_bytes + 2 * limits::kib);
  const auto taken = encrypt(pieces);
  flush();
  return taken;
}

bool TlsStream::flush() {
  while (output_sent_ < output_.size()) {
    const auto sent = ::send(fd_, output_.data() + output_sent_, output_.size() - output_sent_,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      // What is sent makes room: a stream that is never quite empty must not grow.
      output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(output_sent_));
      output_sent_ = 0;
      return false;
    }
    if (sent < 0) throw_errno("sending");
    count_sent(static_cast<std::size_t>(sent));
    output_sent_ += static_cast<std::size_t>(sent);
  }
  output_.clear();
  output_sent_ = 0;
  if (finishing_ && !finished_) {
    ::shutdown(fd_, SHUT_WR);  // fails only if the connection is gone, and then nothing is lost
    finished_ = true;
  }
  return true;
}

void TlsStream::finish() {
  if (std::exchange(finishing_, true) || broken_) return;
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_.get());
  ::ERR_clear_error();
}

void TlsStream::wait_readable(Wake wake) {
  socket_.async_wait(asio::socket_base::wait_read, [this, wake = std::move(wake)](std::error_code failed) {
    if (!failed) input_drained_ = false;  // else the stream may be gone
    wake(failed);
  });
}

void TlsStream::wait_writable(Wake wake) {
  socket_.async_wait(asio::socket_base::wait_write, std::move(wake));
}

void TlsStream::close() noexcept {
  asio::error_code ignored;
  socket_.close(ignored);
  ssl_.reset();
  Bytes().swap(output_);
  broken_ = true;
}

void TlsStream::rest() {
  if (output_.empty()) Bytes().swap(output_);  // to assign {} would keep the memory
}

}  // namespace syncline::net
