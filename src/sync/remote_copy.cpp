// SPDX-License-Identifier: Apache-2.0
// The client's end: sessions over one connection, and trying again.
#include "sync/remote_copy.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/limits.hpp"
#include "sync/places.hpp"
#include "sync/pull_options.hpp"
#include "sync/receiver.hpp"
#include "sync/sender.hpp"
#include "sync/session.hpp"
#include "sync/session_setup.hpp"
#include "sync/standing_copy.hpp"

namespace syncline::sync {
namespace {

constexpr auto pause_first = std::chrono::milliseconds(500);
constexpr auto pause_longest = std::chrono::milliseconds(30'000);
constexpr auto poll_interval = std::chrono::milliseconds(100);
/// A connection that brought this much was worth it: the pauses begin anew.
constexpr std::uint64_t progress_bytes_min = 64 * limits::kib;

bool is_worth_another_try(const Error& error, bool was_connected) {
  // Refused by a server that is just starting again.
  return is_lost_link(error) || (was_connected && error.is_errno(ECONNREFUSED));
}

std::string joined(const std::string& dir, const std::string& name) {
  return dir.empty() || name.empty() ? dir + name : dir + '/' + name;
}

ChangeEvent change_of(const wire::ChangeInfo& change) {
  return {change.itemized, change.path, change.link_target, change.renamed_from, change.edited};
}

/// As messages name where it goes to.
std::string shown_share(const RemotePlace& place) {
  auto host = "'" + escape_name(place.host) + "'";
  if (place.kind == RemotePlace::Kind::ssh || place.share.empty()) return host;
  return "share '" + escape_name(place.share) + "' of " + host;
}

class RemoteCopy {
 public:
  RemoteCopy(const World& world, const CopyOptions& options, const CopyObserver& observer, const Dial& dial,
             Standing* standing)
      : world_(world), options_(options), events_(observer), dial_(dial), standing_(standing) {}
  CopyReport run();

 private:
  void find_places();
  void copy();
  void try_copy();
  void push(const RemotePlace& destination);
  void pull();
  /// What is sent, and where the server is to put it.
  struct PushPlaces {
    std::vector<Origin> origins;
    std::string path_there;
    std::vector<std::string> entries;
    std::string rule_prefix;
    bool contents = false;  ///< the path there must be a directory
  };
  PushPlaces push_places(const RemotePlace& destination) const;
  struct PullPlaces {
    bool exists = false;
    bool is_dir = false;
    std::string dir;
    std::string entry_dir;
    std::vector<std::string> entries;
  };
  PullPlaces pull_places() const;
  ReplicaOptions pull_target(const PullPlaces& places, bool one_entry) const;
  bool is_merged() const { return options_.sources.size() > 1; }
  /// A pull that is one of several, or that a guard is to look over.
  bool is_round() const { return standing_ != nullptr || options_.guard_deletes || options_.guard_changes; }
  wire::Channel& connected(const RemotePlace& place, wire::Role role);
  wire::Open open_for(const RemotePlace& place, wire::Direction direction) const;
  wire::Opened take_opened(wire::Channel& channel) const;
  wire::Open open_for_pull(const RemotePlace& source) const;
  void check_features(const wire::Opened& opened) const;
  void take_summary(wire::Channel& channel, const ReceiverResult& result);
  void take_round(const wire::RoundSummary& round);
  void on_held(const wire::HeldInfo& held);
  void hang_up();
  void take_kept();
  void keep_channel();
  void pause(unsigned tries, const Error& cause);
  void on_event(const wire::Event& event);
  void on_failure(const wire::Failure& failure);
  ReceiverOptions receiver_options();
  void finish_report();
  unsigned threads() const {
    return options_.threads != 0 ? options_.threads : std::max(1u, std::thread::hardware_concurrency());
  }

  const World& world_;
  const CopyOptions& options_;
  Events events_;
  const Dial& dial_;
  Standing* const standing_;
  bool is_kept_ = false;  ///< channel_ is that of the round before
  IdentityRules owners_;
  std::optional<RemotePlace> destination_;
  std::vector<LocalSource> sources_here_;   ///< of a push: those that are there
  std::vector<RemotePlace> sources_there_;  ///< of a pull
  std::string state_dir_;
  std::unique_ptr<wire::Channel> channel_;
  std::string peer_;  ///< of channel_
  bool pushes_ = false;
  bool was_connected_ = false;
  std::uint64_t out_bytes_ = 0;  ///< of connections that are closed
  std::uint64_t in_bytes_ = 0;
  CopyReport report_;
  bool in_step_ = false;
};

wire::Channel& RemoteCopy::connected(const RemotePlace& place, wire::Role role) {
  const auto options = channel_options(options_, *world_.clock);
  if (channel_ && peer_ != place.peer()) hang_up();
  if (channel_) {
    channel_->begin_session(wire::Conversation::asking(role), options);
    return *channel_;
  }
  channel_ = std::make_unique<wire::Channel>(dial_(place), wire::Conversation::asking(role), options);
  peer_ = place.peer();
  was_connected_ = true;
  return *channel_;
}

void RemoteCopy::hang_up() {
  if (!channel_) return;
  channel_->close();
  out_bytes_ += channel_->sent_bytes();
  in_bytes_ += channel_->received_bytes();
  channel_.reset();
}

/// The connection of the round before; what crossed it then does not count.
void RemoteCopy::take_kept() {
  if (standing_ == nullptr || !standing_->channel) return;
  channel_ = std::move(standing_->channel);
  peer_ = std::move(standing_->peer);
  is_kept_ = was_connected_ = true;
  out_bytes_ -= channel_->sent_bytes();
  in_bytes_ -= channel_->received_bytes();
}

void RemoteCopy::keep_channel() {
  if (!channel_) return;
  if (standing_ == nullptr) {
    channel_->part();  // a round trip less
    return hang_up();
  }
  out_bytes_ += channel_->sent_bytes();
  in_bytes_ += channel_->received_bytes();
  standing_->channel = std::move(channel_);
  standing_->peer = std::move(peer_);
}

wire::Open RemoteCopy::open_for(const RemotePlace& place, wire::Direction direction) const {
  wire::Open open;
  open.features = wire::open_features;
  open.direction = direction;
  open.share = place.share;
  open.path = place.path;
  open.flags = (options_.dry_run ? wire::open_dry_run : 0u) |
               (options_.one_file_system ? wire::open_one_file_system : 0u) |
               (standing_ != nullptr ? wire::open_standing : 0u) |
               (place.contents ? wire::open_contents : 0u);
  open.update = static_cast<std::uint8_t>(options_.update);
  open.durability = static_cast<std::uint8_t>(options_.durability);
  return open;
}

wire::Opened RemoteCopy::take_opened(wire::Channel& channel) const {
  auto opened = take<wire::Opened>(expect_message(channel));
  take_terms(channel, opened);
  return opened;
}

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
  report_.files_total = replica.tree().file_count;
  report_.bytes_total = replica.tree().byte_count;
  report_.files_changed = result.files_changed;
  report_.files_deleted = result.files_deleted;
  report_.files_renamed = result.files_renamed;
  report_.bytes_changed = result.bytes_changed;
  report_.disk_written_bytes = result.receiver_written_bytes;
  report_.content_read_bytes = result.receiver_read_bytes;
  report_.root = result.receiver_root.hex();
  report_.deletions_held = result.deletions_held;
  report_.changes_held = result.changes_held;
  report_.held = std::move(result.held);
  if (result.deletions_held + result.changes_held != 0 && events_.counters.worst_exit_code == 0)
    events_.counters.worst_exit_code = 41;
  if (result.delete_limit_reached && events_.counters.worst_exit_code == 0)
    events_.counters.worst_exit_code = 25;
  in_step_ = result.in_step;
  if (warm != nullptr) warm->keep(std::move(opened_replica));
}

/// Where what the server has goes to here, under which name if it is one entry, and under which if it is a
/// directory.
RemoteCopy::PullPlaces RemoteCopy::pull_places() const {
  const auto stat = world_.files->stat_path(options_.destination, true);
  const RemotePlace& source = sources_there_.front();
  PullPlaces out;
  out.exists = stat.has_value();
  out.is_dir = stat && stat->type == fs::FileType::directory;
  out.dir = out.entry_dir = without_slashes(options_.destination);
  if (is_merged()) {
    for (const auto& one : sources_there_) out.entries.push_back(one.name());
    if (std::ranges::any_of(sources_there_, &RemotePlace::contents)) out.entries.clear();
    return out;
  }
  if (!source.contents && !source.name().empty()) out.dir += '/' + source.name();
  if (out.is_dir || options_.destination.back() == '/') {
    out.entries = {source.name()};
  } else {
    out.entry_dir = parent_name(options_.destination);
    out.entries = {base_name(options_.destination)};
  }
  return out;
}

ReplicaOptions RemoteCopy::pull_target(const PullPlaces& places, bool one_entry) const {
  if (places.exists && !places.is_dir && !one_entry)
    throw Error(Errc::usage,
                "the destination '" + escape_name(options_.destination) + "' is not a directory");
  ReplicaOptions out;
  out.state_dir = state_dir_;
  Origin origin{one_entry ? places.entry_dir : places.dir, "", {}, ""};
  if (one_entry || is_merged()) origin.only = places.entries;
  if (!world_.files->stat_path(origin.path, true)) {
    if (options_.dry_run) origin.path = state_dir_ + "/dry-run-target";
    world_.files->make_dirs(origin.path, options_.dry_run ? 0700 : 0777);
  }
  out.origins.push_back(origin);
  return out;
}

ReceiverOptions RemoteCopy::receiver_options() {
  ReceiverOptions receiver;
  receiver.update = static_cast<patch::UpdateMode>(options_.update);
  receiver.durability = static_cast<patch::Durability>(options_.durability);
  receiver.threads = threads();
  receiver.one_file_system = options_.one_file_system;
  receiver.notice = [this](const std::string& text) { events_.notice(text); };
  receiver.cancelled = [this] { return events_.cancelled(); };
  receiver.on_event = [this](const wire::Event& event) { on_event(event); };
  receiver.on_failure = [this](const wire::Failure& failure) { on_failure(failure); };
  receiver.on_kept = [this](const wire::Kept& kept) {
    ChangeEvent event;
    event.itemized = "*keeping   ";
    event.path = kept.path;
    event.kept_as = kept.kept_as;
    events_.change(event);
  };
  return receiver;
}

wire::Open RemoteCopy::open_for_pull(const RemotePlace& source) const {
  auto open = open_for(source, wire::Direction::pull);
  open.pull = pull_options(options_, owners_, world_.clock->now_ns());
  if (!is_round()) return open;
  open.flags |= wire::open_round;
  open.pull->round = pull_round(options_, standing_ != nullptr ? standing_->far_source->id : wire::SourceId{});
  if (standing_ != nullptr && standing_->far_source->begins_afresh) open.flags |= wire::open_afresh;
  return open;
}

/// What a person asked for in order to lose nothing must not be left out silently.
void RemoteCopy::check_features(const wire::Opened& opened) const {
  const bool wants_drift = options_.drift != Drift::heal || kept_drift(options_) != DriftKeep::none;
  if (wants_drift && (opened.features & wire::open_drift) == 0)
    throw Error(
        Errc::unsupported,
        "keeping or reporting what others changed in DST (--drift, --drift-keep), as the server has an "
        "older syncline; --drift=heal --drift-keep=none goes with it");
  if (is_round() && (opened.features & wire::open_rounds) == 0)
    throw Error(Errc::unsupported, "following a SRC on another machine, as the server has an older syncline");
  if (standing_ != nullptr && !opened.entry.empty())
    throw Error(Errc::usage, "'" + escape_name(sources_there_.front().typed) +
                                 "' is no directory; watch follows directories, 'syncline copy' brings over a "
                                 "single entry");
}

void RemoteCopy::pull() {
  const RemotePlace& source = sources_there_.front();
  auto& channel = connected(source, wire::Role::receiver);
  report_.held = {};
  auto open = open_for_pull(source);
  const auto places = pull_places();
  for (auto other = sources_there_.begin() + 1; other != sources_there_.end(); ++other)
    open.pull->others.push_back({other->contents, other->share, other->path});
  if (!is_merged()) open.entries = places.entries;
  channel.send(open);
  channel.flush();
  const auto opened = take_opened(channel);
  check_features(opened);
  auto target = pull_target(places, !opened.entry.empty());
  target.notice = [&](const std::string& text) { events_.notice(text); };
  auto* warm = standing_ != nullptr ? &standing_->replicas : nullptr;
  auto opened_replica = open_replica(warm, world_, target);
  Replica& replica = *opened_replica;
  if (standing_ != nullptr) follow_tree(replica);
  ReceiverResult result;
  try {
    result = run_receiver(replica, channel, receiver_options());
  } catch (const Error&) {
    if (!replica.state_damaged()) throw;
    replica.set_aside_state();
    throw Error(Errc::disconnected, "a damaged state was set aside");
  }
  take_summary(channel, result);
  if (warm != nullptr) warm->keep(std::move(opened_replica), Standing::told);
}

void RemoteCopy::take_summary(wire::Channel& channel, const ReceiverResult& result) {
  auto message = expect_message(channel);
  for (; std::holds_alternative<wire::Event>(message); message = expect_message(channel))
    on_event(std::get<wire::Event>(message));
  const auto summary = take<wire::Summary>(std::move(message));
  report_.files_total = summary.files_total;
  report_.bytes_total = summary.bytes_total;
  report_.files_changed = summary.files_changed;
  report_.files_deleted = summary.files_deleted;
  report_.files_renamed = summary.files_renamed;
  report_.bytes_changed = summary.bytes_changed;
  report_.bytes_matched = summary.bytes_matched;
  report_.bytes_literal = summary.bytes_literal;
  report_.disk_written_bytes = result.disk_written_bytes;
  report_.content_read_bytes = result.content_read_bytes + summary.content_read_bytes;
  report_.root = result.root.hex();
  if (summary.delete_limit_reached && events_.counters.worst_exit_code == 0)
    events_.counters.worst_exit_code = 25;
  in_step_ = summary.in_step;
  if (summary.round) take_round(*summary.round);
}

void RemoteCopy::take_round(const wire::RoundSummary& round) {
  if (!is_round()) throw Error(Errc::protocol, "a summary of a round that nobody asked for");
  if (standing_ != nullptr) {
    standing_->far_source->id = round.source;
    standing_->far_source->is_followed = round.is_followed;
  }
  report_.deletions_held = round.deletions_held;
  report_.changes_held = round.changes_held;
  report_.held.deletions.more += round.deletions_unnamed;
  report_.held.changes.more += round.changes_unnamed;
  if (round.deletions_held + round.changes_held != 0 && events_.counters.worst_exit_code == 0)
    events_.counters.worst_exit_code = 41;
}

void RemoteCopy::on_held(const wire::HeldInfo& held) {
  auto& back = held.is_deletion ? report_.held.deletions : report_.held.changes;
  if (back.first.size() < limits::held_named_max) back.first.push_back(change_of(held.change));
  else ++back.more;
}

void RemoteCopy::on_event(const wire::Event& event) {
  if (const auto* change = std::get_if<wire::ChangeInfo>(&event.what)) {
    events_.change(change_of(*change));
  } else if (const auto* held = std::get_if<wire::HeldInfo>(&event.what)) {
    on_held(*held);
  } else if (const auto* error = std::get_if<wire::ErrorInfo>(&event.what)) {
    events_.error({error->path, error->at_destination ? "destination" : "source", error->cause, error->next,
                   error->exit_code});
  } else if (const auto* notice = std::get_if<wire::NoticeInfo>(&event.what)) {
    events_.notice("the server: " + notice->text);
  } else if (events_.observer().on_progress) {
    const auto& progress = std::get<wire::ProgressInfo>(event.what);
    ProgressEvent out;
    out.phase = progress.phase == 0 ? ProgressEvent::Phase::scanning : ProgressEvent::Phase::transferring;
    out.files_scanned = progress.files_scanned;
    out.files_done = progress.files_done;
    out.files_total = progress.files_total;
    out.bytes_done = progress.bytes_done;
    out.bytes_total = progress.bytes_total;
    out.matched_bytes = progress.matched_bytes;
    out.sent_bytes = channel_->received_bytes();
    std::lock_guard lock(events_.mutex());
    events_.observer().on_progress(out);
  }
}

void RemoteCopy::on_failure(const wire::Failure& failure) { events_.error(failure_event(failure, "")); }

/// Throws Error(cancelled) when the person does not want to wait.
void RemoteCopy::pause(unsigned tries, const Error& cause) {
  const auto wanted = std::min(pause_longest, pause_first * (1u << std::min(tries, 6u)));
  std::uint8_t spread = 0;  // clients of one server that was away must not come back all at once
  world_.random->fill(std::as_writable_bytes(std::span(&spread, 1)));
  auto left = wanted - wanted / 2 * spread / 255;
  events_.notice("the connection was lost (" + std::string(cause.what()) + "); next try in " +
                 std::to_string((left.count() + 999) / 1000) + " s");
  for (; left.count() > 0; left -= poll_interval) {
    events_.check_cancelled();
    std::this_thread::sleep_for(std::min(left, poll_interval));
  }
}

void RemoteCopy::try_copy() {
  try {
    if (destination_) push(*destination_);
    else pull();
  } catch (const Error& error) {
    if (channel_ && error.is(Errc::disconnected))
      if (const auto cause = last_words(*channel_)) std::rethrow_exception(cause);
    throw;
  }
}

void RemoteCopy::copy() {
  for (unsigned tries = 0;; ++tries) {
    const CounterMark before(events_.counters);
    const auto crossed = out_bytes_ + in_bytes_;
    try {
      try_copy();
      return;
    } catch (const Error& error) {
      hang_up();
      if (out_bytes_ + in_bytes_ - crossed >= progress_bytes_min) tries = 0;
      // It may have ended since the last round, without anybody having to wait for the other side now.
      if (std::exchange(is_kept_, false) && is_lost_link(error)) {
        before.restore(events_.counters);
        continue;
      }
      if (tries >= options_.retries || !is_worth_another_try(error, was_connected_)) throw;
      before.restore(events_.counters);
      pause(tries, error);
    }
  }
}

void RemoteCopy::finish_report() {
  keep_channel();
  const Counters& counters = events_.counters;
  report_.sent_bytes = destination_ ? out_bytes_ : in_bytes_;
  report_.received_bytes = destination_ ? in_bytes_ : out_bytes_;
  report_.bytes_matched += counters.matched_bytes;
  report_.bytes_literal += counters.literal_bytes;
  report_.content_read_bytes += counters.read_bytes;
  report_.errors = counters.errors;
  report_.exit_code = counters.worst_exit_code;
  report_.in_step = in_step_ && counters.errors == 0;
}

void RemoteCopy::find_places() {
  destination_ = parse_remote(options_.destination);
  for (const auto& source : options_.sources) {
    auto there = parse_remote(source);
    if (there && destination_) throw Error(Errc::usage, "SRC and DST cannot both be on other machines");
    if (!there && !destination_)
      throw Error(Errc::usage,
                  "'" + escape_name(source) + "' is here while another SRC is on another machine");
    if (there) sources_there_.push_back(std::move(*there));
  }
  for (const auto& source : sources_there_) {
    const RemotePlace& first = sources_there_.front();
    const bool is_other_share = source.kind == RemotePlace::Kind::server && source.share != first.share;
    if (source.peer() != first.peer() || is_other_share)
      throw Error(Errc::usage, "'" + escape_name(source.typed) +
                                   "' is not in the same share of the same server as '" +
                                   escape_name(first.typed) + "'; copy from one after the other");
  }
  if (!destination_) return;
  sources_here_ = find_sources(world_, options_,
                               [&](const std::string& source) { events_.error(missing_source(source)); });
}

CopyReport RemoteCopy::run() {
  const auto begun = std::chrono::steady_clock::now();
  check_source_count(options_);
  find_places();
  if (options_.chown) parse_chown(*options_.chown, owners_, *world_.accounts);
  state_dir_ = state_directory(options_);
  world_.files->make_dirs(state_dir_, 0700);
  take_kept();
  try {
    if (!destination_ || !sources_here_.empty()) copy();
  } catch (const Error& error) {
    if (destination_ || !error.is_errno(ENOENT)) throw;
    // Nothing is there where something was.
    if (standing_ != nullptr && standing_->far_source->id != wire::SourceId{})
      throw Error(Errc::replaced, error.context());
    for (const auto& source : options_.sources) events_.error(missing_source(source));
  }
  finish_report();
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return report_;
}

}  // namespace

bool is_remote(const CopyOptions& options) {
  return parse_remote(options.destination).has_value() ||
         std::ranges::any_of(options.sources, [](const auto& one) { return parse_remote(one).has_value(); });
}

CopyReport run_remote_copy(const World& world, const CopyOptions& options, const CopyObserver& observer,
                           const Dial& dial, Standing* standing) {
  return RemoteCopy(world, options, observer, dial, standing).run();
}

}  // namespace syncline::sync
