// SPDX-License-Identifier: Apache-2.0
// What programs of every version of the protocol said, played to today's.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "frames.hpp"
#include "pairing.hpp"
#include "stage.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

constexpr unsigned oldest_version = 1;  ///< that is still spoken

std::string recording_path(unsigned version, const std::string& name) {
  return std::string(SYNCLINE_SOURCE_DIR) + "/tests/data/sessions/v" + std::to_string(version) + '/' + name +
         ".session";
}

void check_played(const Played& played) {
  CHECK(played.problem == "");
  CHECK(played.unsaid == "");
  CHECK(played.unheard_of == "");
}

/// Every scenario in every version that has it.
template <class PlayStep>
void play_all(PlayStep&& play_step) {
  for (unsigned version = oldest_version; version <= wire::protocol_version; ++version) {
    for (const auto& scenario : scenarios()) {
      if (scenario.since > version) continue;
      CAPTURE(version, scenario.name);
      const auto recording = load_recording(recording_path(version, scenario.name));
      REQUIRE(recording.version == version);
      REQUIRE(recording.connections.size() == scenario.steps.size());
      Stage stage(scenario);
      if (!stage.can_be_set()) {
        WARN("skipped: no extended attributes in $TMPDIR: " << scenario.name);
        continue;
      }
      for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
        CAPTURE(i);
        play_step(stage, scenario, scenario.steps[i], recording.connections[i]);
      }
    }
  }
}

/// Type and name of each row of the table of messages.
std::map<int, std::string> types_in_page() {
  std::ifstream in(std::string(SYNCLINE_SOURCE_DIR) + "/docs/format/wire.md");
  REQUIRE(in);
  std::map<int, std::string> out;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) inside = line == "## Messages";
    const auto cell = line.find(" | ");
    if (!inside || !line.starts_with("| ") || cell == line.npos || !std::isdigit(line[2])) continue;
    out[std::stoi(line.substr(2))] = line.substr(cell + 3, line.find(" | ", cell + 3) - cell - 3);
  }
  return out;
}

/// What occurs in the recordings of a version, by number on the format page.
struct Occurring {
  std::set<int> frame_kinds, types, operations, steps, events;

  explicit Occurring(unsigned version) {
    const auto dir = std::filesystem::path(recording_path(version, "")).parent_path();
    for (const auto& file : std::filesystem::directory_iterator(dir))
      for (const auto& connection : load_recording(file.path().string()).connections) take(connection);
  }

 private:
  void take(const RecordedConnection& connection) {
    FrameReader readers[2];
    for (const auto& frame : connection.frames) {
      frame_kinds.insert(std::to_integer<int>(frame.bytes.at(4)));
      for (const auto& one : readers[static_cast<std::size_t>(frame.from)].read(frame.bytes))
        take(one.message);
    }
  }
  void take(const wire::Message& message) {
    types.insert(static_cast<int>(wire::type_of(message)));
    const auto number = [](const auto& variant) { return static_cast<int>(variant.index()); };
    if (const auto* batch = std::get_if<wire::Batch>(&message))
      for (const auto& op : batch->ops) operations.insert(number(op));
    if (const auto* file = std::get_if<wire::FileSteps>(&message))
      for (const auto& step : file->steps) steps.insert(number(step));
    if (const auto* event = std::get_if<wire::Event>(&message)) events.insert(number(event->what));
  }
};

/// 0 to `count` - 1 without those.
std::set<int> all_but(std::size_t count, std::set<int> exceptions) {
  std::set<int> out;
  for (int number = 0; number < static_cast<int>(count); ++number)
    if (!exceptions.contains(number)) out.insert(number);
  return out;
}

}  // namespace

TEST_CASE("today's server talks with recorded clients, and the result is theirs", "[sessions]") {
  play_all([](Stage& stage, const Scenario& scenario, const Step& step, const RecordedConnection& recorded) {
    const auto result = stage.with_live_server(step, recorded);
    check_played(result.played);
    if (scenario.push) CHECK(result.picture == recorded.picture);
  });
}

TEST_CASE("today's client talks with recorded servers, and the result is theirs", "[sessions]") {
  play_all([](Stage& stage, const Scenario& scenario, const Step& step, const RecordedConnection& recorded) {
    const auto result = stage.with_live_client(step, recorded);
    check_played(result.played);
    CHECK(result.report == recorded.report);
    if (!scenario.push) CHECK(result.picture == recorded.picture);
  });
}

TEST_CASE("today's program makes itself known to recorded ones", "[sessions]") {
  for (unsigned version = oldest_version; version <= wire::protocol_version; ++version) {
    CAPTURE(version);
    const auto recorded = load_recording(recording_path(version, pairing_name)).connections.at(0);
    check_played(pair_with_live_server(recorded));
    std::string report;
    check_played(pair_with_live_client(recorded, report));
    CHECK(report == recorded.report);
  }
}

// Whoever adds a type of message adds a scenario in which it occurs. An exception would stand here with its
// reason.
TEST_CASE("every type of message of the format page occurs in a recording of this version", "[sessions]") {
  const auto types = types_in_page();
  CHECK(types.size() == std::variant_size_v<wire::Message>);
  const Occurring occurring(wire::protocol_version);
  // What a server says between two sessions; a recording ends with its session.
  constexpr int stirred = 33;
  for (const auto& [type, name] : types) {
    if (type == stirred) continue;
    CAPTURE(type, name);
    CHECK(occurring.types.contains(type));
  }
}

TEST_CASE("so does every kind of what is inside of messages, and of frames", "[sessions]") {
  const Occurring occurring(wire::protocol_version);
  CHECK(occurring.frame_kinds == std::set{0, 1, 2});
  CHECK(occurring.operations == all_but(std::variant_size_v<wire::Op>, {}));
  constexpr int local = 6;  // only inside a process, and refused from another one
  CHECK(occurring.steps == all_but(std::variant_size_v<wire::Step>, {local}));
  CHECK(occurring.events == all_but(std::variant_size_v<decltype(wire::Event::what)>, {}));
}
