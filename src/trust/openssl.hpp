// SPDX-License-Identifier: Apache-2.0
// Private to src/trust: owners of OpenSSL's objects and its error queue.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "base/error.hpp"

namespace syncline::trust {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;

/// Takes back what is put into this thread's error queue meanwhile: a connection on the same thread
/// would mistake it for an error of its own (SSL_get_error(3)).
class OpensslErrors {
 public:
  OpensslErrors() { ERR_set_mark(); }
  OpensslErrors(const OpensslErrors&) = delete;
  OpensslErrors& operator=(const OpensslErrors&) = delete;
  ~OpensslErrors() { ERR_pop_to_mark(); }
};

/// For calls that fail only where this OpenSSL lacks something (a FIPS set-up) or memory is short.
inline void expect_openssl(bool ok, const char* what) {
  if (ok) return;
  char reason[256];
  ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
  throw Error(Errc::unsupported, std::string("OpenSSL: ") + what + " (" + reason + ")");
}

}  // namespace syncline::trust
