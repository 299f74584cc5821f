// SPDX-License-Identifier: Apache-2.0
// Making and checking the key and the certificate of an installation.
#include "trust/certificate.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace syncline::trust {
namespace {

using BignumPtr = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, OpensslFree<ASN1_INTEGER_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

// Certificates are pinned, so no peer looks at the dates. The later one is RFC 5280's "no end".
constexpr const char* not_before = "20000101000000Z";
constexpr const char* not_after = "99991231235959Z";

BioPtr text_source(std::string_view text) {
  BioPtr out(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  expect_openssl(out != nullptr, "open a buffer");
  return out;
}

/// What `write` puts into a memory BIO. The buffer of a secret is wiped when the BIO goes.
template <class Write>
std::string written(Write&& write) {
  const BioPtr out(BIO_new(BIO_s_secmem()));
  expect_openssl(out != nullptr && write(out.get()) == 1, "write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string key_pem(EVP_PKEY* key) {
  return written([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string certificate_pem(X509* certificate) {
  return written([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

void add_extension(X509* certificate, int nid, const char* value) {
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  expect_openssl(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
                 "extend a certificate");
}

void set_serial(X509* certificate, const Fingerprint& fingerprint) {
  auto bytes = fingerprint.bytes;
  bytes[0] = (bytes[0] & std::byte{0x7F}) | std::byte{0x40};  // positive, and never zero
  const BignumPtr number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr));
  const IntegerPtr serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  expect_openssl(serial != nullptr && X509_set_serialNumber(certificate, serial.get()) == 1,
                 "number a certificate");
}

void set_names_and_dates(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common = reinterpret_cast<const unsigned char*>("syncline");
  expect_openssl(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common, -1, -1, 0) == 1 &&
                     X509_set_issuer_name(certificate, name) == 1,
                 "name a certificate");
  expect_openssl(ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), not_before) == 1 &&
                     ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), not_after) == 1,
                 "date a certificate");
}

CertificatePtr self_signed(EVP_PKEY* key) {
  CertificatePtr out(X509_new());
  expect_openssl(out != nullptr && X509_set_version(out.get(), X509_VERSION_3) == 1 &&
                     X509_set_pubkey(out.get(), key) == 1,
                 "start a certificate");
  set_names_and_dates(out.get());
  add_extension(out.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(out.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(out.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  set_serial(out.get(), fingerprint_of(out.get()));
  expect_openssl(X509_sign(out.get(), key, nullptr) > 0, "sign a certificate");
  return out;
}

/// Without it OpenSSL would ask for the password of an encrypted key on the terminal.
int no_password(char*, int, int, void*) { return -1; }

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t out = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++out;
  return out;
}

KeyPtr read_key(std::string_view pem) {
  const auto in = text_source(pem);
  KeyPtr out(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
  if (!out) throw Error(Errc::malformed, "the private key cannot be read");
  if (EVP_PKEY_get_base_id(out.get()) != EVP_PKEY_ED25519)
    throw Error(Errc::unsupported, "the private key is not an Ed25519 key");
  return out;
}

CertificatePtr read_certificate(std::string_view pem) {
  const auto in = text_source(pem);
  CertificatePtr out(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
  if (!out) throw Error(Errc::malformed, "the certificate cannot be read");
  return out;
}

void check_pair(X509* certificate, EVP_PKEY* key) {
  if (X509_check_private_key(certificate, key) != 1)
    throw Error(Errc::untrusted, "the private key does not belong to the certificate");
  if (X509_verify(certificate, key) != 1)
    throw Error(Errc::corrupt, "the certificate is damaged: its signature is wrong");
}

}  // namespace

KeyAndCertificate make_certified_key(const KeySeed& seed) {
  const OpensslErrors errors;
  const auto* raw = reinterpret_cast<const unsigned char*>(seed.data());
  const KeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw, seed.size()));
  expect_openssl(key != nullptr, "make an Ed25519 key");
  const auto certificate = self_signed(key.get());
  return {key_pem(key.get()), certificate_pem(certificate.get()), fingerprint_of(certificate.get())};
}

KeyAndCertificate read_certified_key(std::string_view pem) {
  const OpensslErrors errors;
  if (count(pem, "-----BEGIN ") != 2)
    throw Error(Errc::malformed, "it does not hold one private key and one certificate");
  const auto key = read_key(pem);
  const auto certificate = read_certificate(pem);
  check_pair(certificate.get(), key.get());
  return {key_pem(key.get()), certificate_pem(certificate.get()), fingerprint_of(certificate.get())};
}

}  // namespace syncline::trust
