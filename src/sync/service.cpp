// SPDX-License-Identifier: Apache-2.0
// One session at the server's end.
#include "sync/service.hpp"

#include <atomic>
#include <cerrno>

#include "base/limits.hpp"
#include "sync/places.hpp"
#include "sync/pull_options.hpp"
#include "sync/receiver.hpp"
#include "sync/sender.hpp"
#include "sync/session.hpp"
#include "sync/session_setup.hpp"

namespace syncline::sync {
namespace {

constexpr std::uint32_t level_max = 19;

/// A directory of a share, or entries of it.
struct Target {
  Origin origin;
  std::string lock_key;
  RelPath dir;  ///< below the share's root
  bool is_missing = false;
  std::string name;  ///< of what was asked for
};

/// The directory that both are in.
std::string common_dir(const std::string& one, const std::string& other) {
  std::size_t end = 0;
  for (std::size_t i = 0; i <= std::min(one.size(), other.size()); ++i) {
    const bool one_ends = i == one.size() || one[i] == '/';
    const bool other_ends = i == other.size() || other[i] == '/';
    if (one_ends && other_ends) end = i;
    if (i == one.size() || i == other.size() || one[i] != other[i]) break;
  }
  return end == 0 ? "/" : one.substr(0, end);
}

std::unique_ptr<fs::Dir> open_or_make(fs::Dir& parent, const std::string& name) {
  if (!parent.stat_at(name)) {
    try {
      parent.make_dir(name, 0777);
    } catch (const Error& error) {
      if (!error.is_errno(EEXIST)) throw;
    }
  }
  return parent.open_dir(name);
}

class Service {
 public:
  Service(const World& world, wire::Channel& channel, const ServiceOptions& options, wire::Open open)
      : world_(world), channel_(channel), options_(options), open_(std::move(open)) {}
  SessionNews run();

 private:
  void check_open() const;
  std::optional<fs::FileType> type_of(const RelPath& path) const;
  Target find_target();
  Target find_source(const std::string& text, bool contents) const;
  ServedShare other_share(const std::string& name) const;
  std::vector<Origin> find_sources(std::string& lock_key);
  Target target_of(const RelPath& dir) const;
  void make_dirs(const RelPath& path);
  void receive(Replica& replica);
  wire::Summary send(Replica& replica, const std::string& rule_prefix);
  void tell_held(const HeldPlan& held);
  void check_source(const wire::SourceId& found) const;
  template <class Action>
  auto under_its_name(Action action) const;
  std::optional<FollowedSources::Begun> begin_to_follow(const ReplicaOptions& options, bool afresh);
  bool is_standing() const { return options_.warm != nullptr && (open_.flags & wire::open_standing) != 0; }
  bool is_merged() const { return open_.pull && !open_.pull->others.empty(); }
  CopyObserver observer();
  void tell(wire::Event event, bool at_once = true);
  void tell_notice(const std::string& text);
  void note_failure(const wire::Failure& failure);
  std::string place() const;
  std::string shown_root() const;

  const World& world_;
  wire::Channel& channel_;
  const ServiceOptions& options_;
  wire::Open open_;
  ServedShare share_;
  std::unique_ptr<fs::Dir> root_;
  SessionNews news_;
  std::vector<std::string> missing_;  ///< of several sources
  std::atomic<bool> disk_is_noted_ = false;
};

void Service::check_open() const {
  if (open_.magic != wire::protocol_magic)
    throw Error(Errc::unsupported, "the client does not speak syncline's protocol");
  if (open_.version < wire::protocol_version)
    throw Error(Errc::unsupported, "protocol version " + std::to_string(open_.version) + " of the client");
  if (open_.update > 2 || open_.durability > 2) throw Error(Errc::malformed, "open");
  if ((open_.direction == wire::Direction::pull) != open_.pull.has_value())
    throw Error(Errc::malformed, "open");
  if (open_.pull && open_.pull->level.value_or(0) > level_max)
    throw Error(Errc::limit_exceeded, "compression level");
  if (open_.pull && open_.entries.size() > 1) throw Error(Errc::malformed, "open");
  if (open_.pull) check_round(open_.pull->round);
  if (is_merged() && (open_.flags & wire::open_standing) != 0)
    throw Error(Errc::unsupported, "several sources that are followed as one");
  for (const auto& name : open_.entries)
    if (name.empty() || name.find('/') != name.npos || name == "." || name == "..")
      throw Error(Errc::malformed, "name '" + escape_name(name) + "'");
}

/// Nothing where it is not there. In a confined share nothing is behind a symlink either.
std::optional<fs::FileType> Service::type_of(const RelPath& path) const {
  if (path.is_root()) return fs::FileType::directory;
  if (share_.is_unconfined) {
    const auto stat = world_.files->stat_path(share_.dir + '/' + path.text(), true);
    return stat ? std::optional(stat->type) : std::nullopt;
  }
  try {
    const auto stat = root_->open_beneath(path.parent())->stat_at(std::string(path.name()));
    return stat ? std::optional(stat->type) : std::nullopt;
  } catch (const Error& error) {
    if (error.is_errno(ENOENT)) return std::nullopt;
    throw;
  }
}

Target Service::target_of(const RelPath& dir) const {
  Target out;
  out.dir = dir;
  out.lock_key = dir.is_root() ? share_.dir : share_.dir + '/' + dir.text();
  if (share_.is_unconfined) {
    out.origin.path = out.lock_key;
  } else {
    out.origin.path = share_.dir;
    out.origin.below = dir.text();
  }
  return out;
}

/// What a pull asks for by one path.
Target Service::find_source(const std::string& text, bool contents) const {
  const auto path = path_of_peer(text);
  const auto type = type_of(path);
  const auto shown = "'" + escape_name(text) + "' in share '" + escape_name(open_.share) + "'";
  if (!type) throw Error(ENOENT, shown);
  const bool is_dir = type == fs::FileType::directory;
  if (!is_dir && contents) throw Error(ENOTDIR, shown);
  Target out = target_of(is_dir ? path : path.parent());
  out.name = path.name();
  if (!is_dir) out.origin.only = {out.name};
  return out;
}

/// Where a client may go anywhere, its paths from the root and those from its home are two shares.
ServedShare Service::other_share(const std::string& name) const {
  wire::Open other = open_;
  other.share = name;
  ServedShare out = options_.find_share(other);
  if (!out.is_unconfined || !share_.is_unconfined)
    throw Error(Errc::unsupported, "sources in several shares");
  return out;
}

/// Those of several sources that are there, as parts of one tree.
std::vector<Origin> Service::find_sources(std::string& lock_key) {
  std::vector<Origin> out;
  auto sources = open_.pull->others;
  const bool contents = (open_.flags & wire::open_contents) != 0;
  sources.insert(sources.begin(), wire::PullSource{contents, open_.share, open_.path});
  const ServedShare first = share_;
  for (const auto& source : sources) {
    share_ = source.share == open_.share ? first : other_share(source.share);
    try {
      Target found = find_source(source.path, source.contents);
      if (found.origin.only.empty() && !source.contents) found.origin.shown_name = found.name;
      lock_key = out.empty() ? found.lock_key : common_dir(lock_key, found.lock_key);
      out.push_back(std::move(found.origin));
    } catch (const Error& error) {
      if (!error.is_errno(ENOENT) && !error.is_errno(ENOTDIR)) throw;
      missing_.push_back(source.path);
    }
  }
  share_ = first;
  if (out.empty()) throw Error(ENOENT, "every source");
  return out;
}

/// rsync's rules, as far as they depend on what is there.
Target Service::find_target() {
  const bool contents = (open_.flags & wire::open_contents) != 0;
  if (open_.direction == wire::Direction::pull) {
    Target out = find_source(open_.path, contents);
    if (!out.origin.only.empty() && !open_.entries.empty()) out.origin.shown_name = open_.entries.front();
    if (open_.path.empty()) out.name = open_.share;
    return out;
  }
  const auto path = path_of_peer(open_.path);
  const auto type = type_of(path);
  const bool is_dir = type == fs::FileType::directory;
  const bool into = is_dir || contents || open_.entries.size() != 1;
  if (type && !is_dir && into)
    throw Error(ENOTDIR, "'" + escape_name(open_.path) + "' in share '" + escape_name(open_.share) + "'");
  const auto dir = into ? path : path.parent();
  Target out = target_of(dir);
  out.origin.only = into ? open_.entries : std::vector{std::string(path.name())};
  out.is_missing = into ? !type : !type_of(dir);
  return out;
}

void Service::make_dirs(const RelPath& path) {
  if (share_.is_unconfined) return world_.files->make_dirs(share_.dir + '/' + path.text(), 0777);
  std::unique_ptr<fs::Dir> made;
  std::string_view rest = path.text();
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    made = open_or_make(made ? *made : *root_, std::string(rest.substr(0, slash)));
    rest = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  }
}

void Service::tell(wire::Event event, bool at_once) {
  try {
    channel_.send(event);
    if (at_once) channel_.flush();
  } catch (const Error&) {
    // The client is gone; the session itself meets that as well.
  }
}

/// For whoever reads the log, and for the person at the client.
void Service::tell_notice(const std::string& text) {
  if (options_.notice) options_.notice(text);
  tell({wire::NoticeInfo{text}});
}

/// What somebody must do at this machine stands in its log as well, once: the next one fails for the same
/// reason.
void Service::note_failure(const wire::Failure& failure) {
  if (failure.syncline_code || !is_about_disk(Error(static_cast<int>(failure.code), ""))) return;
  if (disk_is_noted_.exchange(true) || !options_.notice) return;
  options_.notice("'" + escape_name(failure.path) + "': " + failure_event(failure, place()).cause);
}

/// What the client calls it; in an unconfined one it knows the paths themselves.
std::string Service::place() const {
  if (share_.is_unconfined) return "";
  return open_.share.empty() ? "the share" : "share '" + escape_name(open_.share) + "'";
}

std::string Service::shown_root() const {
  if (open_.path.empty()) return place();
  const auto path = "'" + escape_name(open_.path) + "'";
  return share_.is_unconfined ? path : path + " in " + place();
}

CopyObserver Service::observer() {
  CopyObserver out;
  out.on_change = [this](const ChangeEvent& event) {
    channel_.send(wire::Event{wire::ChangeInfo{event.itemized, event.path, event.link_target,
                                               event.renamed_from, event.edited_in_destination}});
  };
  out.on_error = [this](const ErrorEvent& event) {
    tell({wire::ErrorInfo{event.path, event.cause, event.next, static_cast<std::uint8_t>(event.exit_code),
                          event.side == "destination"}});
  };
  out.on_notice = [this](const std::string& text) { tell({wire::NoticeInfo{text}}); };
  out.on_progress = [this](const ProgressEvent& event) {
    const wire::ProgressInfo progress{static_cast<std::uint8_t>(event.phase),
                                      event.files_scanned,
                                      event.files_done,
                                      event.files_total,
                                      event.bytes_done,
                                      event.bytes_total,
                                      event.matched_bytes};
    // Of a transfer it goes with what is transferred.
    tell({progress}, event.phase == ProgressEvent::Phase::scanning);
  };
  out.cancelled = options_.cancelled;
  return out;
}

void Service::receive(Replica& replica) {
  ReceiverOptions receiver;
  receiver.update = static_cast<patch::UpdateMode>(open_.update);
  receiver.durability = std::max(static_cast<patch::Durability>(open_.durability), share_.durability_min);
  receiver.threads = share_.threads;
  receiver.one_file_system = (open_.flags & wire::open_one_file_system) != 0;
  receiver.may_delete = share_.may_delete;
  receiver.place = place();
  receiver.notice = [this](const std::string& text) { tell_notice(text); };
  receiver.on_failure = [this](const wire::Failure& failure) { note_failure(failure); };
  receiver.cancelled = options_.cancelled;
  news_.in_step = run_receiver(replica, channel_, receiver).in_step;
}

/// What is held by name, and how many more there are.
void Service::tell_held(const HeldPlan& held) {
  const auto tell_all = [&](const HeldBack& back, bool is_deletion) {
    for (const auto& event : back.first)
      channel_.send(wire::Event{wire::HeldInfo{
          is_deletion,
          {event.itemized, event.path, event.link_target, event.renamed_from, event.edited_in_destination}}});
  };
  tell_all(held.deletions, true);
  tell_all(held.changes, false);
}

/// Of a client that knew this directory before: what it is to delete is not to depend on whether a file
/// system is mounted here.
void Service::check_source(const wire::SourceId& found) const {
  if (!open_.pull || open_.pull->round.source == wire::SourceId{} || found == open_.pull->round.source)
    return;
  throw Error(Errc::replaced, shown_root());
}

/// Of a directory that the client is to be told of; nothing where it cannot be.
std::optional<FollowedSources::Begun> Service::begin_to_follow(const ReplicaOptions& options, bool afresh) {
  if (!is_standing() || !open_.pull || !options.origins.front().only.empty()) return std::nullopt;
  auto origin = options.origins.front();
  // What the path leads to by then.
  if (!share_.typed_dir.empty()) origin.path = share_.typed_dir;
  const auto open_root = [world = world_, origin] { return open_origin(world, origin); };
  return options_.sources->begin(Replica::state_path(world_, options), open_root, afresh);
}

/// Returns what the client is to be told at last.
wire::Summary Service::send(Replica& replica, const std::string& rule_prefix) {
  SenderOptions sender;
  CopyOptions copy = copy_options(open_, sender.rules);
  wire::ChannelOptions sending;
  sending.level = copy.compress_level;
  sending.rates = wire::RateTable(open_.pull->rates, open_.pull->week_second, world_.clock->now_ns());
  sending.rates.set_ceiling(share_.bwlimit);
  sending.clock = world_.clock;
  channel_.set_options(sending);
  Selector selector;
  fill_selector(copy, rule_prefix, selector);
  sender.copy = &copy;
  sender.selector = &selector;
  sender.rules.attributes = attributes_of(copy);
  sender.threads = share_.threads;
  sender.tells_failures = false;
  sender.receiver_features = open_.features;
  sender.cache_path = share_.state_dir + "/recent-chunks.db";
  if (is_standing()) {
    sender.blocks = options_.blocks;
    sender.peer_label =
        "client " + (share_.state_owner.empty() ? std::string() : share_.state_owner + ' ') + open_.path;
  }
  const CopyObserver observing = observer();
  Events events(observing);
  for (const auto& source : missing_) events.error(missing_source(source));
  sender.incomplete = !missing_.empty();
  SenderResult result;
  {
    const ProgressTicker ticker(events, [] { return std::uint64_t{0}; });
    result = run_sender(replica, channel_, events, sender);
  }
  const Counters& counters = events.counters;
  wire::Summary summary;
  summary.files_total = replica.tree().file_count;
  summary.bytes_total = replica.tree().byte_count;
  summary.files_changed = result.files_changed;
  summary.files_deleted = result.files_deleted;
  summary.files_renamed = result.files_renamed;
  summary.bytes_changed = result.bytes_changed;
  summary.bytes_matched = counters.matched_bytes;
  summary.bytes_literal = counters.literal_bytes;
  summary.content_read_bytes = counters.read_bytes;
  summary.errors = counters.errors;
  summary.exit_code = static_cast<std::uint8_t>(counters.worst_exit_code);
  summary.in_step = result.in_step;
  summary.delete_limit_reached = result.delete_limit_reached;
  news_.files_changed = result.files_changed;
  news_.in_step = result.in_step;
  if ((open_.flags & wire::open_round) == 0) return summary;
  tell_held(result.held);
  summary.round = wire::RoundSummary{result.deletions_held,
                                     result.changes_held,
                                     result.held.deletions.more,
                                     result.held.changes.more,
                                     replica.is_composed() ? wire::SourceId{} : root_id(replica.root()),
                                     false};
  if (!result.mounts.empty() || !result.missing_mount.empty())
    summary.mounts = wire::RoundMounts{std::move(result.mounts), std::move(result.missing_mount)};
  return summary;
}

/// What it is called here is not the client's to know.
template <class Action>
auto Service::under_its_name(Action action) const {
  try {
    return action();
  } catch (const Error& error) {
    if (!error.is(Errc::replaced)) throw;
    throw Error(Errc::replaced, shown_root());
  }
}

SessionNews Service::run() {
  check_open();
  share_ = options_.find_share(open_);
  const bool push = open_.direction == wire::Direction::push;
  news_ = {open_.share, open_.path, push, 0, false};
  if (push && !share_.may_write)
    throw Error(EROFS, "share '" + escape_name(open_.share) + "' may not be written to");
  channel_.set_rate_ceiling(share_.bwlimit);
  root_ = world_.files->open_root(share_.dir);
  ReplicaOptions replica_options;
  replica_options.state_dir = share_.state_dir;
  replica_options.state_owner = share_.state_owner;
  replica_options.is_source = !push;
  replica_options.notice = [this](const std::string& text) { tell_notice(text); };
  replica_options.note = options_.notice;
  if ((open_.flags & wire::open_same_root) != 0) replica_options.root_guard = RootGuard::keep;
  if ((open_.flags & wire::open_take_root) != 0) replica_options.root_guard = RootGuard::take;
  Target target;
  if (is_merged()) {
    replica_options.origins = find_sources(target.lock_key);
  } else {
    target = find_target();
    replica_options.origins = {target.origin};
  }
  if (open_.pull && open_.pull->round.source != wire::SourceId{})
    check_source(Replica::root_id(world_, replica_options));  // before anything is made of it
  const auto& only = target.origin.only;
  channel_.send(wire::Opened{wire::protocol_version, wire::open_features,
                             only.size() == 1 ? only.front() : std::string(), share_.bwlimit});
  // Else our hello comes soon.
  if (!push && !is_standing()) channel_.flush();
  const auto reservation =
      options_.reserve ? options_.reserve(target.lock_key, push ? PlaceUse::write : PlaceUse::read) : nullptr;
  if (target.is_missing && (open_.flags & wire::open_dry_run) != 0) {
    // An empty stand-in: nothing is there, and nothing is made.
    const std::string stand_in = share_.state_dir + "/dry-run-target";
    world_.files->make_dirs(stand_in, 0700);
    replica_options.origins = {{stand_in, "", only, ""}};
  } else if (target.is_missing) {
    under_its_name([&] { Replica::check_missing(world_, replica_options); });
    try {
      make_dirs(target.dir);
    } catch (const Error&) {
      std::rethrow_exception(located(std::current_exception(), place(), *root_));
    }
  }
  const bool is_afresh = (open_.flags & wire::open_afresh) != 0;
  const auto begun = begin_to_follow(replica_options, is_afresh);
  // A session of its own would not give back what others come for.
  auto kept = under_its_name([&] {
    return open_replica(is_standing() ? options_.warm : nullptr, world_, replica_options, is_afresh);
  });
  Replica& replica = *kept;
  if (!push && !replica.is_composed()) check_source(root_id(replica.root()));
  if (is_standing()) follow_tree(replica);
  const bool has_own_name = !is_merged() && only.empty() && (open_.flags & wire::open_contents) == 0;
  wire::Summary summary;
  try {
    if (push) receive(replica);
    else summary = send(replica, has_own_name ? target.name + '/' : "");
  } catch (const Error&) {
    // What the damaged state made of the session says nothing: without it the client's next try goes well.
    if (!replica.state_damaged()) throw;
    replica.set_aside_state();
    throw Error(Errc::disconnected, "a damaged state of the server was set aside");
  }
  if (is_standing()) options_.warm->keep(std::move(kept), options_.client);
  if (push) return news_;
  if (summary.round && is_standing())
    summary.round->is_followed = options_.sources->follow(options_.client, begun);
  channel_.send(summary);
  channel_.flush();
  return news_;
}

}  // namespace

SessionNews serve_session(const World& world, wire::Channel& channel, wire::Open open,
                          const ServiceOptions& options) {
  try {
    return Service(world, channel, options, std::move(open)).run();
  } catch (const std::exception& error) {
    tell_fatal(channel, error);
    throw;
  }
}

}  // namespace syncline::sync
