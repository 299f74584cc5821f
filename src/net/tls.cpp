// SPDX-License-Identifier: Apache-2.0
// TLS contexts: what is allowed, and the identity.
#include "net/tls.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/limits.hpp"
#include "net/tls_native.hpp"

namespace syncline::net {
namespace {

struct Free {
  void operator()(BIO* bio) const { ::BIO_free(bio); }
  void operator()(X509* certificate) const { ::X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> reader_of(const std::string& pem) {
  Owned<BIO> out(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!out) throw std::bad_alloc();
  return out;
}

[[noreturn]] void refuse(const char* what) {
  ::ERR_clear_error();
  throw Error(Errc::malformed, what);
}

/// Without a terminal to ask at: a key with a passphrase cannot be read.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<X509> certificate_of(const TlsIdentity& identity) {
  Owned<X509> out(
      ::PEM_read_bio_X509(reader_of(identity.certificate_pem).get(), nullptr, no_passphrase, nullptr));
  if (!out) refuse("the certificate of this side");
  return out;
}

/// The chain is not looked at: who proves to have the key is whom the key stands for. The proof itself
/// (CertificateVerify) is checked by OpenSSL in any case.
int check_peer(X509_STORE_CTX* store, void*) {
  const auto* ssl =
      static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* accept = static_cast<const AcceptKey*>(::SSL_get_ex_data(ssl, 0));
  try {
    if (accept != nullptr && *accept && (*accept)(key_of(::X509_STORE_CTX_get0_cert(store)))) return 1;
  } catch (const std::exception&) {  // must not pass through C: not accepted
  }
  ::X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

void set_rules(SSL_CTX* context) {
  ::SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  ::SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  ::SSL_CTX_set_num_tickets(context, 0);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_max_early_data(context, 0);
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ::SSL_CTX_set_cert_verify_callback(context, check_peer, nullptr);
  ::SSL_CTX_set_max_cert_list(context, limits::peer_certificate_bytes_max);
  // Few lines instead of the long default lists: 100 bytes less each way.
  ::SSL_CTX_set1_groups_list(context, "X25519:P-256");
  ::SSL_CTX_set1_sigalgs_list(context, "ed25519:ECDSA+SHA256");
  // Idle connections give their buffers back; busy ones read many records at a time.
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_read_ahead(context, 1);
  ::SSL_CTX_set_default_read_buffer_len(context, 64 * limits::kib);
}

}  // namespace

PeerKey key_of(const x509_st* certificate) {
  unsigned char* der = nullptr;
  const int bytes = ::i2d_X509_PUBKEY(::X509_get_X509_PUBKEY(certificate), &der);
  if (bytes <= 0) refuse("the key of a certificate");
  PeerKey out;
  unsigned digest_bytes = 0;
  const int digested =
      ::EVP_Digest(der, static_cast<std::size_t>(bytes), reinterpret_cast<unsigned char*>(out.data()),
                   &digest_bytes, ::EVP_sha256(), nullptr);
  ::OPENSSL_free(der);
  if (digested != 1 || digest_bytes != out.size()) refuse("the key of a certificate");
  return out;
}

PeerKey key_of(const TlsIdentity& identity) { return key_of(certificate_of(identity).get()); }

TlsContext::TlsContext(const TlsIdentity& identity, Role role)
    : context_(::SSL_CTX_new(role == Role::client ? ::TLS_client_method() : ::TLS_server_method()),
               ::SSL_CTX_free),
      role_(role) {
  if (!context_) throw std::bad_alloc();
  set_rules(context_.get());
  const Owned<EVP_PKEY> key(
      ::PEM_read_bio_PrivateKey(reader_of(identity.private_key_pem).get(), nullptr, no_passphrase, nullptr));
  if (!key) refuse("the private key of this side");
  if (::SSL_CTX_use_certificate(context_.get(), certificate_of(identity).get()) != 1)
    refuse("the certificate of this side");
  if (::SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1 ||
      ::SSL_CTX_check_private_key(context_.get()) != 1)
    refuse("the private key of this side, which is not that of its certificate,");
}

}  // namespace syncline::net
