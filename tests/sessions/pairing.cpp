// SPDX-License-Identifier: Apache-2.0
#include "pairing.hpp"

#include <thread>

#include "support/frame_pipe.hpp"
#include "support/temp_dir.hpp"
#include "sync/session.hpp"
#include "taped_end.hpp"
#include "trust/grants.hpp"
#include "trust/pairing.hpp"
#include "wire/channel.hpp"
#include "worlds.hpp"

namespace syncline::test {
namespace {

using Pipe = std::unique_ptr<wire::Transport>;

trust::PairSession tls_session() {
  trust::PairSession out;
  out.exporter.fill(std::byte{0x11});
  out.client.bytes.fill(std::byte{0x22});
  out.server.bytes.fill(std::byte{0x33});
  return out;
}

/// A server with one open code, always the same.
struct Codes {
  Codes()
      : codes(fs::linux_fs(), system_clock(), random, dir.path()),
        code(codes.create({"share", trust::Right::read, "laptop"})) {}

  TempDir dir;
  FixedRandom random{"server"};
  trust::PairingCodes codes;
  std::string code;
};

std::string ask(Pipe end, const std::string& code) {
  const auto proofs = trust::pair_proofs(trust::parse_pair_code(code), tls_session());
  wire::Channel channel(std::move(end), wire::Conversation::asking(wire::Role::sender), {});
  channel.send(wire::Pair{proofs.client});
  channel.flush();
  const auto paired = sync::take<wire::Paired>(sync::expect_message(channel));
  if (!trust::equal_proofs(paired.proof, proofs.server)) throw Error(Errc::untrusted, "the server");
  return "paired: " + paired.share + ' ' + std::to_string(paired.right);
}

void answer(wire::Channel& channel, trust::PairingCodes& codes) {
  const auto request = sync::take<wire::Pair>(sync::expect_message(channel));
  const auto redemption = codes.redeem(request.proof, tls_session());
  if (redemption.outcome != trust::PairOutcome::accepted) throw Error(Errc::untrusted, "the code");
  const auto& grant = redemption.grant;
  channel.send(wire::Paired{redemption.server_proof, grant.share, static_cast<std::uint8_t>(grant.right)});
  channel.flush();
  while (channel.receive()) continue;  // until the client has read it
}

void serve(Pipe end, trust::PairingCodes& codes) {
  wire::Channel channel(std::move(end), wire::Conversation::answering(), {});
  try {
    answer(channel, codes);
  } catch (const std::exception& error) {
    sync::tell_fatal(channel, error);  // and the player misses what was to come
  }
}

}  // namespace

RecordedConnection record_pairing() {
  Codes codes;
  Tape tape;
  auto [here, there] = make_frame_pipe();
  Pipe client = std::make_unique<TapedEnd>(std::move(here), EndOptions{Side::client, &tape});
  Pipe server = std::make_unique<TapedEnd>(std::move(there), EndOptions{Side::server, &tape});
  std::thread answering([&] { serve(std::move(server), codes.codes); });
  RecordedConnection out;
  out.report = ask(std::move(client), codes.code);
  answering.join();
  out.frames = tape.take();
  return out;
}

Played pair_with_live_server(const RecordedConnection& connection) {
  Codes codes;
  auto [here, there] = make_frame_pipe();
  std::thread answering([&, end = there.release()] { serve(Pipe(end), codes.codes); });
  auto out = play_sender(connection, {Side::client}, std::move(here));
  answering.join();
  return out;
}

Played pair_with_live_client(const RecordedConnection& connection, std::string& report) {
  Codes codes;
  Played out;
  auto [here, there] = make_frame_pipe();
  std::thread answering(
      [&, end = there.release()] { out = play_sender(connection, {Side::server}, Pipe(end)); });
  try {
    report = ask(std::move(here), codes.code);
  } catch (const Error& error) {
    report = error.what();
  }
  answering.join();
  return out;
}

}  // namespace syncline::test
