// SPDX-License-Identifier: Apache-2.0
// New files get their mode by being created with it, and never more than it on the way.
#include <sys/stat.h>

#include <algorithm>

#include "replica.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"

namespace syncline {
namespace {

using test::FaultFs;
using test::Replica;
using test::TempDir;

class Umask {
 public:
  explicit Umask(mode_t mask) : old_(::umask(mask)) {}
  ~Umask() { ::umask(old_); }

 private:
  mode_t old_;
};

fs::Metadata with_mode(std::uint32_t mode) {
  fs::Metadata out;
  out.mode = mode;
  return out;
}

/// Mode of the only file in `.syncline/tmp/`.
std::uint32_t temp_mode(const TempDir& dir) {
  for (const auto& entry : std::filesystem::directory_iterator(dir.path(".syncline/tmp")))
    return static_cast<std::uint32_t>(entry.status().permissions());
  return 0;
}

/// Writes a new file whose metadata is known from the start, and tells its mode while it is written.
std::uint32_t put(Replica& replica, const TempDir& dir, const std::string& name,
                  const fs::Metadata& metadata) {
  patch::FilePlan plan;
  plan.new_bytes = plan.changed_bytes = 7;
  plan.expected = replica.stat(name);
  plan.metadata = &metadata;
  const auto file = replica.begin(name, plan);
  const auto mode = temp_mode(dir);
  file->write(0, as_bytes("content"));
  file->finish(metadata, 1);
  const auto outcomes = replica.area->commit();
  REQUIRE(outcomes.size() == 1);
  REQUIRE(outcomes[0].stat);
  CHECK(test::without_blocks(outcomes[0].stat) == test::without_blocks(replica.stat(name)));
  return mode;
}

std::size_t calls(const FaultFs& faults, const std::string& op) {
  const auto trace = faults.trace();
  return static_cast<std::size_t>(
      std::ranges::count_if(trace, [&](const auto& line) { return line.starts_with(op + " "); }));
}

}  // namespace

TEST_CASE("a new file is created with its mode, which is then not set", "[patch]") {
  TempDir dir;
  const Umask umask(022);
  FaultFs faults(fs::linux_fs());
  Replica replica(faults, dir.path(), test::quick());
  const std::uint32_t wanted = GENERATE(0644u, 0755u, 0444u, 0600u, 0u);
  CHECK(put(replica, dir, "f", with_mode(wanted)) == wanted);
  CHECK(replica.stat("f")->mode == wanted);
  CHECK(calls(faults, "set_mode") == 0);
}

TEST_CASE("what the umask or creating leaves out of a mode is set afterwards", "[patch]") {
  TempDir dir;
  const Umask umask(027);
  FaultFs faults(fs::linux_fs());
  Replica replica(faults, dir.path(), test::quick());
  CHECK(put(replica, dir, "group", with_mode(0666)) == 0640);
  CHECK(replica.stat("group")->mode == 0666);
  CHECK(put(replica, dir, "set-id", with_mode(06750)) == 0750);
  CHECK(replica.stat("set-id")->mode == 06750);
  CHECK(calls(faults, "set_mode") == 2);
}

TEST_CASE("a file whose owner or attributes come later is private until then", "[patch]") {
  TempDir dir;
  const Umask umask(0);
  Replica replica(fs::linux_fs(), dir.path(), test::quick());
  if (::geteuid() == 0) {
    auto others = with_mode(0664);
    others.uid = 65534;
    CHECK(put(replica, dir, "owner", others) == 0600);
    CHECK(replica.stat("owner")->mode == 0664);
    CHECK(replica.stat("owner")->uid == 65534);
    auto group = with_mode(0664);
    group.gid = 65534;
    CHECK(put(replica, dir, "group", group) == 0600);
    CHECK(replica.stat("group")->mode == 0664);
  }
  auto attributes = with_mode(0664);
  attributes.xattrs = std::vector<fs::XattrPair>{};
  CHECK(put(replica, dir, "none", attributes) == 0664);
}

TEST_CASE("a file with an access list is private until it has it", "[patch]") {
  TempDir dir;
  const Umask umask(0);
  Replica replica(fs::linux_fs(), dir.path(), test::quick());
  // POSIX ACL version 2: user::rw-, user:65534:---, group::r--, mask::r--, other::r--.
  const std::uint8_t acl[] = {2, 0,   0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  0,
                              0, 254, 255, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                              4, 0,   255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255};
  auto wanted = with_mode(0644);
  const auto bytes = std::as_bytes(std::span(acl));
  wanted.xattrs = std::vector<fs::XattrPair>{{"system.posix_acl_access", Bytes(bytes.begin(), bytes.end())}};
  patch::FilePlan plan;
  plan.metadata = &wanted;
  const auto file = replica.begin("f", plan);
  CHECK(temp_mode(dir) == 0600);
}

TEST_CASE("where others can enter the temporary directory, files in it are private", "[patch]") {
  TempDir dir;
  const Umask umask(0);
  dir.make_dir(".syncline");
  dir.make_dir(".syncline/tmp");
  ::chmod(dir.path(".syncline").c_str(), 0755);
  ::chmod(dir.path(".syncline/tmp").c_str(), 0755);
  Replica replica(fs::linux_fs(), dir.path(), test::quick());
  CHECK(put(replica, dir, "f", with_mode(0644)) == 0600);
  CHECK(replica.stat("f")->mode == 0644);
}

TEST_CASE("a replaced file is private until it has the attributes of the old one", "[patch]") {
  TempDir dir;
  const Umask umask(0);
  dir.write("f", "old");
  Replica replica(fs::linux_fs(), dir.path(), test::quick());
  CHECK(put(replica, dir, "f", with_mode(0644)) == 0600);
  CHECK(replica.stat("f")->mode == 0644);
}

TEST_CASE("a umask that another thread moves changes no mode", "[patch]") {
  TempDir dir;
  const Umask umask(0);
  FaultFs faults(fs::linux_fs());
  Replica replica(faults, dir.path(), test::quick());
  faults.reset();
  faults.call_op("create", [] { ::umask(077); });
  put(replica, dir, "f", with_mode(0664));
  CHECK(faults.struck() == 1);
  CHECK(replica.stat("f")->mode == 0664);
}

}  // namespace syncline
