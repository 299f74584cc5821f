// SPDX-License-Identifier: Apache-2.0
// Options to attributes and rules, and the thread that tells progress.
#include "sync/session_setup.hpp"

#include <chrono>

#include "base/relpath.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {
namespace {

constexpr auto progress_interval = std::chrono::milliseconds(100);

}  // namespace

wire::ChannelOptions channel_options(const CopyOptions& options, const Clock& clock) {
  std::vector<wire::RateSlot> slots;
  slots.reserve(options.bwlimit.size());
  for (const auto& slot : options.bwlimit) slots.push_back({slot.week_minute, slot.bytes_per_second});
  const auto now_ns = clock.now_ns();
  wire::ChannelOptions out;
  out.level = options.compress_level;
  out.rates = wire::RateTable(std::move(slots), wire::local_week_second(now_ns), now_ns);
  out.clock = &clock;
  return out;
}

std::uint32_t attributes_of(const CopyOptions& options) {
  std::uint32_t out = 0;
  if (options.perms) out |= wire::attr_mode;
  if (options.owner || options.chown) out |= wire::attr_owner;
  if (options.group || options.chown) out |= wire::attr_group;
  if (options.times) out |= wire::attr_times | wire::attr_dir_times;
  if (options.xattrs) out |= wire::attr_xattrs;
  if (options.acls) out |= wire::attr_acls;
  if (options.hard_links) out |= wire::attr_links;
  return out;
}

void fill_selector(const CopyOptions& options, const std::string& prefix, Selector& out) {
  out.prefix = prefix;
  for (const auto& rule : options.filters) {
    out.filters.add(rule.include, rule.pattern);
    out.description += (rule.include ? '+' : '-') + rule.pattern + '\n';
  }
  if (options.files_from) {
    out.listed.emplace(options.recursive);
    for (const auto& path : *options.files_from) {
      out.listed->add(path);
      out.description += '=' + path + '\n';
    }
  }
  out.reads = {options.synclineignore, options.gitignore};
  if (options.backup_dir) {
    out.reserved.push_back(RelPath::parse(*options.backup_dir).text());
    out.description += "backup " + *options.backup_dir + '\n';
  }
  out.description += prefix;
}

ProgressTicker::ProgressTicker(Events& events, std::function<std::uint64_t()> sent_bytes)
    : events_(events), sent_bytes_(std::move(sent_bytes)) {
  if (events_.observer().on_progress) thread_ = KeptThread("progress", [this] { run(); });
}

ProgressTicker::~ProgressTicker() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  thread_.join();
  tell();
}

void ProgressTicker::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, progress_interval, [&] { return stop_; })) tell();
}

void ProgressTicker::tell() {
  const Counters& counters = events_.counters;
  ProgressEvent event;
  event.phase = counters.transferring ? ProgressEvent::Phase::transferring : ProgressEvent::Phase::scanning;
  event.files_scanned = counters.files_scanned;
  event.files_done = counters.files_done;
  event.files_total = counters.files_total;
  event.bytes_done = counters.bytes_done;
  event.bytes_total = counters.bytes_total;
  event.matched_bytes = counters.matched_bytes;
  event.sent_bytes = sent_bytes_();
  std::lock_guard lock(events_.mutex());
  events_.observer().on_progress(event);
}

}  // namespace syncline::sync
