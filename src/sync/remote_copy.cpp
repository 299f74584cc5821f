// SPDX-License-Identifier: Apache-2.0
// The client's end: sessions over one connection, and trying again.
#include "sync/remote_copy.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/limits.hpp"
#include "sync/remote_copy_session.hpp"
#include "sync/session.hpp"
#include "sync/session_report.hpp"
#include "sync/session_setup.hpp"
#include "wire/connecting.hpp"

namespace syncline::sync {
namespace {

constexpr auto pause_first = std::chrono::milliseconds(500);
constexpr auto pause_longest = std::chrono::milliseconds(30'000);
constexpr auto poll_interval = std::chrono::milliseconds(100);
/// A connection that brought this much was worth it: the pauses begin anew.
constexpr std::uint64_t progress_bytes_min = 64 * limits::kib;

bool is_worth_another_try(const Error& error, bool was_connected) {
  // Refused by a server that is just starting again.
  return is_lost_link(error) || (was_connected && (error.is_errno(ECONNREFUSED) || error.is(Errc::shell)));
}

}  // namespace

wire::Channel& RemoteCopy::connected(const RemotePlace& place, wire::Role role) {
  const auto options = channel_options(options_, *world_.clock);
  if (channel_ && peer_ != place.peer()) hang_up();
  if (channel_) {
    channel_->begin_session(wire::Conversation::asking(role), options);
    return *channel_;
  }
  channel_ =
      std::make_unique<wire::Channel>(connection_to(place, role), wire::Conversation::asking(role), options);
  peer_ = place.peer();
  return *channel_;
}

/// Whoever sends looks at the tree here while the connection is made; not where that may fail again and
/// again.
std::unique_ptr<wire::Transport> RemoteCopy::connection_to(const RemotePlace& place, wire::Role role) {
  const auto dial = [this, place] {
    auto out = dial_(place);
    was_connected_ = true;
    return out;
  };
  const bool is_first = !std::exchange(has_dialled_, true) && standing_ == nullptr;
  if (role != wire::Role::sender || !is_first) return dial();
  return std::make_unique<wire::Connecting>(dial);
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
  channel_->rest();
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
               (options_.root_guard == RootGuard::keep ? wire::open_same_root : 0u) |
               (options_.root_guard == RootGuard::take ? wire::open_take_root : 0u) |
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

void RemoteCopy::run_session() {
  if (destination_) push(*destination_);
  else pull();
}

void RemoteCopy::try_copy() {
  try {
    run_session();
    if (!is_unlike_) return;
    prepare_another(events_, options_, report_);
    run_session();
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
    if (standing_ != nullptr) {
      // Nothing is there where something was.
      if (standing_->far_source->id != wire::SourceId{}) throw Error(Errc::replaced, error.context());
      throw;
    }
    for (const auto& source : options_.sources) events_.error(missing_source(source));
  }
  finish_report();
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return report_;
}

bool is_remote(const CopyOptions& options) {
  return parse_remote(options.destination).has_value() ||
         std::ranges::any_of(options.sources, [](const auto& one) { return parse_remote(one).has_value(); });
}

CopyReport run_remote_copy(const World& world, const CopyOptions& options, const CopyObserver& observer,
                           const Dial& dial, Standing* standing) {
  return RemoteCopy(world, options, observer, dial, standing).run();
}

}  // namespace syncline::sync
