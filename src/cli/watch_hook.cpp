// SPDX-License-Identifier: Apache-2.0
// Gathering paths, running the command, telling how it ended.
#include "cli/watch_hook.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "child/spawn.hpp"
#include "cli/numbers.hpp"
#include "fs/fd.hpp"

namespace syncline::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds hook_look{200};  // between looks whether the watch ends

/// A file without a name: a command that does not read cannot stop us, as it could with a pipe.
fs::Fd readable(const std::string& text) {
  fs::Fd out(::memfd_create("paths", MFD_CLOEXEC));
  if (!out) throw_errno("memory for the paths");
  for (std::size_t at = 0; at < text.size();) {
    const auto written = fs::retry([&] { return ::write(out.get(), text.data() + at, text.size() - at); });
    if (written < 0) throw_errno("memory for the paths");
    at += static_cast<std::size_t>(written);
  }
  if (::lseek(out.get(), 0, SEEK_SET) != 0) throw_errno("memory for the paths");
  return out;
}

std::string end_of(const child::ExitStatus& status) {
  return status.signal != 0 ? "ended by signal " + std::to_string(status.signal)
                            : "ended with " + std::to_string(status.code);
}

}  // namespace

WatchHook::WatchHook(HookPlan plan, const Outputs& outputs, HookBounds bounds)
    : plan_(std::move(plan)), outputs_(outputs), bounds_(bounds), thread_([this] { run(); }) {}

WatchHook::~WatchHook() {
  {
    const std::lock_guard lock(mutex_);
    deadline_ = std::chrono::steady_clock::now() + bounds_.end;
  }
  news_.notify_one();
  thread_.join();
}

void WatchHook::put(Batch& batch, const std::string& path) const {
  if (batch.paths.contains(path)) return;
  const bool fits_line = plan_.null_ended || path.find('\n') == path.npos;
  if (!fits_line || batch.bytes + path.size() + 1 > bounds_.paths_bytes_max) {
    batch.is_incomplete = true;
    return;
  }
  batch.bytes += path.size() + 1;
  batch.paths.insert(path);
}

void WatchHook::add(const std::string& path) { put(gathering_, path); }

void WatchHook::end_round(std::uint64_t round) {
  if (!gathering_.has_news()) return;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& path : gathering_.paths) put(waiting_, path);
    waiting_.is_incomplete |= gathering_.is_incomplete;
    waiting_.round = round;
  }
  gathering_ = {};
  news_.notify_one();
}

std::optional<WatchHook::Moment> WatchHook::deadline() const {
  const std::lock_guard lock(mutex_);
  return deadline_;
}

void WatchHook::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    news_.wait(lock, [this] { return deadline_ || waiting_.has_news(); });
    const bool is_over = deadline_ && std::chrono::steady_clock::now() >= *deadline_;
    if (!waiting_.has_news() || is_over) break;
    const auto batch = std::exchange(waiting_, {});
    lock.unlock();
    try {
      run_command(batch);
    } catch (const std::exception& error) {
      tell("cannot be run: " + std::string(error.what()));
    }
    lock.lock();
  }
}

void WatchHook::run_command(const Batch& batch) {
  std::string text;
  text.reserve(batch.bytes);
  for (const auto& path : batch.paths) text.append(path).push_back(plan_.null_ended ? '\0' : '\n');
  const auto paths = readable(text);
  child::SpawnOptions spawn;
  spawn.argv = {"/bin/sh", "-c", plan_.command};
  spawn.in_fd = paths.get();
  spawn.out_fd = STDERR_FILENO;
  spawn.own_group = true;
  spawn.variables = {"SYNCLINE_SOURCE=" + plan_.source, "SYNCLINE_DESTINATION=" + plan_.destination,
                     "SYNCLINE_ROUND=" + std::to_string(batch.round),
                     std::string("SYNCLINE_INCOMPLETE=") + (batch.is_incomplete ? "1" : "")};
  auto command = child::spawn(spawn);
  const auto slow_at = std::chrono::steady_clock::now() + bounds_.slow;
  bool is_told = false;
  for (;;) {
    if (const auto status = command.wait(std::min(hook_look, bounds_.end))) {
      if (*status != child::ExitStatus{0, 0}) tell(end_of(*status));
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (const auto end = deadline(); end && now >= *end)
      return tell("runs still, and is ended with the watch");  // by the destructor of `command`
    if (now >= slow_at && !std::exchange(is_told, true))
      tell("runs for " + format_duration(std::chrono::duration<double>(bounds_.slow).count()) +
           " already; what changes waits for it");
  }
}

void WatchHook::tell(const std::string& cause) const {
  for (const auto& output : outputs_) output->error({"", "", "the hook " + cause, "the watch goes on", 0});
}

}  // namespace syncline::cli
