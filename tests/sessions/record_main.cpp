// SPDX-License-Identifier: Apache-2.0
// Records the sessions of this program's version of the protocol: tests/data/sessions/README.md.
#include <filesystem>
#include <iostream>

#include "pairing.hpp"
#include "stage.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;

Recording record(const Scenario& scenario) {
  Recording out{wire::protocol_version, {}};
  Stage stage(scenario);
  if (!stage.can_be_set()) throw Error(Errc::unsupported, "extended attributes in $TMPDIR");
  for (const auto& step : scenario.steps) out.connections.push_back(stage.record(step));
  return out;
}

void record_all(const std::string& dir) {
  const auto below = dir + "/v" + std::to_string(wire::protocol_version) + '/';
  std::filesystem::create_directories(below);
  const auto save = [&](const std::string& name, const auto& make) {
    const auto path = below + name + ".session";
    if (std::filesystem::exists(path)) return;  // it stays what it is
    const Recording recording = make();
    save_recording(path, recording);
    std::cout << path << ": " << std::filesystem::file_size(path) << " bytes\n";
    for (const auto& connection : recording.connections) std::cout << "  " << connection.report << '\n';
  };
  for (const auto& scenario : scenarios())
    if (scenario.since <= wire::protocol_version) save(scenario.name, [&] { return record(scenario); });
  save(pairing_name, [] { return Recording{wire::protocol_version, {record_pairing()}}; });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: record_sessions DIR\n";
    return 1;
  }
  try {
    record_all(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "record_sessions: " << error.what() << '\n';
    return 1;
  }
}
