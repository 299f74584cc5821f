// SPDX-License-Identifier: Apache-2.0
// Loading and creating the identity of an installation.
#include "trust/identity.hpp"

#include <openssl/crypto.h>

#include <utility>

#include "base/error.hpp"
#include "trust/certificate.hpp"
#include "trust/text_file.hpp"

namespace syncline::trust {
namespace {

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

TextFile identity_file(fs::Fs& files, const std::string& dir) {
  return {files, dir, "identity.pem", Secrecy::secret};
}

KeyAndCertificate read_from(const TextFile& file, std::string& content) {
  try {
    auto out = read_certified_key(content);
    wipe(content);
    return out;
  } catch (const Error& error) {
    wipe(content);
    throw Error(static_cast<Errc>(error.code().value()),
                "'" + escape_name(file.path()) + "': " + error.context() +
                    "; restore it from a backup, or move it away for a new identity, which every server "
                    "and client must then be told");
  }
}

}  // namespace

Identity::~Identity() { wipe(private_key_pem_); }

Identity& Identity::operator=(Identity&& other) noexcept {
  std::swap(fingerprint_, other.fingerprint_);
  certificate_pem_.swap(other.certificate_pem_);
  private_key_pem_.swap(other.private_key_pem_);
  return *this;
}

std::optional<Identity> Identity::load(fs::Fs& files, const std::string& dir) {
  const auto file = identity_file(files, dir);
  auto content = file.read();
  if (!content) return std::nullopt;
  auto read = read_from(file, *content);
  Identity out;
  out.fingerprint_ = read.fingerprint;
  out.certificate_pem_ = std::move(read.certificate_pem);
  out.private_key_pem_ = std::move(read.private_key_pem);
  return out;
}

Identity Identity::load_or_create(fs::Fs& files, const std::string& dir, Random& random) {
  if (auto found = load(files, dir)) return std::move(*found);
  KeySeed seed;
  random.fill(seed);
  auto fresh = make_certified_key(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  auto content = fresh.private_key_pem + fresh.certificate_pem;
  const auto file = identity_file(files, dir);
  // Whether it is ours or one that came first: what counts is what lies there now.
  (void)file.create(content);
  wipe(content);
  wipe(fresh.private_key_pem);
  if (auto made = load(files, dir)) return std::move(*made);
  throw Error(Errc::changed,
              "'" + escape_name(file.path()) + "' went away as soon as it was made; try again");
}

}  // namespace syncline::trust
