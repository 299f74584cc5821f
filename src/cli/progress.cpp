// SPDX-License-Identifier: Apache-2.0
// Smoothing of progress and drawing it.
#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

using namespace std::chrono_literals;
using Phase = ProgressEvent::Phase;

constexpr auto rate_window = 10s;
constexpr auto sentence_interval = 10s;
constexpr std::size_t bar_columns_min = 12;
constexpr std::size_t bar_columns_max = 40;

/// Sent bytes are rounded up: "saved 100%" is said only when nothing at all was sent.
std::optional<unsigned> saved_percent(const ProgressEvent& event) {
  const double all = static_cast<double>(event.sent_bytes) + static_cast<double>(event.matched_bytes);
  if (all == 0) return std::nullopt;
  const auto percent = static_cast<unsigned>(static_cast<double>(event.matched_bytes) * 100 / all);
  return event.sent_bytes == 0 ? 100 : std::min(percent, 99U);
}

std::string bar(unsigned percent, std::size_t columns, bool color) {
  const auto inside = columns - 2;
  const auto filled = inside * percent / 100;
  std::string out = "[";
  if (color) out += "\033[32m";
  out += std::string(filled, '#');
  if (color) out += "\033[0m";
  return out + std::string(inside - filled, '-') + ']';
}

std::string eta(const ProgressSnapshot& now) {
  return "ETA " + (now.seconds_left ? format_duration(*now.seconds_left) : std::string("--:--"));
}

struct Field {
  std::string text;
  int priority;  // lower ones stay longer
};

/// The fields in the order shown. An empty one is not shown.
std::array<Field, 6> transfer_fields(const ProgressSnapshot& now) {
  auto percent = std::to_string(now.percent()) + "%";
  percent.insert(0, 4 - percent.size(), ' ');
  std::string done;
  if (now.bytes_total > 0)
    done = format_size(static_cast<double>(now.bytes_done)) + "/" +
           format_size(static_cast<double>(now.bytes_total));
  else if (now.files_total > 0)
    done = format_count(now.files_done, 1) + "/" + format_count(now.files_total, 1) + " files";
  const auto saved = now.saved_percent ? "saved " + std::to_string(*now.saved_percent) + "%" : std::string();
  return {Field{phase_name(now.phase), 5},
          Field{percent, 0},
          Field{done, 3},
          Field{format_size(now.bytes_per_second) + "/s", 2},
          Field{eta(now), 1},
          Field{saved, 4}};
}

std::string scanning_bar(const ProgressSnapshot& now, std::size_t room) {
  const auto count = format_count(now.files_scanned, 1) + " files";
  auto full = "scanning  " + count;
  if (full.size() <= room) return full;
  return count.size() <= room ? count : std::string();
}

}  // namespace

const char* phase_name(ProgressEvent::Phase phase) {
  switch (phase) {
    case Phase::scanning: return "scanning";
    case Phase::transferring: return "transferring";
    case Phase::finishing: return "finishing";
  }
  return "";
}

unsigned ProgressSnapshot::percent() const {
  double share = 0;
  if (bytes_total > 0) share = static_cast<double>(bytes_done) / static_cast<double>(bytes_total);
  else if (files_total > 0) share = static_cast<double>(files_done) / static_cast<double>(files_total);
  return std::min(static_cast<unsigned>(share * 100), 99U);
}

double ProgressModel::rate(std::uint64_t bytes_done, Moment now) {
  if (!samples_.empty() && bytes_done < samples_.back().bytes_done) samples_.clear();
  samples_.push_back({now, bytes_done});
  while (samples_.size() > 2 && now - samples_[1].at >= rate_window) samples_.pop_front();
  const std::chrono::duration<double> span = now - samples_.front().at;
  if (span < 500ms) return 0;
  return static_cast<double>(bytes_done - samples_.front().bytes_done) / span.count();
}

ProgressSnapshot ProgressModel::update(const ProgressEvent& event, Moment now) {
  if (event.phase != last_.phase) samples_.clear();
  last_.phase = event.phase;
  last_.files_scanned = std::max(last_.files_scanned, event.files_scanned);
  last_.files_total = std::max({last_.files_total, event.files_total, event.files_done});
  last_.bytes_total = std::max({last_.bytes_total, event.bytes_total, event.bytes_done});
  last_.files_done = event.files_done;
  last_.bytes_done = event.bytes_done;
  last_.saved_percent = saved_percent(event);
  last_.bytes_per_second = rate(event.bytes_done, now);
  last_.seconds_left.reset();
  if (last_.bytes_per_second > 0)
    last_.seconds_left = static_cast<double>(last_.bytes_total - last_.bytes_done) / last_.bytes_per_second;
  return last_;
}

std::string progress_bar(const ProgressSnapshot& now, unsigned columns, bool color) {
  const std::size_t room = columns > 1 ? columns - 1 : 0;  // a full line would wrap
  if (now.phase == Phase::scanning) return scanning_bar(now, room);
  auto fields = transfer_fields(now);
  std::size_t used = 0;
  for (int priority = 0; priority < static_cast<int>(fields.size()); ++priority) {
    for (auto& field : fields) {
      if (field.priority != priority || field.text.empty()) continue;
      const auto more = field.text.size() + (used > 0 ? 2 : 0);
      if (used + more <= room) used += more;
      else field.text.clear();
    }
  }
  std::string line;
  for (std::size_t index = 0; index < fields.size(); ++index) {
    const auto left = room - std::min(room, used + 2);
    const bool has_bar = index == 1 && used > 0 && left >= bar_columns_min;
    if (has_bar)
      line += (line.empty() ? "" : "  ") + bar(now.percent(), std::min(left, bar_columns_max), color);
    if (fields[index].text.empty()) continue;
    if (!line.empty()) line += "  ";
    line += fields[index].text;
  }
  return line;
}

std::string progress_sentence(const ProgressSnapshot& now) {
  if (now.phase == Phase::scanning) return "scanning: " + format_count(now.files_scanned, 1) + " files";
  std::string line = std::string(phase_name(now.phase)) + ": " + std::to_string(now.percent()) + "%, " +
                     format_size(static_cast<double>(now.bytes_done)) + " of " +
                     format_size(static_cast<double>(now.bytes_total)) + ", " +
                     format_count(now.files_done, 1) + " of " + format_count(now.files_total, 1) +
                     " files, " + format_size(now.bytes_per_second) + "/s, " + eta(now);
  if (now.saved_percent) line += ", saved " + std::to_string(*now.saved_percent) + "%";
  return line;
}

ProgressDisplay::ProgressDisplay(Console& console, Place place)
    : console_(console), place_(std::move(place)), last_sentence_(console.clock.steady()) {}

void ProgressDisplay::update(const ProgressEvent& event) {
  const auto now = console_.clock.steady();
  const auto snapshot = model_.update(event, now);
  if (console_.err_is_terminal) {
    const auto columns = console_.columns();
    const auto taken = std::min(static_cast<unsigned>(place_.prefix.size()), columns);
    place_.area.set(place_.row, place_.prefix + progress_bar(snapshot, columns - taken, console_.color));
  } else if (now - last_sentence_ >= sentence_interval) {
    last_sentence_ = now;
    console_.err << place_.prefix << progress_sentence(snapshot) << std::endl;
  }
}

void ProgressDisplay::end() {
  model_ = {};
  if (console_.err_is_terminal) place_.area.set(place_.row, "");
}

}  // namespace syncline::cli
