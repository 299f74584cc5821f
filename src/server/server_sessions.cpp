// SPDX-License-Identifier: Apache-2.0
// What clients ask for: admission, pairing, sessions.
#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "server/server_core.hpp"
#include "sync/session.hpp"

namespace syncline::server {
namespace {

trust::Right right_of(config::Right right) {
  return right == config::Right::read_only    ? trust::Right::read
         : right == config::Right::read_write ? trust::Right::write
                                              : trust::Right::write_no_delete;
}

/// Keepalives between two sessions count bytes too: the watch looks at reserved places only.
class Reserved {
 public:
  Reserved(std::mutex& mutex, Client& client) : mutex_(mutex), client_(client) {}
  ~Reserved() { set(std::nullopt); }
  void set(std::optional<Claim> claim) {
    std::lock_guard lock(mutex_);
    client_.reserved = std::move(claim);
    client_.moved_at = std::chrono::steady_clock::now();
  }

 private:
  std::mutex& mutex_;
  Client& client_;
};

}  // namespace

void ServerCore::on_connection(net::Connection connection) {
  connection.link->limit_input(limits::unknown_frame_bytes_max, limits::unknown_frame_bytes_max);
  const auto address = connection.peer_address;
  ClientPtr client;
  bool is_full = false;
  {
    std::lock_guard lock(mutex_);
    is_full = stopping_ || clients_.size() >= config_->limits.connections_max;
    if (!is_full) {
      client = std::make_shared<Client>(std::move(connection), next_client_++);
      client->is_too_many = connections_[client->key]++ >= config_->limits.connections_per_client_max;
      clients_.emplace(client->number, client);
    }
  }
  if (is_full) {
    // Telling may block. The connection ends with its object.
    workers_.post([this, address] {
      tell(AuditEvent{AuditEvent::Kind::refused, address, "", "", "", "too many connections"});
    });
    return;
  }
  workers_.post([this, client] { admit(client); });
}

bool ServerCore::is_known(const Client& client) const {
  const auto configured = config();
  const auto text = client.key.text();
  if (std::ranges::any_of(configured->authorize, [&](const auto& one) { return one.fingerprint == text; }))
    return true;
  const auto grants = grants_.list();
  return std::ranges::any_of(grants, [&](const auto& grant) { return grant.key == client.key; });
}

void ServerCore::admit(const ClientPtr& client) {
  try {
    if (client->is_too_many) {
      const auto limit = std::to_string(config()->limits.connections_per_client_max);
      refuse(*client,
             Error(Errc::locked, limit + " connections to the server, more than which no client may have"));
      return drop(client);
    }
    client->is_known = is_known(*client);
    if (client->is_known) {
      client->link->limit_input(limits::link_frame_bytes_max, limits::link_queue_bytes_max);
      tell(AuditEvent::Kind::connected, *client, "");
    } else if (codes_.list().empty()) {
      refuse(*client, Error(Errc::untrusted, "key " + client->key.text() + " at this server"));
      return drop(client);
    }
    wait_for_input(client);
  } catch (const std::exception& error) {
    tell(AuditEvent::Kind::refused, *client, error.what());
    drop(client);
  }
}

/// Until then the connection needs no thread.
void ServerCore::wait_for_input(const ClientPtr& client) {
  client->link->on_input([this, weak = std::weak_ptr(client)] {
    if (const auto strong = weak.lock()) workers_.post([this, strong] { serve_ready(strong); });
  });
}

void ServerCore::serve_ready(const ClientPtr& client) {
  try {
    while (serve_one(*client)) {
      client->channel.begin_session(wire::Conversation::answering(), {});
      if (!client->channel.has_input()) return wait_for_input(client);
    }
    tell(AuditEvent::Kind::disconnected, *client, "");
  } catch (const std::exception& error) {
    tell(AuditEvent::Kind::session_failed, *client, error.what());
  }
  drop(client);
}

/// False when the client has closed the connection, or there is no more to be said on it.
bool ServerCore::serve_one(Client& client) {
  auto message = client.channel.receive();
  if (!message) return false;
  if (const auto* request = std::get_if<wire::Pair>(&*message)) {
    pair(client, *request);
    return false;
  }
  if (!client.is_known) {
    refuse(client, Error(Errc::untrusted, "key " + client.key.text() + " at this server"));
    return false;
  }
  return run_session(client, sync::take<wire::Open>(std::move(*message)));
}

void ServerCore::refuse(Client& client, const Error& error) {
  tell(AuditEvent::Kind::refused, client, error.what());
  sync::tell_fatal(client.channel, error);
}

void ServerCore::pair(Client& client, const wire::Pair& request) {
  const auto redemption = codes_.redeem(request.proof, {client.exporter, client.key, own_key_});
  using Outcome = trust::PairOutcome;
  if (redemption.outcome != Outcome::accepted) {
    const char* cause = redemption.outcome == Outcome::expired ? "the pairing code has expired"
                        : redemption.outcome == Outcome::wrong ? "the pairing code is wrong"
                                                               : "there is no open pairing code";
    return refuse(client, Error(Errc::untrusted, cause));
  }
  const auto& grant = redemption.grant;
  grants_.add({client.key, grant.share, grant.right, grant.name, world_.clock->now_ns() / 1'000'000'000});
  client.channel.send(
      wire::Paired{redemption.server_proof, grant.share, static_cast<std::uint8_t>(grant.right)});
  client.channel.flush();
  tell(AuditEvent::Kind::paired, client,
       "share " + escape_name(grant.share) + ", " + std::string(trust::to_text(grant.right)));
}

std::optional<trust::Right> ServerCore::right_for(const Client& client, const std::string& share) const {
  const auto text = client.key.text();
  std::optional<trust::Right> everywhere;
  for (const auto& one : config()->authorize) {
    if (one.fingerprint != text) continue;
    if (one.share == share) return right_of(one.right);
    if (one.share == "*") everywhere = right_of(one.right);
  }
  if (everywhere) return everywhere;
  return grants_.right_for(client.key, share);
}

/// A share that is not granted and one that is not there look the same.
sync::ServedShare ServerCore::find_share(const Client& client, const wire::Open& open) const {
  const auto configured = config();
  const auto& shares = configured->shares;
  auto found = std::ranges::find(shares, open.share, &config::Share::name);
  if (open.share.empty() && shares.size() == 1) found = shares.begin();
  const auto right = found == shares.end() ? std::nullopt : right_for(client, found->name);
  if (!right)
    throw Error(EACCES, open.share.empty() ? "a share must be named"
                                           : "share '" + escape_name(open.share) +
                                                 "' does not exist or is not granted to this client");
  sync::ServedShare out;
  out.dir = world_.files->real_path(found->dir);
  out.typed_dir = found->dir;
  out.may_write = found->mode == config::ShareMode::read_write && *right != trust::Right::read;
  out.may_delete = out.may_write && *right == trust::Right::write;
  out.state_dir = configured->state_dir;
  out.state_owner = client.key.text() + ' ' + found->name;
  out.durability_min = static_cast<patch::Durability>(configured->durability);
  out.bwlimit = configured->bwlimit;
  out.threads = configured->threads != 0 ? static_cast<unsigned>(configured->threads)
                                         : std::max(1u, std::thread::hardware_concurrency());
  return out;
}

/// One of the sessions that this client may have at a time; nothing where it has them all.
std::shared_ptr<void> ServerCore::count_session(const Client& client) {
  std::lock_guard lock(mutex_);
  auto& count = sessions_[client.key];
  if (count >= config_->limits.sessions_per_client_max) return nullptr;
  ++count;
  return {this, [key = client.key](ServerCore* core) {
            std::lock_guard again(core->mutex_);
            const auto found = core->sessions_.find(key);
            if (--found->second == 0) core->sessions_.erase(found);
          }};
}

/// False when it failed, and with it the connection.
bool ServerCore::run_session(Client& client, wire::Open open) {
  const auto counted = count_session(client);
  if (!counted) {
    const auto limit = std::to_string(config()->limits.sessions_per_client_max);
    refuse(client,
           Error(Errc::locked, limit + " sessions at the server, more than which no client may have"));
    return false;
  }
  Reserved reserved(mutex_, client);
  sync::ServiceOptions service;
  service.find_share = [&](const wire::Open& wanted) { return find_share(client, wanted); };
  service.reserve = [&](const std::string& dir, sync::PlaceUse use) {
    const Claim claim{dir, use};
    auto reservation = reservations_->reserve(claim);
    reserved.set(claim);
    return reservation;
  };
  service.notice = [&](const std::string& text) { tell(AuditEvent::Kind::note, client, text, &open); };
  service.cancelled = [this] { return stopping_.load(); };
  service.warm = &warm_;
  service.client = client.number;
  service.sources = &sources_;
  service.blocks = &blocks_;
  std::string direction = open.direction == wire::Direction::push ? "push" : "pull";
  // The path that is logged is that of the first.
  if (open.pull && !open.pull->others.empty())
    direction += " of " + std::to_string(open.pull->others.size() + 1) + " sources";
  tell(AuditEvent::Kind::session_began, client, direction, &open);
  try {
    const auto news = sync::serve_session(world_, client.channel, open, service);
    tell(AuditEvent::Kind::session_ended, client, direction + (news.in_step ? ", in step" : ""), &open);
    return true;
  } catch (const std::exception& error) {
    tell(AuditEvent::Kind::session_failed, client, error.what(), &open);
    return false;
  }
}

void ServerCore::drop(const ClientPtr& client) {
  client->link->close();
  warm_.drop(client->number);
  sources_.drop(client->number);
  std::lock_guard lock(mutex_);
  if (clients_.erase(client->number) == 0) return;
  const auto count = connections_.find(client->key);
  if (--count->second == 0) connections_.erase(count);
}

}  // namespace syncline::server
