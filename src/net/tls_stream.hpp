// SPDX-License-Identifier: Apache-2.0
// A stream that speaks TLS on a TCP socket. Internal to src/net.
//
// OpenSSL works on this socket through a BIO of ours: input is received straight into its record buffer,
// output is gathered here, as one call of send(2) for every 16 KiB record costs more than the copy. Asio only
// tells when the socket is ready. Its own ssl::stream keeps 2 x 17 KiB for every idle connection and copies
// everything once more.
#pragma once

#include <array>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <optional>

#include "base/limits.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

struct ssl_st;
struct bio_st;
struct bio_method_st;

namespace syncline::net {

class TlsStream final : public Stream {
 public:
  /// `accept` is asked for the peer's key during the handshake.
  TlsStream(asio::ip::tcp::socket socket, const TlsContext& context, AcceptKey accept);

  /// One step: true when the handshake is done; else wait for input, or for output if has_output(). Throws
  /// Error.
  bool handshake();
  /// After the handshake.
  PeerKey peer() const { return *peer_; }
  std::array<std::byte, 32> exporter() const;

  /// How many records may be sent under one key; for tests, which have no time for the usual number.
  void limit_key_records(std::uint64_t records_max) { key_records_max_ = records_max; }

  Input read(std::span<std::byte> into) override;
  std::size_t write(std::span<const ByteView> pieces) override;
  bool flush() override;
  bool has_output() const override { return output_sent_ < output_.size() || (finishing_ && !finished_); }
  void finish() override;
  void wait_readable(Wake wake) override;
  void wait_writable(Wake wake) override;
  void close() noexcept override;
  void rest() override;

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  static const bio_method_st* bio_method();
  static int bio_read(bio_st* bio, char* into, int bytes);
  static int bio_write(bio_st* bio, const char* from, int bytes);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);

  static void note_message(int sent, int version, int type, const void* message, std::size_t bytes,
                           ssl_st* ssl, void* stream);

  bool note_peer(const PeerKey& key);
  void check_key_updates() const;
  void renew_key();
  Input input_failed(int result);
  std::size_t encrypt(std::span<const ByteView> pieces);
  [[noreturn]] void fail(int result);

  asio::ip::tcp::socket socket_;
  int fd_;
  AcceptKey accept_;
  AcceptKey note_peer_;
  std::optional<PeerKey> peer_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  Bytes output_;  // encrypted, from output_sent_ on not yet sent
  std::size_t output_sent_ = 0;
  std::uint64_t key_records_ = 0;
  std::uint64_t key_records_max_ = limits::key_records_max;
  std::uint64_t key_updates_ = 0;  // of the other side
  int receive_error_ = 0;          // errno of recv(2)
  bool input_ended_ = false;       // the other side's TCP is at its end
  bool input_drained_ = false;     // recv(2) gave less than asked for: nothing there until epoll says so
  bool broken_ = false;            // OpenSSL has given up: not even close_notify
  bool finishing_ = false;
  bool finished_ = false;
};

}  // namespace syncline::net
