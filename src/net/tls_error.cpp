// SPDX-License-Identifier: Apache-2.0
// What OpenSSL's reasons mean to us.
#include <openssl/ssl.h>

#include "net/tls_native.hpp"

namespace syncline::net {
namespace {

Errc meaning_of(int reason) {
  switch (reason) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return Errc::disconnected;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_BAD_SIGNATURE:
    case SSL_R_WRONG_SIGNATURE_TYPE:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return Errc::untrusted;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return Errc::unsupported;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_SSLV3_ALERT_BAD_RECORD_MAC: return Errc::corrupt;
    case SSL_R_EXCESSIVE_MESSAGE_SIZE: return Errc::limit_exceeded;
    default: return Errc::malformed;
  }
}

}  // namespace

Error tls_error() {
  const auto code = ::ERR_get_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  ::ERR_clear_error();
  const auto meaning = ERR_GET_LIB(code) == ERR_LIB_SSL ? meaning_of(ERR_GET_REASON(code)) : Errc::malformed;
  return {meaning, std::string("TLS: ") + (reason == nullptr ? "unknown failure" : reason)};
}

}  // namespace syncline::net
