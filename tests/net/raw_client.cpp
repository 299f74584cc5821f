// SPDX-License-Identifier: Apache-2.0
#include "raw_client.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace syncline::test {

RawClient::RawClient(const net::Endpoint& endpoint) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  ::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect");
}

RawClient::~RawClient() { ::close(fd_); }

void RawClient::send(ByteView bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

bool RawClient::sees_end() {
  for (;;) {
    pollfd look{fd_, POLLIN, 0};
    if (::poll(&look, 1, 60'000) != 1) return false;
    std::byte buffer[4096];
    if (::recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
  }
}

RawTls::RawTls(RawClient& client, const Options& options)
    : context_(::SSL_CTX_new(::TLS_client_method()), ::SSL_CTX_free), ssl_(nullptr, ::SSL_free) {
  if (options.version_max != 0) ::SSL_CTX_set_max_proto_version(context_.get(), options.version_max);
  ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
  if (options.identity) {
    BIO* certificate = ::BIO_new_mem_buf(options.identity->certificate_pem.data(), -1);
    X509* x509 = ::PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
    BIO* key = ::BIO_new_mem_buf(options.identity->private_key_pem.data(), -1);
    EVP_PKEY* pkey = ::PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    ::SSL_CTX_use_certificate(context_.get(), x509);
    ::SSL_CTX_use_PrivateKey(context_.get(), pkey);
    ::BIO_free(certificate);
    ::BIO_free(key);
    ::X509_free(x509);
    ::EVP_PKEY_free(pkey);
  }
  ssl_.reset(::SSL_new(context_.get()));
  ::SSL_set_fd(ssl_.get(), client.fd());
}

RawTls::~RawTls() = default;

bool RawTls::connect() {
  ::ERR_clear_error();
  return ::SSL_connect(ssl_.get()) == 1;
}

void RawTls::send(ByteView bytes) {
  ::ERR_clear_error();
  ::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
}

std::optional<Bytes> RawTls::receive() {
  ::ERR_clear_error();
  Bytes out(16'384);
  const int got = ::SSL_read(ssl_.get(), out.data(), static_cast<int>(out.size()));
  if (got <= 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(got));
  return out;
}

void RawTls::send_close_notify() { ::SSL_shutdown(ssl_.get()); }

bool RawTls::request_key_update() {
  ::ERR_clear_error();
  return ::SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1 && ::SSL_do_handshake(ssl_.get()) == 1;
}

std::string_view RawTls::version() const { return ::SSL_get_version(ssl_.get()); }

}  // namespace syncline::test
