// SPDX-License-Identifier: Apache-2.0
// What a watch remembers from one start to the next.
#include "cli/watch_memory.hpp"

#include <filesystem>

#include "base/limits.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace syncline;
using cli::Remembered;
using cli::WatchMemory;

struct MemoryScene {
  WatchMemory open(const std::string& name = "name") const {
    return {fs::linux_fs(), dir.path("state"), name};
  }
  std::string file() const {
    for (const auto& one : std::filesystem::directory_iterator(dir.path("state/watches"))) return one.path();
    return "";
  }
  const test::TempDir dir;
};

TEST_CASE("what is remembered is there after the next start, of this watch and no other", "[watch]") {
  const MemoryScene scene;
  CHECK(scene.open().remembered() == Remembered{});
  const Remembered held{true, false, {"line\nbreak", "not \xFF utf", "usb"}};
  scene.open().remember(held);
  CHECK(scene.open().remembered() == held);
  CHECK(scene.open("other").remembered() == Remembered{});
  scene.open().remember({});
  CHECK(scene.open().remembered() == Remembered{});
}

TEST_CASE("nothing is written for a watch of which there is nothing to be remembered", "[watch]") {
  const MemoryScene scene;
  scene.open().remember({});
  CHECK_FALSE(std::filesystem::exists(scene.dir.path("state")));
}

TEST_CASE("a file that cannot be understood may have said that something is held", "[watch]") {
  const MemoryScene scene;
  scene.open().remember({false, false, {"usb"}});
  const std::string text = GENERATE("", "{", "[]", "{\"v\":99}");
  const auto name = std::filesystem::path(scene.file()).filename().string();
  scene.dir.write("state/watches/" + name, text);
  const auto found = scene.open().remembered();
  CHECK(found.holds_deletions);
  CHECK(found.holds_changes);
}

TEST_CASE("mount points are added up to what a sender takes", "[watch][bounds]") {
  Remembered known{false, false, {"b"}};
  known.add_mounts({"a", "b"});
  CHECK(known.mounts == std::vector<std::string>{"a", "b"});
  const std::string rest(limits::mount_names_bytes_max - 2, 'm');
  auto full = known;
  full.add_mounts({rest});
  CHECK(full.mounts.size() == 3);
  known.add_mounts({rest + 'm'});
  CHECK(known.mounts == std::vector<std::string>{"a", "b"});
}

TEST_CASE("more mount points than a file may name are not remembered, what is held is", "[watch][bounds]") {
  const MemoryScene scene;
  Remembered much{true, false, {}};
  const std::string part(1000, 'm');
  while (much.mounts.size() * part.size() < limits::watch_memory_bytes_max)
    much.mounts.push_back(part + std::to_string(much.mounts.size()));
  scene.open().remember(much);
  CHECK(scene.open().remembered() == Remembered{true, false, {}});
  much.mounts.resize(much.mounts.size() / 2);
  scene.open().remember(much);
  CHECK(scene.open().remembered() == much);
}

}  // namespace
