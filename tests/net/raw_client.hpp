// SPDX-License-Identifier: Apache-2.0
// A client that need not behave: a blocking socket, with OpenSSL on it or not.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "net/endpoint.hpp"
#include "net/tls.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace syncline::test {

/// A connected TCP socket; closes it when it is destroyed.
class RawClient {
 public:
  explicit RawClient(const net::Endpoint& endpoint);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(ByteView bytes);
  /// Reads until the other side is gone, a minute at most; false after that. What was read is dropped.
  bool sees_end();
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// TLS on top, as the test wants it.
class RawTls {
 public:
  struct Options {
    std::optional<net::TlsIdentity> identity;
    int version_max = 0;  ///< of OpenSSL; 0: the newest
  };
  RawTls(RawClient& client, const Options& options);
  ~RawTls();

  /// False when the handshake fails here.
  bool connect();
  void send(ByteView bytes);
  /// One record at most; nothing when the stream ends or breaks.
  std::optional<Bytes> receive();
  void send_close_notify();
  /// Asks the other side for new keys; false when that cannot be sent any more.
  bool request_key_update();
  std::string_view version() const;

 private:
  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
};

}  // namespace syncline::test
