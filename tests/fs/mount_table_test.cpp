// SPDX-License-Identifier: Apache-2.0
// What the system's table of mounts tells of a directory.
#include "fs/mount_table.hpp"

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace syncline;
using Points = std::vector<std::string>;

constexpr const char* table =
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "30 22 0:26 / /data/photos rw shared:1 - tmpfs x rw\n"
    "31 30 0:27 / /data/photos/new\\040disk/a rw - tmpfs x rw\n"
    "32 30 0:28 / /data/photos/line\\012break rw - tmpfs x rw\n"
    "33 22 0:29 / /data/photos2/b rw - tmpfs x rw\n"
    "34 31 0:30 / /data/photos/new\\040disk/a rw - tmpfs over rw\n"
    "35 30 0:31 / /data/photos/back\\134slash rw - tmpfs x rw\n";

TEST_CASE("mount points below a directory are told by their paths in it, each once", "[fs]") {
  CHECK(fs::mount_points(table, "/data/photos") == Points{"back\\slash", "line\nbreak", "new disk/a"});
  CHECK(fs::mount_points(table, "/data/photos2") == Points{"b"});
  CHECK(fs::mount_points(table, "/data/photos/new disk") == Points{"a"});
  CHECK(fs::mount_points(table, "/elsewhere").empty());
  CHECK(fs::mount_points(table, "/").size() == 5);
}

TEST_CASE("a table that is cut or no table at all names nothing that is not there", "[fs]") {
  const std::string whole = table;
  for (std::size_t size = 0; size < whole.size(); ++size)
    for (const auto& point : fs::mount_points(whole.substr(0, size), "/data/photos"))
      CHECK_FALSE(point.empty());
  CHECK(fs::mount_points("\n\n  \n\\\n", "/").empty());
}

TEST_CASE("a directory with nothing mounted in it has no mount points, and nothing changes", "[fs]") {
  const test::TempDir dir;
  fs::MountTable mounts;
  CHECK(mounts.below(*fs::linux_fs().open_root(dir.path())).empty());
  CHECK_FALSE(mounts.has_changed());
}

}  // namespace
