// SPDX-License-Identifier: Apache-2.0
// Making, storing and redeeming pairing codes.
#include "trust/pairing.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace syncline::trust {
namespace {

struct StoredCode {
  std::string code;
  OpenPairing pairing;

  bool open(std::int64_t now_s) const { return now_s < pairing.expires_at_s; }
};

StoredCode parse_code(std::string_view text) {
  StoredCode out;
  const auto code = take_word(text);
  out.code = parse_pair_code(code);
  const auto expires_at_s = parse_number(take_word(text));
  const auto attempts_left = parse_number(take_word(text));
  if (out.code != code || !expires_at_s || !attempts_left || *attempts_left < 1 ||
      *attempts_left > limits::pairing_attempts_max)
    throw Error(Errc::usage, "it is no code with its end and its attempts");
  out.pairing.expires_at_s = *expires_at_s;
  out.pairing.attempts_left = static_cast<int>(*attempts_left);
  auto& grant = out.pairing.grant;
  grant.share = take_word(text);
  grant.right = parse_right(take_word(text));
  grant.name = text;
  check_grant_texts(grant.share, grant.name);
  return out;
}

std::vector<StoredCode> parse_codes(const TextFile& file, std::string_view content) {
  std::vector<StoredCode> out;
  for (const auto& line : file.lines(content)) {
    try {
      out.push_back(parse_code(line.text));
    } catch (const Error& error) {
      file.refuse_line(line.number, error.context());
    }
    if (out.size() > limits::pairing_codes_max)
      file.refuse_line(line.number, "more than " + std::to_string(limits::pairing_codes_max) + " codes");
  }
  return out;
}

std::string codes_text(const std::vector<StoredCode>& codes) {
  std::string out;
  for (const auto& [code, pairing] : codes) {
    out += code + " " + std::to_string(pairing.expires_at_s) + " " + std::to_string(pairing.attempts_left) +
           " " + pairing.grant.share + " " + std::string(to_text(pairing.grant.right));
    if (!pairing.grant.name.empty()) out += " " + pairing.grant.name;
    out += "\n";
  }
  return out;
}

std::size_t open_count(const std::vector<StoredCode>& codes, std::int64_t now_s) {
  return static_cast<std::size_t>(
      std::count_if(codes.begin(), codes.end(), [&](const StoredCode& code) { return code.open(now_s); }));
}

/// The code that the proof was made with, and what it leads to; codes.end() and `wrong` when there is none.
std::vector<StoredCode>::iterator match(std::vector<StoredCode>& codes, const PairProof& client_proof,
                                        const PairSession& session, PairProof& server_proof) {
  for (auto at = codes.begin(); at != codes.end(); ++at) {
    const auto proofs = pair_proofs(at->code, session);
    if (!equal_proofs(proofs.client, client_proof)) continue;
    server_proof = proofs.server;
    return at;
  }
  return codes.end();
}

void drop_long_expired(std::vector<StoredCode>& codes, std::int64_t now_s) {
  std::erase_if(codes, [&](const StoredCode& code) {
    return now_s - code.pairing.expires_at_s >= limits::pairing_expired_kept_s;
  });
}

/// Decides, and leaves in `codes` what is left of them.
Redemption redeem_from(std::vector<StoredCode>& codes, std::int64_t now_s, const PairProof& client_proof,
                       const PairSession& session) {
  Redemption out;
  drop_long_expired(codes, now_s);
  PairProof server_proof{};
  const auto found = match(codes, client_proof, session, server_proof);
  if (found == codes.end()) {
    out.outcome = open_count(codes, now_s) > 0 ? PairOutcome::wrong : PairOutcome::none_open;
    // Expired codes as well: they cost the server as much work as open ones.
    std::erase_if(codes, [](StoredCode& code) { return --code.pairing.attempts_left == 0; });
  } else if (!found->open(now_s)) {
    out.outcome = PairOutcome::expired;
    codes.erase(found);
  } else {
    out = {PairOutcome::accepted, found->pairing.grant, server_proof};
    codes.erase(found);
  }
  return out;
}

}  // namespace

PairingCodes::PairingCodes(fs::Fs& files, const Clock& clock, Random& random, const std::string& state_dir)
    : clock_(clock), random_(random), file_(files, state_dir, "pairing", Secrecy::secret) {}

std::int64_t PairingCodes::now_s() const { return clock_.now_ns() / 1'000'000'000; }

std::string PairingCodes::create(const PendingGrant& grant, std::chrono::seconds lifetime) {
  check_grant_texts(grant.share, grant.name);
  if (lifetime.count() < 1 || lifetime.count() > limits::pairing_lifetime_s_max)
    throw Error(Errc::usage, "a pairing code lives for 1 to " +
                                 std::to_string(limits::pairing_lifetime_s_max) + " seconds, not " +
                                 std::to_string(lifetime.count()));
  auto code = make_pair_code(random_);
  file_.edit([&](std::string& content) {
    const auto now = now_s();
    auto codes = parse_codes(file_, content);
    drop_long_expired(codes, now);
    if (open_count(codes, now) >= limits::pairing_codes_max)
      throw Error(Errc::limit_exceeded,
                  "'" + escape_name(file_.path()) + "' has " + std::to_string(limits::pairing_codes_max) +
                      " open pairing codes; use them, wait for their end or close them");
    if (codes.size() >= limits::pairing_codes_max)
      codes.erase(std::find_if(codes.begin(), codes.end(), [&](const auto& old) { return !old.open(now); }));
    codes.push_back({code, {grant, now + lifetime.count(), limits::pairing_attempts_max}});
    content = codes_text(codes);
  });
  return code;
}

Redemption PairingCodes::redeem(const PairProof& client_proof, const PairSession& session) {
  Redemption out;
  if (file_.read().value_or("").empty()) return out;  // no lock and no work for the curious
  file_.edit([&](std::string& content) {
    auto codes = parse_codes(file_, content);
    out = redeem_from(codes, now_s(), client_proof, session);
    content = codes_text(codes);
  });
  return out;
}

std::vector<OpenPairing> PairingCodes::list() const {
  std::vector<OpenPairing> out;
  for (const auto& code : parse_codes(file_, file_.read().value_or("")))
    if (code.open(now_s())) out.push_back(code.pairing);
  return out;
}

std::size_t PairingCodes::close_all() {
  std::size_t closed = 0;
  if (!file_.read()) return closed;
  file_.edit([&](std::string& content) {
    closed = open_count(parse_codes(file_, content), now_s());
    content.clear();
  });
  return closed;
}

}  // namespace syncline::trust
