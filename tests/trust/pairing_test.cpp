// SPDX-License-Identifier: Apache-2.0
// Open pairing codes: used once, for a while, by whoever knows one, and closed by guessing.
#include "trust/pairing.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "samples.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
using namespace syncline::trust;
using namespace std::chrono_literals;

namespace {

const PendingGrant photos{"photos", Right::write_no_delete, "laptop of Ann"};

PairSession session(unsigned exporter = 1) {
  PairSession out{{}, key_of(0xC1), key_of(0x5E)};
  out.exporter.fill(static_cast<std::byte>(exporter));
  return out;
}

struct Server {
  TempDir temp;
  FakeClock clock;
  FakeRandom random;
  PairingCodes codes{fs::linux_fs(), clock, random, temp.path()};

  Redemption redeem(const std::string& code, unsigned exporter = 1) {
    return codes.redeem(pair_proof(code, ProofSide::client, session(exporter)), session(exporter));
  }
  PairOutcome redeem_wrong() { return codes.redeem(PairProof{}, session()).outcome; }
  int attempts_left() const { return codes.list().at(0).attempts_left; }
};

constexpr const char* code_of_nobody = "0000-0000-0000-0000";

}  // namespace

TEST_CASE("whoever proves a code gets its grant and the server's proof, once", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos);
  CHECK(mode_of(server.codes.path()) == 0600);
  const auto redeemed = server.redeem(code);
  CHECK(redeemed.outcome == PairOutcome::accepted);
  CHECK(redeemed.grant == photos);
  CHECK(equal_proofs(redeemed.server_proof, pair_proof(code, ProofSide::server, session())));
  const auto again = server.redeem(code);
  CHECK(again.outcome == PairOutcome::none_open);
  CHECK(again.server_proof == PairProof{});
  CHECK(server.codes.list().empty());
}

TEST_CASE("a proof of another connection, side or code opens nothing", "[trust]") {
  const auto outcome = [](auto&& proof_of) {
    Server server;
    const auto code = server.codes.create(photos);
    const auto out = server.codes.redeem(proof_of(code), session(1));
    CHECK(out.server_proof == PairProof{});
    CHECK(out.grant == PendingGrant{});
    CHECK(server.codes.list().size() == 1);
    return out.outcome;
  };
  CHECK(outcome([](auto& code) { return pair_proof(code, ProofSide::client, session(2)); }) ==
        PairOutcome::wrong);
  CHECK(outcome([](auto& code) { return pair_proof(code, ProofSide::server, session(1)); }) ==
        PairOutcome::wrong);
  CHECK(outcome([](auto&) { return pair_proof(code_of_nobody, ProofSide::client, session(1)); }) ==
        PairOutcome::wrong);
  CHECK(outcome([](auto& code) {
          auto relayed = session(1);
          relayed.server = key_of(0x66);
          return pair_proof(code, ProofSide::client, relayed);
        }) == PairOutcome::wrong);
}

TEST_CASE("each of several open codes leads to its own grant", "[trust]") {
  Server server;
  const auto first = server.codes.create(photos);
  const auto second = server.codes.create({"*", Right::read, ""});
  CHECK(first != second);
  CHECK(server.redeem(second).grant == PendingGrant{"*", Right::read, ""});
  CHECK(server.attempts_left() == limits::pairing_attempts_max);  // a right proof costs the others nothing
  CHECK(server.redeem(first).grant == photos);
}

TEST_CASE("a code survives all wrong proofs but the last", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos);
  for (int k = 1; k < limits::pairing_attempts_max; ++k) {
    CHECK(server.redeem_wrong() == PairOutcome::wrong);
    CHECK(server.attempts_left() == limits::pairing_attempts_max - k);
  }
  CHECK(server.redeem(code).outcome == PairOutcome::accepted);
}

TEST_CASE("three wrong proofs close every open code", "[trust]") {
  Server server;
  const auto first = server.codes.create(photos);
  const auto second = server.codes.create(photos);
  for (int k = 0; k < limits::pairing_attempts_max; ++k) CHECK(server.redeem_wrong() == PairOutcome::wrong);
  CHECK(server.codes.list().empty());
  CHECK(server.redeem_wrong() == PairOutcome::none_open);
  CHECK(server.redeem(first).outcome == PairOutcome::none_open);
  CHECK(server.redeem(second).outcome == PairOutcome::none_open);
  // A code made later starts afresh.
  CHECK(server.redeem(server.codes.create(photos)).outcome == PairOutcome::accepted);
}

TEST_CASE("attempts are counted over restarts", "[trust]") {
  Server server;
  server.codes.create(photos);
  for (int k = 0; k < limits::pairing_attempts_max; ++k) {
    PairingCodes restarted(fs::linux_fs(), server.clock, server.random, server.temp.path());
    CHECK(restarted.redeem(PairProof{}, session()).outcome == PairOutcome::wrong);
  }
  CHECK(server.redeem_wrong() == PairOutcome::none_open);
}

TEST_CASE("a code is good until the second of its end", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos, 600s);
  server.clock.now_s += 599;
  CHECK(server.codes.list().size() == 1);
  CHECK(server.redeem(code).outcome == PairOutcome::accepted);
  const auto late = server.codes.create(photos, 600s);
  server.clock.now_s += 600;
  CHECK(server.codes.list().empty());
  const auto redeemed = server.redeem(late);
  CHECK(redeemed.outcome == PairOutcome::expired);
  CHECK(redeemed.server_proof == PairProof{});
  CHECK(redeemed.grant == PendingGrant{});
  CHECK(server.redeem(late).outcome == PairOutcome::none_open);
}

TEST_CASE("ten minutes are the lifetime unless another is given", "[trust]") {
  Server server;
  server.codes.create(photos);
  server.codes.create(photos, 1s);
  server.codes.create(photos, std::chrono::seconds(limits::pairing_lifetime_s_max));
  const auto list = server.codes.list();
  REQUIRE(list.size() == 3);
  CHECK(list[0] == OpenPairing{photos, server.clock.now_s + 600, limits::pairing_attempts_max});
  CHECK(list[1].expires_at_s == server.clock.now_s + 1);
  CHECK(list[2].expires_at_s == server.clock.now_s + limits::pairing_lifetime_s_max);
  for (const auto lifetime : {0s, -1s, std::chrono::seconds(limits::pairing_lifetime_s_max + 1)})
    CHECK(error_of([&] { server.codes.create(photos, lifetime); }).is(Errc::usage));
}

TEST_CASE("an expired code is told from a wrong one for an hour", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos, 1s);
  server.clock.now_s += limits::pairing_expired_kept_s;
  const auto other = server.codes.create(photos, 1s);
  CHECK(server.redeem(code).outcome == PairOutcome::expired);
  server.clock.now_s += 1 + limits::pairing_expired_kept_s;
  CHECK(server.redeem(other).outcome == PairOutcome::none_open);
  CHECK(server.temp.read("pairing").empty());
}

TEST_CASE("wrong proofs use up expired codes too, so that they end to cost work", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos, 1s);
  server.clock.now_s += 1;
  for (int k = 0; k < limits::pairing_attempts_max; ++k)
    CHECK(server.redeem_wrong() == PairOutcome::none_open);
  CHECK(server.temp.read("pairing").empty());
  CHECK(server.redeem(code).outcome == PairOutcome::none_open);
}

TEST_CASE("an expired code does not cost the open ones an attempt", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos, 1s);
  server.codes.create(photos);
  server.clock.now_s += 1;
  CHECK(server.redeem(code).outcome == PairOutcome::expired);
  CHECK(server.attempts_left() == limits::pairing_attempts_max);
}

TEST_CASE("at most sixteen codes are open; expired ones make room", "[trust]") {
  Server server;
  std::string last;
  for (std::size_t k = 0; k < limits::pairing_codes_max; ++k)
    last = server.codes.create(photos, k == 0 ? 1s : 600s);
  const auto error = error_of([&] { server.codes.create(photos); });
  CHECK(error.is(Errc::limit_exceeded));
  CHECK(contains(error.what(), server.codes.path()));
  CHECK(server.codes.list().size() == limits::pairing_codes_max);
  server.clock.now_s += 1;
  CHECK_NOTHROW(server.codes.create(photos));
  CHECK(server.codes.list().size() == limits::pairing_codes_max);
  CHECK(error_of([&] { server.codes.create(photos); }).is(Errc::limit_exceeded));
  CHECK(server.redeem(last).outcome == PairOutcome::accepted);
  CHECK_NOTHROW(server.codes.create(photos));
}

TEST_CASE("closing voids all codes", "[trust]") {
  Server server;
  CHECK(server.codes.close_all() == 0);
  const auto code = server.codes.create(photos);
  server.codes.create(photos, 1s);
  server.clock.now_s += 1;
  CHECK(server.codes.close_all() == 1);
  CHECK(server.redeem(code).outcome == PairOutcome::none_open);
}

TEST_CASE("of several that show one code at once one is accepted", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos);
  std::atomic<int> accepted{0}, none{0};
  std::vector<std::thread> threads;
  for (unsigned k = 0; k < 4; ++k)
    threads.emplace_back([&, k] {
      const auto proof = pair_proof(code, ProofSide::client, session(k));
      const auto outcome = server.codes.redeem(proof, session(k)).outcome;
      accepted += outcome == PairOutcome::accepted ? 1 : 0;
      none += outcome == PairOutcome::none_open ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  CHECK(accepted == 1);
  CHECK(none == 3);
}

TEST_CASE("parallel guesses get no more attempts than others", "[trust]") {
  Server server;
  server.codes.create(photos);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned k = 0; k < 8; ++k)
    threads.emplace_back([&] { wrong += server.redeem_wrong() == PairOutcome::wrong ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == limits::pairing_attempts_max);
}

TEST_CASE("a grant that cannot be written down gets no code", "[trust]") {
  Server server;
  for (const auto& bad :
       {PendingGrant{"a b", Right::read, ""}, PendingGrant{"", Right::read, ""},
        PendingGrant{"a", Right::read, "x\ny"}, PendingGrant{"a", static_cast<Right>(9), ""}})
    CHECK(error_of([&] { server.codes.create(bad); }).is(Errc::usage));
  CHECK_FALSE(server.temp.exists("pairing"));
}

TEST_CASE("a damaged file of codes opens nothing and gives no code away", "[trust]") {
  Server server;
  const auto code = server.codes.create(photos);
  const auto good = server.temp.read("pairing");
  CHECK(good == code + " 1800000600 3 photos nodelete laptop of Ann\n");
  const auto proof = pair_proof(code, ProofSide::client, session());
  const std::string rest = " photos rw x\n";
  for (const std::string& line :
       {std::string("x\n"), std::string("\n"), std::string("# comment\n"), code + "\n", code + " 5 0" + rest,
        code + " 5 4" + rest, code + " x 3" + rest, code + " 5 -1" + rest, code + " 5 3 photos\n",
        code + " 5 3 pho:tos rw\n", code + " 5 3 photos w\n", "o" + code.substr(1) + " 5 3" + rest,
        code.substr(1) + " 5 3" + rest,
        code + " 5 3 photos rw " + std::string(limits::grant_name_bytes_max + 1, 'n') + "\n"}) {
    CAPTURE(line);
    write_with_mode(server.temp, "pairing", good + line);
    const auto error = error_of([&] { server.codes.redeem(proof, session()); });
    CHECK(error.is(Errc::malformed));
    CHECK(contains(error.what(), "'" + server.codes.path() + "' line 2: "));
    CHECK_FALSE(contains(error.what(), code));
    CHECK(error_of([&] { server.codes.create(photos); }).is(Errc::malformed));
    CHECK(error_of([&] { server.codes.list(); }).is(Errc::malformed));
    CHECK(server.temp.read("pairing") == good + line);
  }
  for (std::size_t size = 1; size < good.size(); ++size) {
    write_with_mode(server.temp, "pairing", good.substr(0, size));
    CHECK(error_of([&] { server.codes.redeem(proof, session()); }).is(Errc::malformed));
  }
  std::string many;
  for (std::size_t k = 0; k < limits::pairing_codes_max; ++k) many += good;
  write_with_mode(server.temp, "pairing", many);
  CHECK(server.codes.list().size() == limits::pairing_codes_max);
  write_with_mode(server.temp, "pairing", many + good);
  CHECK(error_of([&] { server.codes.list(); }).is(Errc::malformed));
  write_with_mode(server.temp, "pairing", good, 0640);
  CHECK(error_of([&] { server.codes.redeem(proof, session()); }).is(Errc::untrusted));
}

TEST_CASE("an outcome that could not be written is not told", "[trust]") {
  for (std::uint64_t k = 2; k <= 6; ++k) {
    Server server;
    const auto code = server.codes.create(photos);
    FaultFs faults(fs::linux_fs(), Counted::mutating);
    faults.fail_at(k, ENOSPC);
    PairingCodes codes(faults, server.clock, server.random, server.temp.path());
    CAPTURE(k);
    const auto proof = pair_proof(code, ProofSide::client, session());
    CHECK(error_of([&] { codes.redeem(proof, session()); }).is_errno(ENOSPC));
    CHECK(faults.struck() == 1);
    // Until the new file has its name the code stays open; after that it is used up.
    CHECK(server.codes.list().size() == (k <= 5 ? 1 : 0));
  }
}
