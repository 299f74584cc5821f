// SPDX-License-Identifier: Apache-2.0
// The identity of an installation: made once, found again, never replaced.
#include "trust/identity.hpp"

#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "samples.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
using trust::Identity;

namespace {

Identity make(const TempDir& temp) { return Identity::load_or_create(fs::linux_fs(), temp.path()); }

Error load_error(const TempDir& temp) {
  return error_of([&] { Identity::load(fs::linux_fs(), temp.path()); });
}

}  // namespace

TEST_CASE("an identity is made once and found again", "[trust]") {
  TempDir temp;
  CHECK_FALSE(Identity::load(fs::linux_fs(), temp.path()));
  CHECK_FALSE(Identity::load(fs::linux_fs(), temp.path("nowhere/at/all")));
  CHECK_FALSE(temp.exists("nowhere"));
  const auto made = make(temp);
  const auto found = make(temp);
  const auto loaded = Identity::load(fs::linux_fs(), temp.path());
  REQUIRE(loaded);
  for (const auto* other : {&found, &*loaded}) {
    CHECK(other->fingerprint() == made.fingerprint());
    CHECK(other->certificate_pem() == made.certificate_pem());
    CHECK(other->private_key_pem() == made.private_key_pem());
  }
  CHECK(temp.read("identity.pem") == made.private_key_pem() + made.certificate_pem());
  CHECK(temp.open()->list().entries.size() == 1);
}

TEST_CASE("nobody else can read the identity or enter its directory", "[trust]") {
  TempDir temp;
  const auto umask_before = ::umask(0);
  const auto made = Identity::load_or_create(fs::linux_fs(), temp.path("a/b"));
  ::umask(umask_before);
  CHECK(mode_of(temp.path("a/b/identity.pem")) == 0600);
  CHECK(mode_of(temp.path("a/b")) == 0700);
  CHECK_FALSE(made.private_key_pem().empty());
}

TEST_CASE("two installations never have the same key", "[trust]") {
  TempDir a, b;
  CHECK(make(a).fingerprint() != make(b).fingerprint());
}

TEST_CASE("a certificate is a function of its key", "[trust]") {
  TempDir a, b;
  FakeRandom first, second;
  CHECK(Identity::load_or_create(fs::linux_fs(), a.path(), first).certificate_pem() ==
        Identity::load_or_create(fs::linux_fs(), b.path(), second).certificate_pem());
}

TEST_CASE("of many that create an identity at once all have the same", "[trust]") {
  for (int round = 0; round < 20; ++round) {
    TempDir temp;
    std::atomic<int> ready{0};
    std::vector<trust::Fingerprint> keys(4);
    std::vector<std::thread> threads;
    for (auto& key : keys)
      threads.emplace_back([&] {
        ++ready;
        while (ready < 4) std::this_thread::yield();
        key = make(temp).fingerprint();
      });
    for (auto& thread : threads) thread.join();
    CHECK(std::set(keys.begin(), keys.end()).size() == 1);
    CHECK(temp.open()->list().entries.size() == 1);
  }
}

TEST_CASE("one that comes first between looking and creating is taken", "[trust]") {
  TempDir temp;
  FaultFs faults(fs::linux_fs());
  trust::Fingerprint first;
  faults.call_op("rename_new", [&] { first = make(temp).fingerprint(); });
  CHECK(Identity::load_or_create(faults, temp.path()).fingerprint() == first);
  CHECK(first != trust::Fingerprint{});
  CHECK(temp.open()->list().entries.size() == 1);
}

TEST_CASE("an identity that others may touch is refused with the remedy", "[trust]") {
  TempDir temp;
  make(temp);
  for (const unsigned mode : {0640U, 0604U, 0620U, 0610U, 0602U, 0601U, 0644U, 0666U}) {
    REQUIRE(::chmod(temp.path("identity.pem").c_str(), mode) == 0);
    CAPTURE(mode);
    const auto error = load_error(temp);
    CHECK(error.is(Errc::untrusted));
    CHECK(contains(error.what(), "'" + temp.path("identity.pem") + "'"));
    CHECK(contains(error.what(), "chmod 600"));
    CHECK(error_of([&] { make(temp); }).is(Errc::untrusted));
  }
  for (const unsigned mode : {0600U, 0400U, 0700U}) {
    REQUIRE(::chmod(temp.path("identity.pem").c_str(), mode) == 0);
    CHECK(Identity::load(fs::linux_fs(), temp.path()));
  }
}

TEST_CASE("an identity of another user is refused", "[trust]") {
  if (::geteuid() != 0) {
    WARN("only root can make a file of another user");
    return;
  }
  TempDir temp;
  make(temp);
  REQUIRE(::chown(temp.path("identity.pem").c_str(), 65534, 65534) == 0);
  const auto error = load_error(temp);
  CHECK(error.is(Errc::untrusted));
  CHECK(contains(error.what(), "belongs to user 65534"));
}

TEST_CASE("a key that does not fit its certificate is refused", "[trust]") {
  TempDir a, b;
  const auto one = make(a);
  const auto two = make(b);
  write_with_mode(a, "identity.pem", one.private_key_pem() + two.certificate_pem());
  const auto error = load_error(a);
  CHECK(error.is(Errc::untrusted));
  CHECK(contains(error.what(), "does not belong to the certificate"));
  CHECK(contains(error.what(), a.path("identity.pem")));
  CHECK(contains(error.what(), "restore it"));
}

TEST_CASE("every damaged byte of an identity is found or harmless", "[trust]") {
  TempDir temp;
  const auto made = make(temp);
  const auto good = temp.read("identity.pem");
  int harmless = 0;
  for (std::size_t k = 0; k < good.size(); ++k) {
    auto bad = good;
    bad[k] = static_cast<char>(bad[k] ^ (k % 2 == 0 ? 1 : 0x20));
    write_with_mode(temp, "identity.pem", bad);
    CAPTURE(k);
    const auto error = load_error(temp);
    if (error.code().value() == 0) {
      // A line end, say: what is left must be the same identity.
      const auto loaded = Identity::load(fs::linux_fs(), temp.path());
      CHECK(loaded->private_key_pem() == made.private_key_pem());
      CHECK(loaded->certificate_pem() == made.certificate_pem());
      ++harmless;
    } else {
      CHECK((error.is(Errc::malformed) || error.is(Errc::corrupt) || error.is(Errc::untrusted) ||
             error.is(Errc::unsupported)));
    }
    CHECK(temp.read("identity.pem") == bad);
  }
  CHECK(harmless < 30);
}

TEST_CASE("every truncation of an identity is refused and stays as it is", "[trust]") {
  TempDir temp;
  make(temp);
  const auto good = temp.read("identity.pem");
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {
    write_with_mode(temp, "identity.pem", good.substr(0, size));
    CAPTURE(size);
    CHECK(error_of([&] { make(temp); }).is(Errc::malformed));
    CHECK(temp.read("identity.pem").size() == size);
  }
}

TEST_CASE("a file with more or other things than one key and one certificate is refused", "[trust]") {
  TempDir temp;
  const auto made = make(temp);
  const auto key = made.private_key_pem();
  const auto certificate = made.certificate_pem();
  for (const auto& content :
       {std::string(), std::string("hello\n"), key, certificate, key + certificate + certificate,
        key + key + certificate, key + key, certificate + certificate}) {
    write_with_mode(temp, "identity.pem", content);
    CAPTURE(content);
    CHECK(load_error(temp).is(Errc::malformed));
  }
  write_with_mode(temp, "identity.pem", "of the laptop\n" + certificate + key);
  CHECK(Identity::load(fs::linux_fs(), temp.path())->fingerprint() == made.fingerprint());
}

TEST_CASE("a private key of another kind is not supported", "[trust]") {
  TempDir temp;
  const auto made = make(temp);
  // P-256; made with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
  const std::string ec_key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAiV6xYd+33apignz
SFIET5KUCKWFm9X3n23NQwxeo9ihRANCAARQH9OEgmC5y6sSbVqJDgVNpmjc835e
vDjq4fDt1L21anQPSLeLg/NKN2c4dpsrtu9Na018hQtFzv0Xjh/lREp1
-----END PRIVATE KEY-----
)";
  write_with_mode(temp, "identity.pem", ec_key + made.certificate_pem());
  const auto error = load_error(temp);
  CHECK(error.is(Errc::unsupported));
  CHECK(contains(error.what(), "Ed25519"));
}

TEST_CASE("an encrypted key is refused without asking for a password", "[trust]") {
  TempDir temp;
  const auto made = make(temp);
  // Ed25519, password "x"; made with: openssl genpkey -algorithm ED25519 -aes256 -pass pass:x
  const std::string locked_key = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjz5dRpNyRszQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEIMoR2gOL3gxPT0RSDNkKcEQFMz
g8sQC3YxnkyLLBflXJNu8DO1uhT+Tvkiv0NEQtTMBI7S+lZ+wK5ctrd8jnBSb3pd
V6s98XPQplTCJv3iQeY=
-----END ENCRYPTED PRIVATE KEY-----
)";
  write_with_mode(temp, "identity.pem", locked_key + made.certificate_pem());
  CHECK(load_error(temp).is(Errc::malformed));
}

TEST_CASE("an identity larger than a file of trust may be is refused unread", "[trust]") {
  TempDir temp;
  const auto made = make(temp);
  auto content = made.private_key_pem() + made.certificate_pem();
  content.resize(limits::trust_file_bytes_max, '\n');
  write_with_mode(temp, "identity.pem", content);
  CHECK(Identity::load(fs::linux_fs(), temp.path()));
  write_with_mode(temp, "identity.pem", content + "\n");
  const auto error = load_error(temp);
  CHECK(error.is(Errc::limit_exceeded));
  CHECK(contains(error.what(), temp.path("identity.pem")));
}

TEST_CASE("a symlink is no identity", "[trust]") {
  TempDir temp, elsewhere;
  make(elsewhere);
  temp.open()->make_symlink("identity.pem", elsewhere.path("identity.pem"));
  const auto error = error_of([&] { make(temp); });
  CHECK(error.is_errno(ELOOP));
  CHECK(contains(error.what(), temp.path("identity.pem")));
}

TEST_CASE("a failing call leaves no identity or a whole one, and nothing beside it", "[trust]") {
  std::uint64_t calls = 0;
  {
    TempDir temp;
    FaultFs faults(fs::linux_fs());
    Identity::load_or_create(faults, temp.path());
    calls = faults.count();
  }
  REQUIRE(calls > 8);
  for (std::uint64_t k = 1; k <= calls; ++k) {
    TempDir temp;
    FaultFs faults(fs::linux_fs());
    faults.fail_at(k, EIO);
    CAPTURE(k);
    const auto error = error_of([&] { Identity::load_or_create(faults, temp.path()); });
    CHECK(faults.struck() == 1);
    CHECK(error.is_errno(EIO));
    CHECK(contains(error.what(), temp.path("identity.pem")));
    CHECK(temp.open()->list().entries.size() == (temp.exists("identity.pem") ? 1 : 0));
    CHECK(make(temp).fingerprint() == make(temp).fingerprint());
  }
}

TEST_CASE("a kill at any moment leaves no identity or a whole one", "[trust]") {
  for (std::uint64_t k = 1; k <= 6; ++k) {
    for (const auto moment : {Moment::before, Moment::torn, Moment::after}) {
      TempDir temp;
      const auto result = run_in_child([&] {
        FaultFs faults(fs::linux_fs(), Counted::mutating);
        faults.kill_at(k, moment);
        Identity::load_or_create(faults, temp.path());
        return 0;
      });
      CAPTURE(k, result.exit_code, result.signal);
      CHECK((result.killed() || result.exit_code == 0));
      const bool was_there = temp.exists("identity.pem");
      const auto content = was_there ? temp.read("identity.pem") : "";
      const auto made = make(temp);
      if (was_there) CHECK(made.private_key_pem() + made.certificate_pem() == content);
    }
  }
}

TEST_CASE("a moved identity takes its key along", "[trust]") {
  TempDir a, b;
  auto one = make(a);
  auto two = make(b);
  const auto key = two.private_key_pem();
  one = std::move(two);
  CHECK(one.private_key_pem() == key);
  const Identity three(std::move(one));
  CHECK(three.private_key_pem() == key);
}
