// SPDX-License-Identifier: Apache-2.0
// Progress: from the engine's counters to a bar or a line.
// Own code and not a library: those at hand draw to standard output, count bytes of escape
// sequences as columns, and none keeps a total from shrinking.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cli/console.hpp"
#include "cli/live_area.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// "scanning", "transferring", "finishing".
const char* phase_name(ProgressEvent::Phase phase);

/// What is known at one moment.
struct ProgressSnapshot {
  ProgressEvent::Phase phase = ProgressEvent::Phase::scanning;
  std::uint64_t files_scanned = 0;
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  double bytes_per_second = 0;  ///< over the last ten seconds
  std::optional<double> seconds_left;
  std::optional<unsigned> saved_percent;  ///< of the bytes that did not have to be sent

  /// 0..99: one hundred is only true once the run has ended.
  unsigned percent() const;
};

/// Smooths the counters: totals never shrink, done never exceeds total.
class ProgressModel {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  ProgressSnapshot update(const ProgressEvent& event, Moment now);

 private:
  struct Sample {
    Moment at;
    std::uint64_t bytes_done;
  };
  double rate(std::uint64_t bytes_done, Moment now);

  ProgressSnapshot last_;
  std::deque<Sample> samples_;
};

/// One line of at most `columns` - 1 columns; what does not fit is left out, the percentage last.
std::string progress_bar(const ProgressSnapshot& snapshot, unsigned columns, bool color);

/// The same as a sentence for logs: no control codes, any width.
std::string progress_sentence(const ProgressSnapshot& snapshot);

/// Draws on the console: a bar that replaces itself on a terminal, a sentence every ten seconds
/// elsewhere.
class ProgressDisplay {
 public:
  /// Where bars are drawn, and what stands in front of each and of a sentence.
  struct Place {
    LiveArea& area;
    std::size_t row = 0;
    std::string prefix = {};
  };
  ProgressDisplay(Console& console, Place place);
  void update(const ProgressEvent& event);
  /// Takes the bar off the screen, for it was the last one. Totals begin anew.
  void end();

 private:
  Console& console_;
  Place place_;
  ProgressModel model_;
  ProgressModel::Moment last_sentence_;
};

}  // namespace syncline::cli
