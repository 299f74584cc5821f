// SPDX-License-Identifier: Apache-2.0
// The client as the sender.
#include "sync/remote_copy_session.hpp"
#include "sync/sender.hpp"
#include "sync/session_report.hpp"
#include "sync/session_setup.hpp"

namespace syncline::sync {
namespace {

std::string joined(const std::string& dir, const std::string& name) {
  return dir.empty() || name.empty() ? dir + name : dir + '/' + name;
}

/// As messages name where it goes to.
std::string shown_share(const RemotePlace& place) {
  auto host = "'" + escape_name(place.host) + "'";
  if (place.kind == RemotePlace::Kind::ssh || place.share.empty()) return host;
  return "share '" + escape_name(place.share) + "' of " + host;
}

}  // namespace

/// rsync's rules, as far as they depend on what is here.
RemoteCopy::PushPlaces RemoteCopy::push_places(const RemotePlace& destination) const {
  PushPlaces out;
  out.path_there = destination.path;
  out.contents = true;
  if (is_merged()) {
    out.origins = compose(sources_here_);
    out.entries = entry_names(sources_here_);
    return out;
  }
  const LocalSource& source = sources_here_.front();
  out.origins = {{source.dir, "", {}, ""}};
  if (!source.entry.empty()) {
    out.origins.front().only = out.entries = {source.entry};
    out.contents = destination.contents;
  } else if (!source.name.empty()) {
    out.path_there = joined(destination.path, source.name);
    out.rule_prefix = source.name + '/';
  }
  return out;
}

void RemoteCopy::push(const RemotePlace& destination) {
  PushPlaces places = push_places(destination);
  auto& channel = connected(destination, wire::Role::sender);
  auto open = open_for(destination, wire::Direction::push);
  open.path = places.path_there;
  open.entries = places.entries;
  open.flags = places.contents ? open.flags | wire::open_contents : open.flags & ~wire::open_contents;
  channel.send(open);
  // One entry may get another name there, and that is part of its identity.
  std::uint64_t features = wire::open_features;
  if (!is_merged() && !places.entries.empty()) {
    const auto opened = take_opened(channel);
    places.origins.front().shown_name = opened.entry;
    features = opened.features;
  }
  ReplicaOptions replica_options{places.origins, state_dir_, true,
                                 [&](const std::string& text) { events_.notice(text); }};
  replica_options.root_guard = options_.root_guard;
  replica_options.root_guard_name = options_.root_guard_name;
  auto* warm = standing_ != nullptr ? &standing_->replicas : nullptr;
  auto opened_replica = open_replica(warm, world_, replica_options);
  Replica& replica = *opened_replica;
  if (standing_ != nullptr) replica.follow(standing_->source);
  Selector selector;
  fill_selector(options_, places.rule_prefix, selector);
  SenderOptions sender;
  sender.copy = &options_;
  sender.selector = &selector;
  sender.rules = owners_;
  sender.rules.attributes = attributes_of(options_);
  sender.threads = threads();
  sender.receiver_features = features;
  sender.cache_path = state_dir_ + "/recent-chunks.db";
  if (standing_ != nullptr) sender.blocks = &standing_->blocks;
  sender.place = shown_share(destination);
  sender.asks_for_all = is_unlike_;
  sender.incomplete = sources_here_.size() < options_.sources.size();
  sender.peer_label = destination.peer() + ' ' + open.share + '/' + open.path + '/';
  if (!is_merged() && !open.entries.empty()) sender.peer_label += open.entries.front();
  SenderResult result;
  try {
    const ProgressTicker ticker(events_, [&] { return channel.sent_bytes(); });
    result = run_sender(replica, channel, events_, sender);
  } catch (const Error&) {
    if (!replica.state_damaged()) throw;
    replica.set_aside_state();
    throw Error(Errc::disconnected, "a damaged state was set aside");
  }
  in_step_ = result.in_step;
  is_unlike_ = result.is_unlike;
  add_to_report(report_, events_.counters, std::move(result), replica.tree());
  if (warm != nullptr) warm->keep(std::move(opened_replica));
}

}  // namespace syncline::sync
