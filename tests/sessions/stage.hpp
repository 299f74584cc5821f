// SPDX-License-Identifier: Apache-2.0
// The two ends of a scenario, of which one or both are today's program.
#pragma once

#include <string>

#include "players.hpp"
#include "scenario.hpp"
#include "support/temp_dir.hpp"
#include "sync/served.hpp"
#include "taped_end.hpp"
#include "worlds.hpp"

namespace syncline::test {

/// What one step came to.
struct StepResult {
  Played played;
  std::string report;   ///< of a live client
  std::string picture;  ///< of a live receiver
};

/// Directories, states and worlds of a scenario, over all of its steps.
class Stage {
 public:
  explicit Stage(const Scenario& scenario) : scenario_(scenario) {}
  bool can_be_set() const { return !scenario_.needs_xattrs || here_.takes_xattrs(); }

  RecordedConnection record(const Step& step);
  StepResult with_live_server(const Step& step, const RecordedConnection& connection);
  StepResult with_live_client(const Step& step, const RecordedConnection& connection);

 private:
  void prepare(const Step& step, bool client, bool server) const;
  sync::ServedShare share() const;
  CopyOptions options(const Step& step) const;
  std::string run_client(const Step& step, const sync::Dial& dial);
  std::string picture() const;
  Played play(const RecordedConnection& connection, const Part& part, std::unique_ptr<wire::Transport> end);
  EndOptions end_options(const Step& step, Side side, Tape* tape) const;
  Side sender() const { return scenario_.push ? Side::client : Side::server; }

  const Scenario& scenario_;
  TempDir dir_;
  TempDir states_{TempDir::memory_base()};
  Site here_{dir_.path("here")}, share_{dir_.path("share")};
  FixedWorld client_{"client"}, server_{"server"};
  SentTree recorded_tree_, live_tree_;
};

}  // namespace syncline::test
