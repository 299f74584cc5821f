// SPDX-License-Identifier: Apache-2.0
// Starting the pairs, telling how they stand, and waiting for their end.
#include "cli/watch_pairs.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "base/limits.hpp"
#include "cli/event_log_output.hpp"
#include "cli/exit_codes.hpp"
#include "cli/stop_signals.hpp"
#include "cli/watch_summary.hpp"
#include "systemd/notify.hpp"

namespace syncline::cli {
namespace {

class WatchPairs {
 public:
  WatchPairs(std::vector<WatchPlan> plans, Console& console, const std::function<bool()>& cancelled)
      : console_(console),
        cancelled_(cancelled),
        manager_(systemd::take_service_manager()),
        area_(console),
        is_summed_(plans.size() > limits::live_lines_max) {
    for (auto& plan : plans) add(std::move(plan));
  }

  int run() {
    for (const auto& pair : pairs_) pair->offer();
    for (const auto& pair : pairs_) pair->start();
    while (!note_ended()) {
      look();
      wait_for_signal(tick());
      if (!cancelled_()) continue;
      if (!std::exchange(is_stopping_, true)) manager_.notifier.stopping();
      for (const auto& pair : pairs_) pair->wake();
    }
    hide_lines();
    return code_;
  }

 private:
  void add(WatchPlan plan) {
    auto outputs = outputs_of(plan, pairs_.size());
    pairs_.push_back(std::make_unique<WatchPair>(std::move(plan), std::move(outputs), console_.clock,
                                                 WatchPair::Hooks{cancelled_, end_signal_wait}));
  }

  /// Whether it has a line at the foot of the terminal.
  bool has_line(const OutputOptions& output) const {
    return console_.err_is_terminal && !output.json && !output.quiet && output.progress.value_or(true);
  }

  Outputs outputs_of(const WatchPlan& plan, std::size_t row) {
    const OutputPlace place{plan.options.sources.front(), plan.options.destination, plan.label, &area_, row};
    auto options = plan.output;
    if (has_line(options) && is_summed_)
      options.progress = false;  // many bars would move the others up and down
    auto plain = make_outputs(console_, options, false, place);
    Outputs out;
    for (auto& output : plain) out.push_back(guarded(std::move(output), screen_));
    if (options.event_log)
      out.push_back(guarded(event_log_output(console_.clock, plan.options, *out.front(), {"watch"}),
                            event_logs_.emplace_back()));
    return out;
  }

  /// Whether all have. The code is that of the first one that has failed.
  bool note_ended() {
    bool all = true;
    for (const auto& pair : pairs_) {
      const auto code = pair->ended();
      all = all && code;
      if (code && code_ == exit_code::success) code_ = *code;
    }
    return all;
  }

  /// Half of what the service manager waits for a sign of life, if it does.
  std::chrono::milliseconds tick() const {
    if (!manager_.watchdog) return limits::watch_tick;
    const auto half = std::chrono::duration_cast<std::chrono::milliseconds>(*manager_.watchdog / 2);
    return std::clamp(half, std::chrono::milliseconds(1), limits::watch_tick);
  }

  void look() {
    std::vector<PairStanding> standings;
    for (const auto& pair : pairs_)
      standings.push_back({pair->plan().label, pair->view(), pair->ended().has_value(), pair->changed_ns()});
    if (!cancelled_()) draw_lines(standings);
    tell_manager(standings);
  }

  void draw_lines(const std::vector<PairStanding>& standings) {
    const std::lock_guard lock(screen_);
    const auto columns = console_.err_is_terminal ? console_.columns() : 0;
    if (is_summed_ && has_line(pairs_.front()->plan().output))
      return area_.set(0, cut_to_columns(summary_line(standings), columns));
    for (std::size_t row = 0; row < standings.size(); ++row) {
      if (is_summed_ || !has_line(pairs_[row]->plan().output)) continue;
      // While it copies its bar is there.
      if (const auto line = standing_line(standings[row], console_.clock); !line.empty())
        area_.set(row, cut_to_columns(line, columns));
    }
  }

  void hide_lines() {
    const std::lock_guard lock(screen_);
    area_.hide();
  }

  /// Ready once each pair has begun, whether its destination is there or not: from then on no change is
  /// missed.
  void tell_manager(const std::vector<PairStanding>& standings) {
    auto& notifier = manager_.notifier;
    if (!notifier.connected()) return;
    if (manager_.watchdog) notifier.watchdog();
    const auto status = summary_line(standings);
    if (status != std::exchange(told_status_, status)) notifier.status(status);
    const bool all_begun = std::ranges::all_of(pairs_, [](const auto& pair) { return pair->has_begun(); });
    if (all_begun && !std::exchange(is_ready_, true)) notifier.ready();
  }

  Console& console_;
  const std::function<bool()>& cancelled_;
  systemd::ServiceManager manager_;
  std::string told_status_;
  bool is_ready_ = false;
  bool is_stopping_ = false;
  std::mutex screen_;  ///< of both streams, the log files and the area
  std::deque<std::mutex> event_logs_;
  LiveArea area_;
  const bool is_summed_;
  std::vector<std::unique_ptr<WatchPair>> pairs_;
  int code_ = exit_code::success;
};

}  // namespace

int follow_all(std::vector<WatchPlan> plans, Console& console, const std::function<bool()>& cancelled) {
  return WatchPairs(std::move(plans), console, cancelled).run();
}

}  // namespace syncline::cli
