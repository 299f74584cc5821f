// SPDX-License-Identifier: Apache-2.0
// Directories that are others than those that were in step: nothing is done with them until a person says so.
#include <fstream>

#include "remote.hpp"
#include "tree_picture.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

enum class Way { local, push, pull };

/// Each copy by itself, as of a watch that was ended and started again.
struct RootScene {
  explicit RootScene(Way way)
      : source_name(way == Way::pull ? "share/in" : "here"),
        target_name(way == Way::pull ? "here" : "share/in") {
    far.dir.make_dir("share/in");
    far.options.delete_extra = true;
    far.options.root_guard = RootGuard::keep;
    const std::string there = "syncline://host/share/in/";
    far.options.sources = {way == Way::pull ? there : source() + "/"};
    far.options.destination = way == Way::push ? there : target() + "/";
    is_local = way == Way::local;
    for (int i = 0; i < 5; ++i) far.dir.write(source_name + "/f" + std::to_string(i), "x");
  }
  std::string source() const { return far.dir.path(source_name); }
  std::string target() const { return far.dir.path(target_name); }
  void copy() {
    if (is_local) sync::run_copy({}, {}, far.options, {}, wire::make_pipe, nullptr);
    else far.run(far.served);
  }
  bool is_refused() {
    try {
      copy();
    } catch (const Error& error) {
      far.served.join();
      INFO(error.what());
      for (const auto& one : far.served.errors) UNSCOPED_INFO("server: " << one);
      CHECK(error.is(Errc::replaced));
      return true;
    }
    return false;
  }
  std::string difference() const { return differences(picture_of(source()), picture_of(target())); }

  const std::string source_name;
  const std::string target_name;
  Remote far;
  bool is_local = false;
};

const auto ways = {Way::local, Way::push, Way::pull};

TEST_CASE("a source that is another directory by now changes nothing, until it is back or that is meant",
          "[sync][guard]") {
  const auto way = GENERATE(values(ways));
  INFO("way " << static_cast<int>(way));
  RootScene scene(way);
  scene.copy();
  CHECK(scene.difference() == "");
  const auto before = picture_of(scene.target());
  stdfs::rename(scene.source(), scene.far.dir.path("away"));
  stdfs::create_directory(scene.source());
  if (GENERATE(true, false)) scene.far.dir.write(scene.source_name + "/only", "x");
  for (int i = 0; i < 2; ++i) CHECK(scene.is_refused());
  CHECK(picture_of(scene.target()) == before);
  SECTION("it is back") {
    stdfs::remove_all(scene.source());
    stdfs::rename(scene.far.dir.path("away"), scene.source());
    scene.far.dir.write(scene.source_name + "/new", "x");
  }
  SECTION("that is meant") {
    scene.far.options.root_guard = RootGuard::take;
    scene.far.dir.write(scene.source_name + "/new", "x");
    scene.copy();
    scene.far.options.root_guard = RootGuard::keep;
  }
  scene.copy();
  CHECK(scene.difference() == "");
}

TEST_CASE(
    "a destination that is another directory by now, or not there, is not filled, until it is back or that "
    "is meant",
    "[sync][guard]") {
  const auto way = GENERATE(values(ways));
  INFO("way " << static_cast<int>(way));
  RootScene scene(way);
  scene.copy();
  stdfs::rename(scene.target(), scene.far.dir.path("away"));
  const bool is_missing = GENERATE(true, false);
  if (!is_missing) stdfs::create_directory(scene.target());
  scene.far.dir.write(scene.source_name + "/new", "x");
  for (int i = 0; i < 2; ++i) CHECK(scene.is_refused());
  CHECK(stdfs::exists(scene.target()) != is_missing);
  CHECK((is_missing || stdfs::is_empty(scene.target())));
  SECTION("it is back") {
    stdfs::remove_all(scene.target());
    stdfs::rename(scene.far.dir.path("away"), scene.target());
  }
  SECTION("that is meant") {
    scene.far.options.root_guard = RootGuard::take;
    scene.copy();
    scene.far.options.root_guard = RootGuard::keep;
  }
  scene.copy();
  CHECK(scene.difference() == "");
}

TEST_CASE("directories in which there never was anything are nothing to be guarded", "[sync][guard]") {
  const auto way = GENERATE(values(ways));
  INFO("way " << static_cast<int>(way));
  RootScene scene(way);
  stdfs::remove_all(scene.source());
  stdfs::create_directory(scene.source());
  scene.copy();
  for (const auto& place : {scene.source(), scene.target()}) {
    stdfs::rename(place, place + "-away");
    stdfs::create_directory(place);
  }
  scene.far.dir.write(scene.source_name + "/f", "x");
  scene.copy();
  CHECK(scene.difference() == "");
}

TEST_CASE("what a copy without the guard finds, or another watch was allowed, is not taken for what it was",
          "[sync][guard]") {
  const auto way = GENERATE(values(ways));
  const bool is_unguarded = GENERATE(true, false);
  INFO("way " << static_cast<int>(way) << (is_unguarded ? ", unguarded" : ", of another name"));
  RootScene scene(way);
  scene.far.options.root_guard_name = "one";
  scene.copy();
  const auto& place = GENERATE(true, false) ? scene.source() : scene.target();
  stdfs::rename(place, place + "-away");
  stdfs::create_directory(place);
  std::ofstream(place + "/only") << "x";
  auto other = scene.far.options;
  std::swap(other, scene.far.options);
  scene.far.options.delete_extra = false;
  scene.far.options.root_guard = is_unguarded ? RootGuard::none : RootGuard::take;
  scene.far.options.root_guard_name = "other";
  scene.copy();
  std::swap(other, scene.far.options);
  // What clients of a server guard there they have in common.
  const bool is_here = way == Way::local || (place == scene.source()) == (way == Way::push);
  if (is_unguarded || is_here) CHECK(scene.is_refused());
}

TEST_CASE("an empty directory that is meant is one from then on", "[sync][guard]") {
  const auto way = GENERATE(values(ways));
  INFO("way " << static_cast<int>(way));
  RootScene scene(way);
  scene.copy();
  stdfs::rename(scene.source(), scene.far.dir.path("away"));
  stdfs::create_directory(scene.source());
  scene.far.options.root_guard = RootGuard::take;
  scene.copy();
  scene.far.options.root_guard = RootGuard::keep;
  scene.copy();
  scene.far.dir.write(scene.source_name + "/new", "x");
  scene.copy();
  CHECK(scene.difference() == "");
}

TEST_CASE("without the guard another directory is taken as it is", "[sync][guard]") {
  const auto way = GENERATE(values(ways));
  INFO("way " << static_cast<int>(way));
  RootScene scene(way);
  scene.far.options.root_guard = RootGuard::none;
  scene.copy();
  for (const auto& place : {scene.source(), scene.target()}) {
    stdfs::rename(place, place + "-away");
    stdfs::create_directory(place);
  }
  scene.far.dir.write(scene.source_name + "/only", "x");
  scene.copy();
  CHECK(scene.difference() == "");
}

}  // namespace
