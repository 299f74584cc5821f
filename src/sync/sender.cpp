// SPDX-License-Identifier: Apache-2.0
// The sending role: handshake, comparison, plan, and the agreement at the end.
#include "sync/sender.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "sync/index.hpp"
#include "sync/owners.hpp"
#include "sync/sender_session.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

constexpr std::size_t list_request_dirs = 4096;

}  // namespace

wire::Message Sender::expect() {
  for (;;) {
    auto message = expect_message(channel_);
    const auto* event = std::get_if<wire::Event>(&message);
    if (event == nullptr) return message;
    on_event(*event);
  }
}

/// Only a server that receives sends events here, and what it has to say is a notice.
void Sender::on_event(const wire::Event& event) {
  const auto* notice = std::get_if<wire::NoticeInfo>(&event.what);
  if (notice == nullptr) throw Error(Errc::protocol, "an event from the receiver that is no notice");
  events_.notice("the server: " + notice->text);
}

/// Over a network we begin under the guess that the receiver is who it was last time: its hello then comes
/// with its roots, and all is said in one round trip.
void Sender::shake_hands() {
  wire::Hello hello;
  hello.replica_id = replica_.id();
  channel_.send(hello);
  if (!options_.peer_label.empty()) guess_ = replica_.last_peer(options_.peer_label);
  if (guess_) return begin(*guess_);
  channel_.flush();
  begin(take_hello());
}

wire::Hello Sender::take_hello() {
  auto message = expect();
  if (const auto* opened = std::get_if<wire::Opened>(&message)) {
    take_terms(channel_, *opened);
    receiver_features_ = opened->features;
    message = expect();
  }
  const auto reply = take<wire::Hello>(std::move(message));
  check_hello(reply);
  check_drift();
  if (!options_.peer_label.empty() && reply != guess_) replica_.save_last_peer(options_.peer_label, reply);
  return reply;
}

/// What a person asked for in order to lose nothing must not be left out silently.
void Sender::check_drift() const {
  if (knows_drift()) return;
  if (options_.copy->drift == Drift::heal && kept_drift(*options_.copy) == DriftKeep::none) return;
  throw Error(
      Errc::unsupported,
      "keeping or reporting what others changed in DST (--drift, --drift-keep), as the receiving side has "
      "an older syncline; --drift=heal --drift-keep=none goes with it");
}

/// `receiver`: as it said, or as we guess.
void Sender::begin(const wire::Hello& receiver) {
  receiver_ = receiver;
  peer_ = hash_hex(receiver.replica_id);
  rules_ = options_.rules;
  if ((receiver.features & wire::feature_privileged) == 0) rules_.attributes &= ~wire::attr_owner;
  if ((rules_.attributes & (wire::attr_owner | wire::attr_group)) != 0)
    rules_.owners = owners_there_ ? *owners_there_ : replica_.owners_there(owners_key());
  if (options_.copy->checksum) rules_.attributes |= wire::attr_content;
  options_digest_ = digest_of_options(*options_.copy, options_.selector, rules_);
  wire::Begin begin;
  begin.attributes = rules_.attributes;
  begin.flags = (options_.copy->dry_run ? wire::begin_dry_run : 0u) |
                (options_.copy->checksum ? wire::begin_checksum : 0u) |
                (options_.index ? wire::begin_index : 0u) | (options_.copy->sparse ? wire::begin_sparse : 0u);
  const auto keep = kept_drift(*options_.copy);
  if (knows_drift()) begin.flags |= wire::begin_drift;
  if (knows_drift() && keep == DriftKeep::beside) begin.flags |= wire::begin_keep_beside;
  if (knows_drift() && keep == DriftKeep::area) begin.flags |= wire::begin_keep_area;
  begin.options = options_digest_;
  replica_.world().random->fill(std::as_writable_bytes(std::span(&sum_key_.value, 1)));
  begin.sum_key = sum_key_.value;
  begin.backup_dir = options_.copy->backup_dir.value_or("");
  begin.guess = guess_;
  channel_.send(begin);
  channel_.flush();
}

void Sender::scan() {
  ScanOptions scan;
  scan.rules = rules_;
  scan.selector = options_.selector;
  scan.recursive = options_.copy->recursive;
  scan.one_file_system = options_.copy->one_file_system;
  scan.all_types = options_.copy->devices;
  scan.links = options_.copy->links;
  scan.threads = options_.threads;
  scan.on_unknown = [&](const std::string& path, int error_number) {
    events_.error({path, "source", std::generic_category().message(error_number),
                   "left out; what the destination has there is kept", error_number == ENOENT ? 24 : 23});
  };
  scan.on_progress = [&](std::uint64_t entries) { events_.counters.files_scanned = entries; };
  scan.cancelled = [&] {
    channel_.check();
    return events_.cancelled();
  };
  replica_.scan(scan);
  events_.counters.read_bytes += replica_.tree().content_read_bytes;
  if (options_.copy->checksum)
    verify_contents(replica_, rules_, options_.threads, events_.counters.read_bytes,
                    [&] { events_.check_cancelled(); });
  own_root_ = tree_root(replica_.tree(), rules_);
  scanned_ = true;
}

std::optional<state::Agreement> Sender::tell_roots() {
  wire::Roots roots;
  roots.root = own_root_;
  auto agreement = replica_.agreement(peer_, digest_of_agreement(options_digest_, options_.selector));
  is_content_hidden_ = !replica_.has_heard_of_hidden(peer_) || (replica_.tree().has_gone_back && !agreement);
  if (is_content_hidden_) {
    agreement.reset();
    roots.root = hash::blake3(own_root_.bytes);  // that of no tree: equal ones would prove nothing
  }
  if (agreement) roots.agreed = wire::AgreedRoots{agreement->own_root, agreement->peer_root};
  tell_owners();
  channel_.send(roots);
  channel_.flush();
  return agreement;
}

/// Numbers and owners that the person chose mean something else than names.
std::string Sender::owners_key() const {
  auto out = peer_;
  if (options_.copy->numeric_ids) out += " numeric";
  if (options_.rules.gid) out += " group " + std::to_string(*options_.rules.gid);
  return out;
}

/// Our root counts on what users and groups are over there: the receiver has to know on what.
void Sender::tell_owners() {
  const bool privileged = (receiver_.features & wire::feature_privileged) != 0;
  OwnerQuestion question;
  // Inside a process names mean the same on both sides.
  question.by_name = !options_.copy->numeric_ids && !channel_.is_local();
  question.users = question.by_name && (rules_.attributes & wire::attr_owner) != 0;
  question.groups =
      (rules_.attributes & wire::attr_group) != 0 && (!privileged || (question.by_name && !rules_.gid));
  owners_ = owners_of(replica_.tree(), rules_, *replica_.world().accounts, question);
  if (!owners_.users.empty() || !owners_.groups.empty()) channel_.send(owners_);
}

/// Our root counted on other owners than they have.
std::optional<state::Agreement> Sender::begin_with(const wire::OwnerIds& ids) {
  auto known = rules_.owners;
  take_ids(known, owners_, ids);
  replica_.save_owners_there(owners_key(), known);
  owners_there_ = std::move(known);
  begin(receiver_);
  replica_.identify_anew(rules_);
  own_root_ = tree_root(replica_.tree(), rules_);
  return tell_roots();
}

/// Tells our root, hears theirs. True when nothing is to be done.
bool Sender::compare_roots() {
  auto agreement = tell_roots();
  if (guess_) {
    const auto receiver = take_hello();
    if (receiver != *std::exchange(guess_, std::nullopt)) {
      begin(receiver);
      scan();
      agreement = tell_roots();
    }
  }
  auto message = expect();
  // Twice, if somebody changed them just now.
  for (int i = 0; i < limits::owner_rounds_max; ++i) {
    const auto* ids = std::get_if<wire::OwnerIds>(&message);
    if (ids == nullptr) break;
    agreement = begin_with(*ids);
    message = expect();
  }
  remote_roots_ = take<wire::Roots>(std::move(message));
  if (remote_roots_.agreed && !agreement) throw Error(Errc::protocol, "an agreement that was not told");
  from_records_ = remote_roots_.agreed.has_value();
  theirs_differ_ = agreement && agreement->own_root != agreement->peer_root;
  is_second_ = options_.asks_for_all || replica_.likeness(peer_) == Likeness::unlike;
  asks_for_all_ = is_second_ || is_content_hidden_;
  take_drift();
  return remote_roots_.in_step;
}

/// What a broken session left and what drifted, until the end mark.
void Sender::take_drift() {
  ListingIntake intake(replica_.tree(), remote_, listing_rules());
  for (;;) {
    auto message = expect();
    if (std::holds_alternative<wire::ListEnd>(message)) return intake.finish();
    if (remote_roots_.in_step) throw Error(Errc::protocol, "differences of a receiver that is in step");
    if (auto* partials = std::get_if<wire::Partials>(&message)) {
      take_partials(std::move(*partials));
      continue;
    }
    auto listing = take<wire::Listing>(std::move(message));
    if (!from_records_) throw Error(Errc::protocol, "a listing without an agreement");
    intake.take(std::move(listing));
  }
}

/// Files in order, each over one or several messages.
void Sender::take_partials(wire::Partials partials) {
  if (partials.number >= limits::partial_count_max)
    throw Error(Errc::limit_exceeded, "partial " + std::to_string(partials.number) +
                                          " of the receiver, which keeps " +
                                          std::to_string(limits::partial_count_max));
  const bool goes_on = !partials_.empty() && partials_.back().number == partials.number;
  if (partials.lengths.empty() || (!partials_.empty() && partials.number < partials_.back().number))
    throw Error(Errc::protocol, "a partial that is empty or was told already");
  // More than the index holds would only cost memory.
  partial_chunks_ += partials.lengths.size();
  if (partial_chunks_ > DedupeIndex::entries_max) return;
  if (!goes_on) {
    partials_.push_back(std::move(partials));
    return;
  }
  auto& whole = partials_.back();
  whole.lengths.insert(whole.lengths.end(), partials.lengths.begin(), partials.lengths.end());
  whole.offsets.insert(whole.offsets.end(), partials.offsets.begin(), partials.offsets.end());
  whole.ids.insert(whole.ids.end(), partials.ids.begin(), partials.ids.end());
}

/// In this process nobody lies.
ListingRules Sender::listing_rules() const {
  ListingRules out;
  if (!channel_.is_local()) out.extra_bytes_max = limits::listed_bytes_max;
  out.knows_drift = knows_drift();
  return out;
}

/// Takes listings until the end mark.
void Sender::collect_listing(ListingIntake& intake) {
  for (;;) {
    auto message = expect();
    if (std::holds_alternative<wire::ListEnd>(message)) return intake.finish();
    intake.take(take<wire::Listing>(std::move(message)));
  }
}

/// A directory that differs, and one that only they have, if it may go. Digests of directories tell nothing
/// of hard links: after a session that left the trees unlike each other every one is looked at. Nor of
/// content that changed under its old times and is settled with another receiver.
bool Sender::must_ask(const std::string& path, const wire::EntryInfo& theirs, const DirNode* ours) const {
  if (ours != nullptr) return asks_for_all_ || ours->tree != theirs.tree;
  return options_.copy->delete_extra &&
         (options_.selector == nullptr || !options_.selector->excluded(path, true));
}

/// Level by level from the root, only where digests differ.
void Sender::fetch_listings() {
  std::vector<std::string> level{""};
  std::vector<std::string> next;
  auto rules = listing_rules();
  rules.keeps_extra = options_.copy->delete_extra;
  rules.on_dir = [&](const std::string& path, const wire::EntryInfo& theirs, const DirNode* ours) {
    if (must_ask(path, theirs, ours)) next.push_back(path);
  };
  if (!rules.keeps_extra && knows_drift())
    rules.on_extra = [&](std::string path) { note_left(std::move(path)); };
  ListingIntake intake(replica_.tree(), remote_, std::move(rules));
  while (!level.empty()) {
    wire::ListRequest request;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < level.size(); ++i) {
      bytes += level[i].size();
      request.dirs.push_back(std::move(level[i]));
      const bool more = i + 1 < level.size();
      if (more && request.dirs.size() < list_request_dirs && bytes < limits::batch_bytes_max) continue;
      channel_.send(request);
      channel_.flush();
      intake.expect(request.dirs);
      collect_listing(intake);
      request.dirs.clear();
      bytes = 0;
    }
    level = std::exchange(next, {});
  }
}

void Sender::plan() {
  PlanOptions options;
  options.copy = options_.copy;
  options.selector = options_.selector;
  options.rules = rules_;
  options.from_records = from_records_;
  if (mounts_) options.source_is_whole = [this] { return mounts_->is_whole(); };
  if (knows_drift()) options.keep = kept_drift(*options_.copy);
  options.incomplete = options_.incomplete;
  options.may_open = !options_.copy->dry_run && !is_second_;
  options.is_content_hidden = is_content_hidden_;
  // A plan that is made from records may have to be made once more.
  std::vector<std::variant<ChangeEvent, ErrorEvent>> told;
  if (from_records_ && !remote_.empty()) {
    options.on_change = [&](const ChangeEvent& event) { told.emplace_back(event); };
    options.on_error = [&](const ErrorEvent& event) { told.emplace_back(event); };
  } else {
    options.on_change = [&](const ChangeEvent& event) { events_.change(event); };
    options.on_error = [&](const ErrorEvent& event) { events_.error(event); };
  }
  plan_ = make_plan(replica_, remote_, remote_roots_.root_entry, options);
  if (plan_.needs_listings) {
    from_records_ = options.from_records = false;
    told.clear();
    remote_.clear();
    fetch_listings();
    plan_ = make_plan(replica_, remote_, remote_roots_.root_entry, options);
  }
  for (const auto& event : told) {
    if (const auto* change = std::get_if<ChangeEvent>(&event)) events_.change(*change);
    else events_.error(std::get<ErrorEvent>(event));
  }
  remote_.clear();
  result_.files_changed = plan_.files.size() - plan_.untold_count + plan_.others.size() + plan_.links.size();
  result_.files_deleted = plan_.removes.size() + plan_.make_way_count;
  result_.files_renamed = plan_.rename_count;
  result_.bytes_changed = plan_.file_bytes - plan_.untold_bytes;
  result_.delete_limit_reached = plan_.delete_limit_reached;
  result_.deletions_held = plan_.held_removes;
  result_.changes_held = plan_.held_files.size();
  result_.held = std::move(plan_.held);
  events_.counters.files_total = plan_.files.size();
  events_.counters.bytes_total = plan_.file_bytes;
  events_.counters.transferring = true;
}

/// Nothing was done, and nothing is to be remembered: that needs no answer.
void Sender::leave() {
  channel_.send(wire::Finish{false, true, own_root_});
  channel_.flush();
  result_.receiver_root = remote_roots_.root;
  result_.is_alike = remote_roots_.root == own_root_;
}

/// One more than there may be says that any may be left.
void Sender::note_left(std::string path) {
  if (left_.size() <= limits::left_entries_max) left_.push_back({std::move(path), 0});
}

/// What of theirs is not as ours, so that the receiver knows all else to be so.
void Sender::send_left() {
  if (!knows_drift()) return;
  for (auto& path : events_.failed_paths()) note_left(std::move(path));
  auto left = std::exchange(plan_.left, {});
  left.insert(left.end(), std::make_move_iterator(left_.begin()), std::make_move_iterator(left_.end()));
  left_.clear();
  if (left.size() > limits::left_entries_max) left = {{"", 0}};
  wire::Left message;
  std::size_t bytes = 0;
  for (auto& entry : left) {
    bytes += entry.path.size();
    message.entries.push_back(std::move(entry));
    if (bytes < limits::batch_bytes_max && message.entries.size() < limits::list_items_max) continue;
    channel_.send(message);
    message.entries.clear();
    bytes = 0;
  }
  message.all = true;
  channel_.send(message);
}

void Sender::on_kept(const wire::Kept& kept) {
  ChangeEvent event;
  event.itemized = "*keeping   ";
  event.path = kept.path;
  event.kept_as = kept.kept_as;
  events_.change(event);
}

void Sender::finish(bool agree) {
  if (!finished_) {
    if (agree) replica_.settle_deviations();
    own_root_ = refreshed_root(replica_, rules_);
    channel_.send(wire::Finish{agree, false, own_root_});
    channel_.flush();
    finished_ = take<wire::Finished>(expect());
  }
  result_.receiver_root = finished_->root;
  result_.is_alike = finished_->root == own_root_;
  result_.receiver_written_bytes = finished_->disk_written_bytes;
  result_.receiver_read_bytes = finished_->content_read_bytes;
}

SenderResult Sender::run() {
  const auto& copy = *options_.copy;
  if (copy.mounts && !copy.one_file_system && !replica_.is_composed())
    mounts_.emplace(replica_, *copy.mounts);
  auto out = run_session();
  if (!mounts_) return out;
  out.mounts = mounts_->mounted(options_.selector);
  out.missing_mount = mounts_->missing();
  return out;
}

SenderResult Sender::run_session() {
  events_.forget_failed_paths();
  shake_hands();
  scan();
  if (compare_roots()) {
    result_.in_step = true;
    const bool first_meeting = !from_records_ || replica_.is_dirty();
    if (first_meeting && options_.index && !options_.copy->dry_run)
      index_contents(replica_, options_.threads, events_.counters.read_bytes,
                     [&] { events_.check_cancelled(); });
    if (!first_meeting || options_.copy->dry_run) {
      leave();
      return result_;
    }
    finish(true);
  } else {
    if (from_records_ && (!is_in_place(replica_, remote_) || has_replaced_dirs(replica_) ||
                          (theirs_differ_ && has_new_names(replica_)))) {
      from_records_ = false;
      remote_.clear();
    }
    if (!from_records_) fetch_listings();
    plan();
    if (options_.copy->dry_run) {
      result_.in_step = plan_.empty();
      finish(false);
      return result_;
    }
    transfer();
    finish(false);
    result_.files_deleted -= failed_removes_;
  }
  for (const auto id : plan_.dropped_manifests) replica_.drop_manifest(id);
  if (result_.in_step && finished_->agreed) {
    state::Agreement agreement;
    agreement.own_root = refreshed_root(replica_, rules_);
    agreement.peer_root = finished_->root;
    agreement.options = digest_of_agreement(options_digest_, options_.selector);
    agreement.at_ns = replica_.world().clock->now_ns();
    replica_.save_agreement(peer_, agreement);
    replica_.note_heard_of_hidden(peer_);
    replica_.set_likeness(peer_, Likeness::unknown);
  } else {
    replica_.forget_agreement(peer_);
    settle_gone_back();
    if (result_.is_unlike) replica_.set_likeness(peer_, Likeness::unlike);
  }
  replica_.commit(false);
  return result_;
}

/// Where nothing was hidden from this receiver it had seen the times before, so that those of now tell it
/// enough, whatever has become of the session.
void Sender::settle_gone_back() {
  if (is_content_hidden_ || !replica_.tree().has_gone_back) return;
  replica_.note_hidden();
  replica_.note_heard_of_hidden(peer_);
}

/// What was read and hashed need not be so again.
void Sender::salvage() noexcept {
  try {
    if (!scanned_ || options_.copy->dry_run) return;
    settle_gone_back();
    replica_.commit(false);
  } catch (const std::exception&) {
    // It costs time in the next session. The cause of this one's end is what is told.
  }
}

SenderResult run_sender(Replica& replica, wire::Channel& channel, Events& events,
                        const SenderOptions& options) {
  Sender sender(replica, channel, events, options);
  try {
    return sender.run();
  } catch (const Error& error) {
    if (ends_session(error)) sender.salvage();
    throw;
  }
}

}  // namespace syncline::sync
