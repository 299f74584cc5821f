// SPDX-License-Identifier: Apache-2.0
// A state directory with an event log.
#pragma once

#include <string>
#include <vector>

#include "cli/event_log_file.hpp"
#include "cli/event_log_output.hpp"
#include "cli/event_log_reader.hpp"
#include "cli/json_records.hpp"
#include "fake_console.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {

/// An output that remembers what it is told.
class NotedMessages final : public Output {
 public:
  void change(const ChangeEvent&) override {}
  void error(const ErrorEvent&) override {}
  void notice(const std::string& text) override { notices.push_back(text); }
  void progress(const ProgressEvent&) override {}
  void summary(const CopyReport&) override {}
  void standing(const std::string&, const std::string&) override {}
  void failure(const Failure&) override {}
  std::vector<std::string> notices;
};

struct EventLogScene {
  test::TempDir temp{test::TempDir::memory_base()};
  FakeClock clock;
  NotedMessages messages;
  CopyOptions options;

  EventLogScene() {
    temp.make_dir("src");
    options.sources = {temp.path("src") + "/"};
    options.destination = temp.path("dst");
    options.state_dir = temp.path("state");
    options.durability = Durable::none;
  }
  std::unique_ptr<Output> begin(const EventLogRun& run = {}) {
    return event_log_output(clock, options, messages, run);
  }
  std::string log_dir() const { return event_log_directory(*options.state_dir); }
  std::string text(unsigned age = 0) const { return temp.read("state/log/" + event_log_name(age)); }
  bool exists(unsigned age) const { return temp.exists("state/log/" + event_log_name(age)); }

  /// All lines that a reader finds.
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    EventLogReader reader(fs::linux_fs(), log_dir());
    while (const auto line = reader.next()) out.push_back(*line);
    return out;
  }
  std::vector<Json> records() const {
    std::vector<Json> out;
    for (const auto& line : lines()) out.push_back(Json::parse(line));
    return out;
  }
  std::vector<std::string> types() const {
    std::vector<std::string> out;
    for (const auto& record : records()) out.push_back(record["type"].get<std::string>());
    return out;
  }
};

inline ChangeEvent changed(const std::string& path, const std::string& itemized = ">f.st......") {
  ChangeEvent event;
  event.itemized = itemized;
  event.path = path;
  return event;
}

inline ChangeEvent renamed(const std::string& from, const std::string& to) {
  auto event = changed(to, ".f.........");
  event.renamed_from = from;
  return event;
}

}  // namespace syncline::cli
