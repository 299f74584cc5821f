// SPDX-License-Identifier: Apache-2.0
// One question and one answer over a connection to a server whose key nobody vouches for yet.
#include "remote/pair.hpp"

#include "base/error.hpp"
#include "net/connector.hpp"
#include "net/link.hpp"
#include "sync/session.hpp"
#include "trust/identity.hpp"
#include "trust/known_servers.hpp"
#include "trust/pair_proof.hpp"
#include "trust/places.hpp"
#include "wire/channel.hpp"

namespace syncline::remote {

PairResult pair(const sync::World& world, const sync::RemotePlace& place, const std::string& code,
                const std::optional<std::string>& config_dir) {
  const auto dir = trust::config_directory(config_dir);
  const auto identity = trust::Identity::load_or_create(*world.files, dir, *world.random);
  const auto plain_code = trust::parse_pair_code(code);
  net::IoThreads threads;
  net::ConnectOptions connect;
  connect.accept = [](const net::PeerKey&) { return true; };  // its proof decides
  const net::Endpoint endpoint{place.host, place.port};
  auto connection =
      net::connect(threads, endpoint, {identity.certificate_pem(), identity.private_key_pem()}, connect);
  PairResult out;
  out.server.bytes = connection.peer;
  const auto proofs =
      trust::pair_proofs(plain_code, {connection.exporter, identity.fingerprint(), out.server});
  wire::Channel channel(std::move(connection.link), wire::Conversation::asking(wire::Role::sender), {});
  channel.send(wire::Pair{proofs.client});
  channel.flush();
  const auto paired = sync::take<wire::Paired>(sync::expect_message(channel));
  if (!trust::equal_proofs(paired.proof, proofs.server))
    throw Error(Errc::untrusted, "whoever answers at " + endpoint.text() + " does not know the pairing code");
  out.share = paired.share;
  out.right = static_cast<trust::Right>(paired.right);
  trust::KnownServers(*world.files, dir).pin(place.host, place.port, out.server, trust::OtherPin::replace);
  return out;
}

}  // namespace syncline::remote
