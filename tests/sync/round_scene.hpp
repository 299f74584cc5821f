// SPDX-License-Identifier: Apache-2.0
// A standing copy between a directory here and a share, made again and again.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "random_edits.hpp"
#include "remote.hpp"
#include "sync/standing_copy.hpp"
#include "tree_picture.hpp"

namespace syncline::test {

struct RoundScene {
  /// Names of directories in the scene's own.
  RoundScene(std::string source_name, std::string target_name)
      : source_name(std::move(source_name)), target_name(std::move(target_name)) {
    far.options.delete_extra = true;
  }
  RoundScene(const RoundScene&) = delete;
  RoundScene& operator=(const RoundScene&) = delete;
  ~RoundScene() { end(); }

  std::string source() const { return far.dir.path(source_name); }
  std::string target() const { return far.dir.path(target_name); }
  /// `tree`: of a source that is here.
  void begin(std::shared_ptr<watch::TreeWatch> tree) {
    copies = std::make_unique<sync::StandingCopy>(
        world, [this](const sync::RemotePlace&) { return far.served.dial(); }, std::move(tree));
  }
  /// The connection is closed.
  void end() {
    copies.reset();
    far.served.join();
  }
  Outcome round() {
    Outcome out;
    CopyObserver observer;
    observer.on_change = [&](const ChangeEvent& event) { out.changes.push_back(event); };
    observer.on_error = [&](const ErrorEvent& event) { out.errors.push_back(event); };
    out.report = copies->round(far.options, observer);
    return out;
  }
  std::string difference() const { return differences(picture_of(source()), picture_of(target())); }

  const std::string source_name;
  const std::string target_name;
  Remote far;
  const sync::World world = Remote::world_of(far.client_random);
  std::unique_ptr<sync::StandingCopy> copies;
};

/// Random edits of the source, and now and then of the target, before each round; in the end both are equal.
/// `is_anew`: each round looks at everything, as a process of its own does.
template <class Scene>
void check_random_rounds(Scene& scene, unsigned seed, bool is_anew) {
  RandomEdits edits(scene.source(), seed);
  RandomEdits drift(scene.target(), seed + 1);
  std::mt19937 random(seed + 2);
  for (int i = 0; i < 60; ++i) edits.edit();
  for (int round = 0; round < round_count(); ++round) {
    INFO("round " << round);
    for (auto count = random() % 4; count > 0; --count) edits.edit();
    if (random() % 4 == 0) drift.edit();
    if (is_anew) scene.end(), scene.begin();
    const auto out = scene.round();
    for (const auto& error : out.errors) UNSCOPED_INFO(error.path << ": " << error.cause);
    REQUIRE(scene.difference() == "");
    REQUIRE(out.report.exit_code == 0);
  }
}

}  // namespace syncline::test
