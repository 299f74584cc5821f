// SPDX-License-Identifier: Apache-2.0
// The examples of docs/format/trust.md against the code.
#include <fstream>
#include <iterator>

#include "base/limits.hpp"
#include "samples.hpp"
#include "trust/grants.hpp"
#include "trust/known_servers.hpp"
#include "trust/pairing.hpp"

using namespace syncline;
using namespace syncline::test;
using namespace syncline::trust;

namespace {

std::string page() {
  std::ifstream in(std::string(SYNCLINE_SOURCE_ROOT) + "/docs/format/trust.md");
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The block of code that begins with this comment line, without it.
std::string example(const std::string& title) {
  const auto text = page();
  const auto start = "```\n# " + title + "\n";
  const auto from = text.find(start);
  REQUIRE(from != text.npos);
  const auto begin = from + start.size();
  return text.substr(begin, text.find("```", begin) - begin);
}

/// The value of a line "NAME VALUE" in the example of a proof.
std::string proof_value(const std::string& name) {
  const auto text = "\n" + example("proof");
  const auto from = text.find("\n" + name + " ");
  REQUIRE(from != text.npos);
  const auto begin = text.find_first_not_of(' ', from + 1 + name.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

Fingerprint key_from_hex(const std::string& hex) {
  Fingerprint out;
  const auto bytes = from_hex(hex);
  REQUIRE(bytes.size() == out.bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out;
}

}  // namespace

TEST_CASE("the page's known_servers is read as it says", "[docs]") {
  TempDir temp;
  write_with_mode(temp, "known_servers", example("known_servers"));
  const KnownServers servers(fs::linux_fs(), temp.path());
  CHECK(servers.lookup("files.example", 8730));
  CHECK(servers.lookup("2001:db8::1", 8730));
}

TEST_CASE("the page's grants are read as it says", "[docs]") {
  TempDir temp;
  write_with_mode(temp, "grants", example("grants"));
  const auto grants = Grants(fs::linux_fs(), temp.path()).list();
  REQUIRE(grants.size() == 3);
  CHECK(grants[0].name == "laptop of Ann");
  CHECK(grants[1].right == Right::read);
  CHECK(grants[2].share == "*");
}

TEST_CASE("the page's pairing codes are read as it says", "[docs]") {
  TempDir temp;
  FakeClock clock;
  FakeRandom random;
  const auto text = example("pairing");
  write_with_mode(temp, "pairing", text);
  const auto list = PairingCodes(fs::linux_fs(), clock, random, temp.path()).list();
  REQUIRE(list.size() == 1);
  CHECK(list[0].grant.name == "laptop of Ann");
}

TEST_CASE("the page's proofs are the ones of its code", "[docs]") {
  PairSession session;
  const auto exporter = from_hex(proof_value("exporter"));
  REQUIRE(exporter.size() == session.exporter.size());
  std::copy(exporter.begin(), exporter.end(), session.exporter.begin());
  session.client = key_from_hex(proof_value("client"));
  session.server = key_from_hex(proof_value("server"));
  const auto proofs = pair_proofs(proof_value("code"), session);
  CHECK(to_hex(proofs.client) == proof_value("client-proof"));
  CHECK(to_hex(proofs.server) == proof_value("server-proof"));
}

TEST_CASE("the page names the limits of the code", "[docs]") {
  const auto text = page();
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::int64_t>>{
           {"file of trust, bytes", limits::trust_file_bytes_max},
           {"host, bytes", limits::host_bytes_max},
           {"name of a share, bytes", limits::share_name_bytes_max},
           {"name of a grant, bytes", limits::grant_name_bytes_max},
           {"pairing codes, open and expired together", limits::pairing_codes_max},
           {"wrong proofs that close a code", limits::pairing_attempts_max},
           {"lifetime of a code, seconds", limits::pairing_lifetime_s_max},
           {"lifetime unless another is given, seconds", limits::pairing_lifetime_s_default},
           {"an expired code is kept, seconds", limits::pairing_expired_kept_s}}) {
    CAPTURE(name, value);
    CHECK(contains(text, "| " + name + " | " + std::to_string(value) + " |"));
  }
}
