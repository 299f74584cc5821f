// SPDX-License-Identifier: Apache-2.0
// A local copy: both roles in one process, joined by a pipe.
#include "sync/copy.hpp"

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/kept_thread.hpp"
#include "sync/places.hpp"
#include "sync/receiver.hpp"
#include "sync/sender.hpp"
#include "sync/session.hpp"
#include "sync/session_report.hpp"
#include "sync/session_setup.hpp"
#include "sync/standing_copy.hpp"

namespace syncline::sync {
namespace {

class Copy {
 public:
  Copy(const World& source, const World& target, const CopyOptions& options, const CopyObserver& observer,
       const MakeLink& make_link, Standing* standing)
      : source_world_(source),
        target_world_(target),
        options_(options),
        events_(observer),
        make_link_(make_link),
        standing_(standing) {}
  CopyReport run();

 private:
  void run_place(const Place& place);
  bool try_place(const Place& place);
  bool run_session(Replica& source, Replica& target, const Place& place);
  std::string prepare_target(const Place& place, const ReplicaOptions& options);

  const World& source_world_;
  const World& target_world_;
  CopyOptions options_;
  Events events_;
  const MakeLink& make_link_;
  Standing* const standing_;
  CopyReport report_;
  std::string state_dir_;
  bool is_incomplete_ = false;  ///< a source is missing
  bool in_step_ = false;
  bool is_unlike_ = false;  ///< after the last session
};

/// Each moves its log into its database and waits for the disk: both at once, by the thread that has just
/// become free.
void close_both(std::unique_ptr<Replica>& one, std::unique_ptr<Replica>& other) {
  KeptThread closing;
  try {
    closing = KeptThread("receive", [&] { one.reset(); });
  } catch (const std::system_error&) {
    // No thread to be had: one after the other.
  }
  other.reset();
}

/// The target directory, made when it is missing; for a dry run an empty stand-in.
std::string Copy::prepare_target(const Place& place, const ReplicaOptions& options) {
  if (target_world_.files->stat_path(place.target_dir, true)) return place.target_dir;
  if (!options_.dry_run) {
    Replica::check_missing(target_world_, options);
    target_world_.files->make_dirs(place.target_dir, 0777);
    return place.target_dir;
  }
  std::string stand_in = state_dir_ + "/dry-run-target";
  target_world_.files->make_dirs(stand_in, 0700);
  return stand_in;
}

/// A damaged state is a cache lost, no reason to stop: the session is begun anew without it. Each side's may
/// be found in a session of its own; what is damaged then was so within this run.
void Copy::run_place(const Place& place) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (!try_place(place)) continue;
    if (!is_unlike_) return;
    prepare_another(events_, options_, report_);
    if (try_place(place)) return;
  }
  throw Error(Errc::corrupt, "new state in '" + escape_name(state_dir_) + "'");
}

/// False when a state turned out to be damaged: it is set aside, and nothing of the session counts.
bool Copy::try_place(const Place& place) {
  const auto notice = [&](const std::string& text) { events_.notice(text); };
  ReplicaOptions target_options{{{place.target_dir, "", place.target_names, ""}}, state_dir_, false, notice};
  ReplicaOptions source_options{place.origins, state_dir_, true, notice};
  for (auto* one : {&source_options, &target_options}) {
    one->root_guard = options_.root_guard;
    one->root_guard_name = options_.root_guard_name;
  }
  target_options.origins.front().path = prepare_target(place, target_options);
  auto* warm = standing_ != nullptr ? &standing_->replicas : nullptr;
  auto target = open_replica(warm, target_world_, target_options);
  auto source = open_replica(warm, source_world_, source_options);
  if (standing_ != nullptr) {
    follow_tree(*target);
    source->follow(standing_->source);
  }
  const CounterMark before(events_.counters);
  if (!run_session(*source, *target, place)) {
    before.restore(events_.counters);
    if (source->state_damaged()) source->set_aside_state();
    if (target->state_damaged()) target->set_aside_state();
    return false;
  }
  if (warm != nullptr) {
    warm->keep(std::move(target), Standing::told);
    warm->keep(std::move(source));
    return true;
  }
  close_both(target, source);
  return true;
}

/// False as try_place().
bool Copy::run_session(Replica& source, Replica& target, const Place& place) {
  Selector selector;
  fill_selector(options_, place.rule_prefix, selector);
  auto [here, there] = make_link_();
  wire::Channel sending(std::move(here), wire::Role::sender, channel_options(options_, *source_world_.clock));
  wire::Channel receiving(std::move(there), wire::Role::receiver, {.level = options_.compress_level});
  const unsigned threads =
      options_.threads != 0 ? options_.threads : std::max(1u, std::thread::hardware_concurrency());

  ReceiverOptions receiver;
  receiver.update = static_cast<patch::UpdateMode>(options_.update);
  receiver.durability = static_cast<patch::Durability>(options_.durability);
  receiver.threads = threads;
  receiver.one_file_system = options_.one_file_system;
  receiver.notice = [&](const std::string& text) { events_.notice(text); };
  std::exception_ptr receiver_error;
  KeptThread receiver_thread("receive", [&] {
    try {
      run_receiver(target, receiving, receiver);
    } catch (...) {
      receiver_error = std::current_exception();
    }
  });

  SenderOptions sender;
  sender.copy = &options_;
  sender.selector = &selector;
  sender.rules.attributes = attributes_of(options_);
  if (options_.chown) parse_chown(*options_.chown, sender.rules, *target_world_.accounts);
  sender.threads = threads;
  sender.cache_path = state_dir_ + "/recent-chunks.db";
  if (standing_ != nullptr) sender.blocks = &standing_->blocks;
  sender.incomplete = is_incomplete_;
  sender.asks_for_all = is_unlike_;
  SenderResult result;
  std::exception_ptr sender_error;
  try {
    const ProgressTicker ticker(events_, [&] { return sending.sent_bytes(); });
    result = run_sender(source, sending, events_, sender);
  } catch (...) {
    sender_error = std::current_exception();
    sending.close();
  }
  receiver_thread.join();
  if (source.state_damaged() || target.state_damaged()) return false;
  if (const auto cause = first_cause(sender_error, receiver_error)) std::rethrow_exception(cause);

  report_.sent_bytes += sending.sent_bytes();
  report_.received_bytes += sending.received_bytes();
  in_step_ = result.in_step;
  is_unlike_ = result.is_unlike;
  add_to_report(report_, events_.counters, std::move(result), source.tree());
  return true;
}

CopyReport Copy::run() {
  const auto begun = std::chrono::steady_clock::now();
  check_source_count(options_);
  state_dir_ = state_directory(options_);
  target_world_.files->make_dirs(state_dir_, 0700);
  const auto sources = find_sources(source_world_, options_, [&](const std::string& source) {
    is_incomplete_ = true;
    events_.error(missing_source(source));
  });
  if (!sources.empty()) run_place(resolve(source_world_, options_, sources));
  const Counters& counters = events_.counters;
  report_.bytes_matched = counters.matched_bytes;
  report_.bytes_literal = counters.literal_bytes;
  report_.content_read_bytes += counters.read_bytes;
  report_.errors = counters.errors;
  report_.exit_code = counters.worst_exit_code;
  report_.in_step = in_step_ && counters.errors == 0;
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return report_;
}

}  // namespace

CopyReport run_copy(const World& source_world, const World& target_world, const CopyOptions& options,
                    const CopyObserver& observer, const MakeLink& make_link, Standing* standing) {
  return Copy(source_world, target_world, options, observer, make_link, standing).run();
}

}  // namespace syncline::sync
