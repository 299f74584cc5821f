// SPDX-License-Identifier: Apache-2.0
// Board, desk, socket, server.
#include "cli/watch_control.hpp"

#include <unistd.h>

#include <utility>

#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "cli/watch_ignored.hpp"
#include "cli/watch_memory.hpp"
#include "cli/watch_places.hpp"
#include "sync/places.hpp"
#include "sync/remote_place.hpp"

namespace syncline::cli {
namespace {

/// Whose rules decide: of a source on another machine those that came over with it.
CopyOptions options_here(CopyOptions options, const control::Watched& watched) {
  if (watched.mirror.empty()) return options;
  const bool is_named = !name_below(options.sources.front()).empty();
  options.sources = {watched.mirror + (is_named ? "" : "/")};
  return options;
}

}  // namespace

control::Watched watched_by(const CopyOptions& options, const Clock& clock) {
  auto& files = fs::linux_fs();
  const auto& source = options.sources.front();
  const bool is_far = sync::parse_remote(source).has_value();
  // One that is not there ends the watch, and is to be known by its name then.
  const auto path = [&] {
    return files.stat_path(source, true) ? files.real_path(source) : control::entry_path(files, source);
  };
  return {is_far ? sync::without_slashes(source) : path(),
          shown_place(files, options.destination),
          control::absolute_path(files, sync::state_directory(options)),
          static_cast<std::uint64_t>(::getpid()),
          clock.now_ns(),
          is_far ? filled_here(files, {source, options.destination}) : ""};
}

namespace {

/// Where the places cannot be looked at the watch ends for that, or begins when they can.
std::string name_of_memory(const CopyOptions& options, const Clock& clock) {
  try {
    return memory_name(fs::linux_fs(), options, watched_by(options, clock));
  } catch (const Error&) {
    return "unnamed";
  }
}

}  // namespace

WatchControl::WatchControl(const CopyOptions& options, Clock& clock,
                           const std::function<void(const std::string& text)>& notice,
                           std::function<void()> on_news)
    : options_(options),
      prefix_(prefix_of(options.sources.front())),
      memory_name_(name_of_memory(options, clock)),
      on_news_(std::move(on_news)),
      board_(clock) {
  try {
    offer(options, clock);
  } catch (const std::exception& error) {
    auto failure = explain(error);
    failure.next.clear();
    notice("this watch cannot be asked by 'syncline status' and the like: " +
           failure_line(failure).substr(std::string_view("syncline: ").size()));
  }
  listen();
}

WatchControl::~WatchControl() { board_.listen(nullptr); }

void WatchControl::offer(const CopyOptions& options, Clock& clock) {
  const auto watched = watched_by(options, clock);
  auto& files = fs::linux_fs();
  presence_.emplace(files, control::socket_directory(watched.state_dir), watched);
  desk_.emplace(files, board_, watched,
                [options = options_here(options_, watched)](const auto& path, bool is_dir) {
                  return rule_that_ignores({}, options, path, is_dir);
                });
  server_.emplace(presence_->take_socket(), *desk_);
}

void WatchControl::listen() {
  board_.listen([this] {
    if (server_) server_->tell_news();
    on_news_();
  });
}

CopyObserver WatchControl::watched(CopyObserver observer) {
  observer.on_error = [this, inner = std::move(observer.on_error)](const ErrorEvent& event) {
    inner(event);
    auto below = event;
    below.path = below_source(prefix_, event.path);
    board_.error(below);
  };
  observer.on_progress = [this, inner = std::move(observer.on_progress)](const ProgressEvent& event) {
    inner(event);
    board_.progress(event);
  };
  return observer;
}

void WatchControl::report(const CopyReport& report) {
  auto below = report;
  for (auto* held : {&below.held.deletions, &below.held.changes})
    for (auto& event : held->first) event.path = below_source(prefix_, event.path);
  board_.report(std::move(below));
}

CopyOptions WatchControl::options_of_round() const {
  auto out = options_;
  if (board_.is_approved()) {
    out.guard_deletes = out.guard_changes = false;
    out.max_delete.reset();
  }
  if (board_.is_root_approved()) out.root_guard = RootGuard::take;
  out.root_guard_name = memory_name_;
  return out;
}

}  // namespace syncline::cli
