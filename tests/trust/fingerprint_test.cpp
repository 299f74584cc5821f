// SPDX-License-Identifier: Apache-2.0
// Fingerprints: their one text form, and what they are a digest of.
#include "trust/fingerprint.hpp"

#include <set>

#include "samples.hpp"
#include "trust/identity.hpp"

using namespace syncline;
using namespace syncline::test;
using trust::Fingerprint;

namespace {

constexpr const char* counting_text = "SHA256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
// Of the public key of RFC 8032 7.1, test 1; computed with Python's hashlib and base64.
constexpr const char* rfc_seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr const char* rfc_text = "SHA256:BuP9j9opu2CrWVV95h7bCuzbIxE0vjDnW0Vfjht5L6k";

Bytes der_of(const std::string& pem) {
  std::string digits;
  for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at)
    if (pem[at] != '\n' && pem[at] != '=') digits += pem[at];
  static const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes out;
  unsigned bits = 0;
  int count = 0;
  for (const char digit : digits) {
    bits = bits << 6 | static_cast<unsigned>(alphabet.find(digit));
    if ((count += 6) < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::byte>(bits >> count & 255));
  }
  return out;
}

}  // namespace

TEST_CASE("a fingerprint is written as SHA256 and base64url without padding", "[trust]") {
  Fingerprint counting;
  for (unsigned k = 0; k < 32; ++k) counting.bytes[k] = static_cast<std::byte>(k);
  CHECK(counting.text() == counting_text);
  CHECK(key_of(0xFF).text() == "SHA256:__________________________________________8");
  CHECK(Fingerprint::parse(counting_text) == counting);
}

TEST_CASE("every fingerprint survives its text", "[trust]") {
  FakeRandom random;
  for (int k = 0; k < 500; ++k) {
    Fingerprint key;
    if (k < 256) key = key_of(static_cast<unsigned>(k));
    else random.fill(key.bytes);
    CHECK(Fingerprint::parse(key.text()) == key);
  }
}

TEST_CASE("any other text is refused as a fingerprint", "[trust]") {
  const std::string good = counting_text;
  std::set<std::string> bad{"",
                            "SHA256:",
                            good + "A",
                            good + "=",
                            good + " ",
                            " " + good,
                            good.substr(7),
                            "sha256:" + good.substr(7),
                            "MD5:" + good.substr(4)};
  for (std::size_t k = 0; k < good.size(); ++k) bad.insert(good.substr(0, k));
  for (const char c : {'+', '/', '=', ' ', '\n', '\0', '.'}) {
    auto text = good;
    text[20] = c;
    bad.insert(text);
  }
  // The last digit carries four bits; another one with the same four is another text for the same key.
  for (const char c : {'9', '-', '_', 'B'}) bad.insert(good.substr(0, good.size() - 1) + c);
  for (const auto& text : bad) {
    CAPTURE(text);
    CHECK(error_of([&] { Fingerprint::parse(text); }).is(Errc::usage));
  }
}

TEST_CASE("the fingerprint is the digest of the public key and not of its certificate", "[trust]") {
  TempDir temp;
  FakeRandom random(from_hex(rfc_seed));
  const auto identity = trust::Identity::load_or_create(fs::linux_fs(), temp.path(), random);
  CHECK(identity.fingerprint().text() == rfc_text);
  CHECK(trust::fingerprint_of_certificate_pem(identity.certificate_pem()).text() == rfc_text);
  CHECK(trust::fingerprint_of_certificate_der(der_of(identity.certificate_pem())).text() == rfc_text);
}

TEST_CASE("half a certificate, two, and none have no fingerprint", "[trust]") {
  TempDir temp;
  const auto identity = trust::Identity::load_or_create(fs::linux_fs(), temp.path());
  const auto der = der_of(identity.certificate_pem());
  const auto refused = [](const Bytes& bytes) {
    return error_of([&] { trust::fingerprint_of_certificate_der(bytes); }).is(Errc::malformed);
  };
  for (std::size_t size = 0; size < der.size(); ++size)
    CHECK(refused(Bytes(der.begin(), der.begin() + size)));
  auto longer = der;
  longer.push_back(std::byte{0});
  CHECK(refused(longer));
  longer.pop_back();
  longer.insert(longer.end(), der.begin(), der.end());
  CHECK(refused(longer));
  for (const std::string pem : {"", "nothing", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"})
    CHECK(error_of([&] { trust::fingerprint_of_certificate_pem(pem); }).is(Errc::malformed));
  CHECK(error_of([&] {
          trust::fingerprint_of_certificate_pem(identity.private_key_pem());
        }).is(Errc::malformed));
}
