// SPDX-License-Identifier: Apache-2.0
// The client as the receiver.
#include "base/limits.hpp"
#include "sync/pull_options.hpp"
#include "sync/remote_copy_session.hpp"
#include "sync/session.hpp"
#include "sync/session_report.hpp"

namespace syncline::sync {
namespace {

ChangeEvent change_of(const wire::ChangeInfo& change) {
  return {change.itemized, change.path, change.link_target, change.renamed_from, change.edited};
}

}  // namespace

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
    if (!source.name().empty()) out.entries = {source.name()};  // none has only a share without a name
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
  out.root_guard = options_.root_guard;
  out.root_guard_name = options_.root_guard_name;
  out.origins.push_back(origin);
  if (!world_.files->stat_path(origin.path, true)) {
    if (!options_.dry_run) Replica::check_missing(world_, out);
    if (options_.dry_run) origin.path = state_dir_ + "/dry-run-target";
    world_.files->make_dirs(origin.path, options_.dry_run ? 0700 : 0777);
    out.origins.front() = origin;
  }
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
  open.pull->round =
      pull_round(options_, standing_ != nullptr ? standing_->far_source->id : wire::SourceId{});
  if (!open.pull->round.mounts.empty()) open.flags |= wire::open_mounts;
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
    throw Error(Errc::usage,
                "'" + escape_name(sources_there_.front().typed) +
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
  auto summary = take<wire::Summary>(std::move(message));
  report_.files_total = summary.files_total;
  report_.bytes_total = summary.bytes_total;
  report_.files_changed += summary.files_changed;
  report_.files_deleted += summary.files_deleted;
  report_.files_renamed += summary.files_renamed;
  report_.bytes_changed += summary.bytes_changed;
  report_.bytes_matched += summary.bytes_matched;
  report_.bytes_literal += summary.bytes_literal;
  report_.disk_written_bytes += result.disk_written_bytes;
  report_.content_read_bytes += result.content_read_bytes + summary.content_read_bytes;
  report_.root = result.root.hex();
  report_.is_alike = result.is_alike;
  count_guards(events_.counters, 0, summary.delete_limit_reached);
  in_step_ = summary.in_step;
  is_unlike_ = result.is_unlike;
  if (summary.round) take_round(*summary.round);
  auto mounts = std::move(summary.mounts).value_or(wire::RoundMounts{});
  report_.mounts = std::move(mounts.now);
  report_.missing_mount = std::move(mounts.missing);
}

void RemoteCopy::take_round(const wire::RoundSummary& round) {
  if (!is_round()) throw Error(Errc::protocol, "a summary of a round that nobody asked for");
  if (standing_ != nullptr) {
    auto& known = standing_->far_source->id;
    if (known != wire::SourceId{} && known != round.source)
      throw Error(Errc::replaced, sources_there_.front().typed);
    known = round.source;
    standing_->far_source->is_followed = round.is_followed;
  }
  report_.deletions_held = round.deletions_held;
  report_.changes_held = round.changes_held;
  report_.held.deletions.more += round.deletions_unnamed;
  report_.held.changes.more += round.changes_unnamed;
  count_guards(events_.counters, round.deletions_held + round.changes_held, false);
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

}  // namespace syncline::sync
