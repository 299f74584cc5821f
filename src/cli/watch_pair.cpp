// SPDX-License-Identifier: Apache-2.0
// The thread of a pair: its tree, its connection, its board.
#include "cli/watch_pair.hpp"

#include <utility>

#include "cli/exit_codes.hpp"
#include "cli/watch_hook.hpp"
#include "cli/watch_places.hpp"
#include "cli/watch_rounds.hpp"
#include "cli/watch_source.hpp"
#include "remote/dial.hpp"
#include "sync/far_watch.hpp"
#include "sync/places.hpp"
#include "sync/remote_place.hpp"
#include "sync/standing_copy.hpp"

namespace syncline::cli {

/// Others may ask for the board while it lives.
class WatchPair::Shown {
 public:
  Shown(WatchPair& pair, WatchControl& control) : pair_(pair) { set(&control); }
  ~Shown() { set(nullptr); }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

 private:
  void set(WatchControl* control) {
    const std::lock_guard lock(pair_.mutex_);
    pair_.control_ = control;
  }
  WatchPair& pair_;
};

WatchPair::WatchPair(WatchPlan plan, Outputs outputs, Clock& clock, Hooks hooks)
    : plan_(std::move(plan)), outputs_(std::move(outputs)), clock_(clock), hooks_(std::move(hooks)) {}

WatchPair::~WatchPair() {
  if (thread_.joinable()) thread_.join();
  close_outputs(outputs_);
}

void WatchPair::offer() {
  offered_ = std::make_unique<WatchControl>(
      plan_.options, clock_,
      [this](const std::string& text) {
        for (const auto& output : outputs_) output->notice(text);
      },
      hooks_.on_news);
}

void WatchPair::start() {
  thread_ = std::thread([this] {
    const int code = run();
    {
      const std::lock_guard lock(mutex_);
      code_ = code;
    }
    has_begun_ = true;
    hooks_.on_news();
  });
}

void WatchPair::wake() {
  const std::lock_guard lock(mutex_);
  if (control_ != nullptr) control_->board().wake();
}

std::optional<int> WatchPair::ended() const {
  const std::lock_guard lock(mutex_);
  return code_;
}

std::optional<std::int64_t> WatchPair::changed_ns() const {
  const auto at = changed_ns_.load();
  return at == 0 ? std::nullopt : std::optional(at);
}

std::optional<watch::BoardView> WatchPair::view() const {
  const std::lock_guard lock(mutex_);
  return control_ == nullptr ? std::nullopt : std::optional(control_->board().view());
}

int WatchPair::run() {
  try {
    auto control = std::move(offered_);
    const int code = [&] {
      const Shown shown(*this, *control);
      return follow(*control);
    }();
    if (code == exit_code::success || hooks_.cancelled()) return code;
    // The program may go on for the sake of others, and whoever asks is to learn of this one.
    control->board().end(code);
    ended_control_ = std::move(control);
    return code;
  } catch (const std::exception& error) {
    return explain(error).code;  // of memory for the message itself
  }
}

std::unique_ptr<WatchHook> WatchPair::make_hook() const {
  if (!plan_.hook) return nullptr;
  auto& files = fs::linux_fs();
  return std::make_unique<WatchHook>(
      HookPlan{*plan_.hook, plan_.hook_null, shown_place(files, plan_.options.sources.front()),
               shown_place(files, plan_.options.destination)},
      outputs_);
}

int WatchPair::follow(WatchControl& control) {
  const sync::World world;
  const auto& root = plan_.options.sources.front();
  const bool is_far = sync::parse_remote(root).has_value();
  try {
    WatchedSource here;
    if (!is_far) here = watch_source(*world.files, root, plan_.watch_with);
    control.board().watched_by(is_far ? "server" : here.by);
    remote::Dialer dialer(world, plan_.options);
    const auto dial = [&](const sync::RemotePlace& place) { return dialer.dial(place); };
    sync::StandingCopy copies(world, dial, here.tree);
    sync::FarWatch far(copies);
    const auto hook = make_hook();
    WatchMemory memory(*world.files,
                       control::absolute_path(*world.files, sync::state_directory(plan_.options)),
                       control.memory_name());
    const RoundParts parts{outputs_, copies,     hooks_.cancelled,     control,
                           clock_,   hook.get(), !plan_.label.empty(), prefix_of(root),
                           is_far,   memory};
    WatchRounds rounds(parts);
    watch::FollowHooks hooks;
    hooks.copy = [&] {
      if (!has_begun_.exchange(true)) hooks_.on_news();
      const auto attempt = rounds.attempt();
      if (rounds.has_changed()) changed_ns_ = clock_.now_ns();
      return attempt;
    };
    hooks.tell = [&](const watch::Standing& standing) { rounds.tell(standing); };
    hooks.cancelled = hooks_.cancelled;
    hooks.is_stirred = [&] { return copies.is_stirred(); };
    hooks.on_overflow = [this] {
      for (const auto& output : outputs_)
        output->notice("events were lost (fs.inotify.max_queued_events): everything is looked at again");
    };
    hooks.board = &control.board();
    watch::SourceWatch& source = is_far ? static_cast<watch::SourceWatch&>(far) : *here.tree;
    return watch::follow(clock_, source, plan_.follow, hooks);
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see 'syncline watch --help'";
    control.board().failed("", (failure.subject.empty() ? "" : failure.subject + ": ") + failure.cause);
    for (const auto& output : outputs_) output->failure(failure);
    return failure.code;
  }
}

}  // namespace syncline::cli
