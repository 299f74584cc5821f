// SPDX-License-Identifier: Apache-2.0
// TLS to a pinned server, or a child that is an ssh.
#include "remote/dial.hpp"

#include "net/connector.hpp"
#include "net/stdio.hpp"
#include "trust/identity.hpp"
#include "trust/known_servers.hpp"
#include "trust/places.hpp"

namespace syncline::remote {
namespace {

constexpr auto child_end_limit = std::chrono::seconds(2);
constexpr auto last_words_limit = std::chrono::milliseconds(500);  ///< it may have left somebody behind
constexpr int command_not_found = 127;

/// A link to a child, whose end explains why nothing came.
class ChildLink final : public wire::Transport {
 public:
  ChildLink(net::Spawned spawned, std::string host, std::string program)
      : spawned_(std::move(spawned)), host_(std::move(host)), program_(std::move(program)) {}
  void send(Bytes frame) override {
    try {
      spawned_.link->send(std::move(frame));
    } catch (const Error&) {
      explain_end();
      throw;
    }
  }
  void hand_over(wire::Message message, std::size_t coded_bytes) override {
    spawned_.link->hand_over(std::move(message), coded_bytes);
  }
  std::optional<wire::Parcel> receive() override {
    auto parcel = spawned_.link->receive();
    if (!parcel) explain_end();
    return parcel;
  }
  bool has_input() const override { return spawned_.link->has_input(); }
  void on_input(std::function<void()> ready) override { spawned_.link->on_input(std::move(ready)); }
  void close() override { spawned_.link->close(); }
  std::uint64_t sent_bytes() const override { return spawned_.link->sent_bytes(); }
  std::uint64_t received_bytes() const override { return spawned_.link->received_bytes(); }
  std::uint64_t waiting_bytes() const override { return spawned_.link->waiting_bytes(); }
  bool is_local() const override { return false; }

 private:
  /// What made it end it alone knows: its last line, if it said anything, is often that.
  void explain_end() {
    if (spawned_.link->received_bytes() != 0) return;
    const auto status = spawned_.child.wait(child_end_limit);
    if (!status || status->code == 0) return;
    std::string cause = "the remote shell to '" + escape_name(host_) + "' ended with " +
                        (status->signal != 0 ? "signal " + std::to_string(status->signal)
                                             : "exit status " + std::to_string(status->code));
    if (const auto said = spawned_.errors->last_line(last_words_limit); !said.empty())
      cause += " and said '" + escape_name(said) + "'";
    if (status->code == command_not_found)
      cause += ": '" + escape_name(program_) + "' is not there; install it or give --syncline-path";
    throw Error(Errc::shell, cause);
  }
  net::Spawned spawned_;
  std::string host_;
  std::string program_;
};

/// For a POSIX shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::unique_ptr<wire::Transport> Dialer::dial(const sync::RemotePlace& place) {
  return place.kind == sync::RemotePlace::Kind::ssh ? dial_ssh(place) : dial_server(place);
}

std::unique_ptr<wire::Transport> Dialer::dial_server(const sync::RemotePlace& place) {
  const auto dir = trust::config_directory(options_.state_dir);
  const trust::KnownServers known(*world_.files, dir);
  const net::Endpoint endpoint{place.host, place.port};
  const auto pinned = known.lookup(place.host, place.port);
  const auto wanted =
      options_.server_key ? std::optional(trust::Fingerprint::parse(*options_.server_key)) : pinned;
  if (!wanted)
    throw Error(Errc::untrusted,
                "server " + endpoint.text() +
                    " is not known here: run 'syncline pair' there and what it prints here, or "
                    "give --server-key");
  const auto identity = trust::Identity::load_or_create(*world_.files, dir, *world_.random);
  trust::Fingerprint shown;
  net::ConnectOptions connect;
  connect.accept = [&](const net::PeerKey& key) {
    shown.bytes = key;
    return shown == *wanted;
  };
  try {
    auto connection =
        net::connect(threads_, endpoint, {identity.certificate_pem(), identity.private_key_pem()}, connect);
    return std::move(connection.link);
  } catch (const Error& error) {
    if (!error.is(Errc::untrusted) || shown == *wanted || shown == trust::Fingerprint{}) throw;
    throw Error(Errc::untrusted, "server " + endpoint.text() + " has the key " + shown.text() + ", not " +
                                     wanted->text() +
                                     "; if that is meant, run 'syncline pair' there and what it prints here");
  }
}

std::unique_ptr<wire::Transport> Dialer::dial_ssh(const sync::RemotePlace& place) {
  auto argv = options_.remote_shell;
  argv.push_back(place.host);
  argv.push_back(quoted(options_.remote_program) + " serve --stdio");
  net::LinkOptions link;
  link.peer = place.host;
  return std::make_unique<ChildLink>(net::spawn_link(threads_, argv, link), place.host,
                                     options_.remote_program);
}

}  // namespace syncline::remote
