// SPDX-License-Identifier: Apache-2.0
// What an Area promises about names, metadata, strangers and its own directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "base/limits.hpp"
#include "patch/conflict_name.hpp"
#include "replica.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"
#include "test_fs.hpp"

namespace syncline {
namespace {

using patch::Durability;
using patch::Strategy;
using patch::UpdateMode;

/// Descriptor of a file held open for the length of a scope.
class Held {
 public:
  Held(const std::string& path, int flags) : fd_(::open(path.c_str(), flags)) {}
  ~Held() { ::close(fd_); }

 private:
  int fd_;
};

void append(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }

/// Starts a change of 'file' by one byte at offset 0.
std::unique_ptr<patch::FileWrite> change_first_byte(test::Replica& replica) {
  const auto old = replica.stat("file");
  patch::FilePlan plan;
  plan.expected = old;
  plan.new_bytes = old->size_bytes;
  plan.changed_bytes = 1;
  plan.matched_in_place_bytes = plan.new_bytes - 1;
  auto file = replica.begin("file", plan);
  file->write(0, as_bytes(std::string("N")));
  file->copy(1, 1, plan.new_bytes - 1);
  return file;
}

}  // namespace

TEST_CASE("a batch appears at its commit and leaves no directory behind", "[patch]") {
  test::TempDir dir;
  const auto durability = GENERATE(Durability::none, Durability::batch, Durability::file);
  test::Replica replica(fs::linux_fs(), dir.path(), {UpdateMode::automatic, durability});
  replica.put("a", "alpha", 1, test::with_mtime(5'000'000'000));
  replica.put("b", "", 2);
  CHECK_FALSE(dir.exists("a"));
  const auto outcomes = replica.area->commit();
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].token == 1);
  CHECK(test::without_blocks(outcomes[0].stat) == test::without_blocks(replica.stat("a")));
  CHECK(outcomes[0].stat->mtime_ns == 5'000'000'000);
  CHECK(outcomes[1].token == 2);
  CHECK(dir.read("a") == "alpha");
  CHECK(dir.read("b").empty());
  CHECK(replica.area->written_bytes() == 5);
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("every durable protocol commits mixed batches of any size", "[patch]") {
  const auto count = GENERATE(3, 40);
  const bool reliable = GENERATE(false, true);
  const auto durability = GENERATE(Durability::batch, Durability::file);
  test::TempDir dir;
  dir.make_dir("deep/er");
  test::TestFsOptions options;
  options.reliable_syncfs = reliable;
  const auto file_system = test::make_test_fs(fs::linux_fs(), options);
  test::Replica replica(*file_system, dir.path(), {UpdateMode::automatic, durability});
  const std::shared_ptr<fs::Dir> deep = replica.root->open_beneath(RelPath::parse("deep/er"));
  for (int i = 0; i < count; ++i) {
    patch::FilePlan plan;
    plan.new_bytes = plan.changed_bytes = 3;
    auto file = replica.area->begin(deep, RelPath::parse("deep/er/f" + std::to_string(i)), plan);
    file->write(0, as_bytes(std::string("new")));
    file->finish({}, static_cast<std::uint64_t>(i));
  }
  for (const auto& outcome : replica.area->commit()) CHECK(outcome.stat);
  for (int i = 0; i < count; ++i) {
    CHECK(dir.read("deep/er/f" + std::to_string(i)) == "new");
    replica.put("g" + std::to_string(i), "root");
  }
  for (const auto& outcome : replica.area->commit()) CHECK(outcome.stat);
  CHECK(dir.read("g0") == "root");
}

TEST_CASE("a file dropped before its end leaves the old one and no temporary file", "[patch]") {
  test::TempDir dir;
  dir.write("file", std::string(100'000, 'o'));
  const auto options = GENERATE(test::quick(), test::forced_inplace());
  test::Replica replica(fs::linux_fs(), dir.path(), options);
  change_first_byte(replica).reset();
  CHECK(replica.area->commit().empty());
  CHECK(dir.read("file") == std::string(100'000, 'o'));
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("an edit made before or during a change is kept", "[patch]") {
  test::TempDir dir;
  dir.write("file", std::string(100'000, 'o'));
  const auto mode = GENERATE(UpdateMode::automatic, UpdateMode::inplace);
  // The lease would make the editor below wait for us.
  const auto file_system = test::make_test_fs(fs::linux_fs(), {});
  test::Replica replica(*file_system, dir.path(), {mode, Durability::none, 0});

  SECTION("before") {
    patch::FilePlan plan;
    plan.expected = replica.stat("file");
    append(dir.path("file"), "edit");
    CHECK_THROWS_AS(replica.begin("file", plan), Error);
    CHECK(dir.read("file") == std::string(100'000, 'o') + "edit");
  }
  SECTION("by another file in its place") {
    auto file = change_first_byte(replica);
    file->finish({}, 0);
    dir.write("other", "edit");
    std::filesystem::rename(dir.path("other"), dir.path("file"));
    const auto outcomes = replica.area->commit();
    CHECK(test::is_error(outcomes.at(0).error, Errc::foreign));
    CHECK_FALSE(outcomes[0].stat);
    CHECK(dir.read("file") == "edit");
  }
  SECTION("by its removal") {
    change_first_byte(replica)->finish({}, 0);
    std::filesystem::remove(dir.path("file"));
    CHECK(test::is_error(replica.area->commit().at(0).error, Errc::foreign));
    CHECK_FALSE(dir.exists("file"));
  }
  SECTION("by a program that has it open") {
    // From here on as if the lease had run out: the editor gets in.
    const auto no_lease = test::make_test_fs(fs::linux_fs(), {false, true, false});
    test::TempDir second;
    second.write("file", std::string(100'000, 'o'));
    test::Replica other(*no_lease, second.path(), {mode, Durability::none, 0});
    change_first_byte(other)->finish({}, 0);
    append(second.path("file"), "edit");
    CHECK(test::is_error(other.area->commit().at(0).error, Errc::foreign));
    CHECK(second.read("file") == std::string(100'000, 'o') + "edit");
  }
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("a name that appears meanwhile is not overwritten", "[patch]") {
  test::TempDir dir;
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  replica.put("file", "ours", 1);
  replica.put("second", "fine", 2);
  dir.write("file", "theirs");
  const auto outcomes = replica.area->commit();
  CHECK(test::is_error(outcomes.at(0).error, Errc::foreign));
  CHECK(outcomes.at(1).stat);
  CHECK(dir.read("file") == "theirs");
  CHECK(dir.read("second") == "fine");
}

TEST_CASE("a file that a reader holds open is never patched in place", "[patch]") {
  test::TempDir dir;
  dir.write("file", std::string(100'000, 'o'));
  const auto flags = GENERATE(O_RDONLY, O_RDWR);
  const Held reader(dir.path("file"), flags);
  test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  auto file = change_first_byte(replica);
  CHECK(file->strategy() == Strategy::rewrite);
}

TEST_CASE("a large file that somebody opens for a moment is patched in place all the same", "[patch]") {
  const bool is_large = GENERATE(true, false);
  const int refused = GENERATE(0, 1, limits::lease_attempts_max - 1, limits::lease_attempts_max);
  CAPTURE(is_large, refused);
  test::TempDir dir;
  dir.write("file", "o");
  std::filesystem::resize_file(dir.path("file"), limits::lease_retry_file_bytes_min - (is_large ? 0 : 1));
  std::atomic<int> left = refused;
  test::TestFsOptions options;
  options.leases_refused = &left;
  const auto files = test::make_test_fs(fs::linux_fs(), options);
  test::Replica replica(*files, dir.path(), test::forced_inplace());
  const auto file = change_first_byte(replica);
  const bool is_waited_for = is_large && refused < limits::lease_attempts_max;
  CHECK((file->strategy() == Strategy::inplace) == (refused == 0 || is_waited_for));
}

TEST_CASE("a reader that opens the file during a change turns it into a rewrite", "[patch]") {
  test::TempDir dir;
  dir.write("file", std::string(4 << 20, 'o'));
  test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  patch::FilePlan plan;
  plan.expected = replica.stat("file");
  plan.new_bytes = plan.changed_bytes = 4 << 20;
  auto file = replica.begin("file", plan);
  REQUIRE(file->strategy() == Strategy::inplace);
  // Waits until the lease is given up.
  std::thread reader([&] { CHECK(dir.read("file").size() == 4 << 20); });
  const std::string content(4 << 20, 'n');
  std::uint64_t offset = 0;
  while (file->strategy() == Strategy::inplace && offset < content.size() / 2) {
    std::this_thread::sleep_for(limits::lease_hold / 4);
    file->write(offset, as_bytes(content).subspan(offset, 256 << 10));
    offset += 256 << 10;
  }
  file->write(offset, as_bytes(content).subspan(offset));
  file->finish({}, 0);
  CHECK(file->strategy() == Strategy::rewrite);
  file.reset();
  CHECK(replica.area->commit().at(0).stat);
  reader.join();
  CHECK(dir.read("file") == content);
}

TEST_CASE("a reader that opens a file that is being patched waits a little, and no longer", "[patch]") {
  const bool is_soon = GENERATE(true, false);
  CAPTURE(is_soon);
  test::TempDir dir;
  const std::string old(100'000, 'o');
  const std::string fresh = "N" + old.substr(1);
  dir.write("file", old);
  test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  auto file = change_first_byte(replica);
  file->finish(test::with_mtime(5), 3);
  CHECK(file->strategy() == Strategy::inplace);
  file.reset();
  const auto inode = replica.stat("file")->inode;
  // Opens the inode that has the name now, and waits for the lease to end: with the commit, or because the commit makes
  // the file anew.
  std::string seen;
  std::thread reader([&] { seen = dir.read("file"); });
  std::this_thread::sleep_for(is_soon ? limits::lease_hold / 7 : limits::lease_hold * 3 / 2);
  const auto outcome = replica.area->commit().at(0);
  reader.join();
  INFO(test::error_text(outcome.error));
  REQUIRE(outcome.stat);
  CHECK(outcome.token == 3);
  CHECK(test::without_blocks(outcome.stat) == test::without_blocks(replica.stat("file")));
  // A machine that is so slow that the commit came late anyway proves nothing.
  if (!is_soon || outcome.stat->inode == inode) {
    CHECK((outcome.stat->inode == inode) == is_soon);
    CHECK(seen == (is_soon ? fresh : old));
  }
  CHECK(outcome.stat->mtime_ns == 5);
  CHECK(dir.read("file") == fresh);
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("a hard-linked file keeps its other name's content unless in place is asked for", "[patch]") {
  test::TempDir dir;
  dir.write("file", std::string(100'000, 'o'));
  std::filesystem::create_hard_link(dir.path("file"), dir.path("name"));
  const auto mode = GENERATE(UpdateMode::automatic, UpdateMode::inplace);
  test::Replica replica(fs::linux_fs(), dir.path(), {mode, Durability::none, 0});
  auto file = change_first_byte(replica);
  file->finish({}, 0);
  file.reset();
  REQUIRE(replica.area->commit().at(0).stat);
  CHECK(replica.stat("file")->inode != replica.stat("name")->inode);
  CHECK(dir.read("file")[0] == 'N');
  CHECK(dir.read("name") == std::string(100'000, 'o'));
}

TEST_CASE("both names of a file can be replaced in one batch", "[patch]") {
  test::TempDir dir;
  dir.write("file", "old");
  std::filesystem::create_hard_link(dir.path("file"), dir.path("name"));
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  replica.put("file", "new one");
  replica.put("name", "new two");
  for (const auto& outcome : replica.area->commit()) CHECK(test::error_text(outcome.error).empty());
  CHECK(dir.read("file") == "new one");
  CHECK(dir.read("name") == "new two");
}

TEST_CASE("metadata is set as told, and what is not told stays", "[patch]") {
  const auto strategy = GENERATE(Strategy::rewrite, Strategy::clone, Strategy::inplace);
  CAPTURE(static_cast<int>(strategy));
  test::TempDir dir;
  dir.write("file", std::string(100'000, 'o'));
  REQUIRE(::chmod(dir.path("file").c_str(), 0751) == 0);
  const bool has_xattrs = ::setxattr(dir.path("file").c_str(), "user.k", "v", 1, 0) == 0;
  const auto file_system = test::make_test_fs(fs::linux_fs(), {strategy == Strategy::clone});
  const auto mode = strategy == Strategy::inplace ? UpdateMode::inplace : UpdateMode::atomic;
  test::Replica replica(*file_system, dir.path(), {mode, Durability::none, 0});

  SECTION("kept") {
    auto file = change_first_byte(replica);
    CHECK(file->strategy() == strategy);
    file->finish(test::with_mtime(77'000'000'001), 0);
    file.reset();
    REQUIRE(replica.area->commit().at(0).stat);
    CHECK(replica.stat("file")->mode == 0751);
    CHECK(replica.stat("file")->mtime_ns == 77'000'000'001);
    char value = 0;
    if (has_xattrs) CHECK(::getxattr(dir.path("file").c_str(), "user.k", &value, 1) == 1);
  }
  SECTION("changed") {
    fs::Metadata metadata = test::with_mtime(1);
    metadata.mode = 0604;
    if (has_xattrs) metadata.xattrs = {{"user.other", Bytes(3, std::byte{'x'})}};
    auto file = change_first_byte(replica);
    file->finish(metadata, 0);
    file.reset();
    REQUIRE(replica.area->commit().at(0).stat);
    CHECK(replica.stat("file")->mode == 0604);
    CHECK(replica.stat("file")->mtime_ns == 1);
    char value[3];
    if (has_xattrs) {
      CHECK(::getxattr(dir.path("file").c_str(), "user.k", value, 3) == -1);
      CHECK(::getxattr(dir.path("file").c_str(), "user.other", value, 3) == 3);
    }
  }
}

TEST_CASE("a new file in a set-group-id directory belongs to its group", "[patch]") {
  if (::geteuid() != 0) return;  // only root can give a directory another group
  test::TempDir dir;
  const auto sub = dir.make_dir("sub");
  REQUIRE(::chown(sub.c_str(), 0, 4242) == 0);
  REQUIRE(::chmod(sub.c_str(), 02775) == 0);
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  const std::shared_ptr<fs::Dir> parent = replica.root->open_dir("sub");
  auto file = replica.area->begin(parent, RelPath::parse("sub/file"), {});
  file->finish({}, 0);
  CHECK(replica.area->commit().at(0).stat->gid == 4242);
}

TEST_CASE("symlinks, hard links and nodes are placed and replaced", "[patch]") {
  test::TempDir dir;
  dir.write("file", "content");
  dir.write("old", "regular");
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  const auto place = [&](const std::string& name, auto make) {
    replica.area->place(replica.root, RelPath::parse(name), replica.stat(name), make, 0, std::nullopt);
    const auto outcome = replica.area->commit().at(0);
    INFO(test::error_text(outcome.error));
    REQUIRE(outcome.stat);
    CHECK(test::without_blocks(outcome.stat) == test::without_blocks(replica.stat(name)));
  };
  const auto symlink = [](fs::Dir& to, const std::string& name) { to.make_symlink(name, "file"); };
  const auto link = [&](fs::Dir& to, const std::string& name) { to.make_link(*replica.root, "file", name); };
  place("new-symlink", symlink);
  place("old", symlink);
  CHECK(std::filesystem::read_symlink(dir.path("old")) == "file");
  place("old", link);
  CHECK(replica.stat("old")->inode == replica.stat("file")->inode);
  place("old", link);  // rename(2) of two names of one file does nothing
  CHECK(replica.stat("file")->link_count == 2);
  place("fifo",
        [](fs::Dir& to, const std::string& name) { to.make_node(name, fs::FileType::fifo, 0600, 0, 0); });
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("an entry of another type is replaced only when that is allowed", "[patch]") {
  test::TempDir dir;
  dir.write("elsewhere", "safe");
  std::filesystem::create_symlink("elsewhere", dir.path("file"));
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  patch::FilePlan plan;
  plan.new_bytes = plan.changed_bytes = 3;
  plan.expected = replica.stat("file");
  CHECK_THROWS_AS(replica.begin("file", plan), Error);
  plan.replace_other_type = true;
  auto file = replica.begin("file", plan);
  file->write(0, as_bytes(std::string("new")));
  file->finish({}, 0);
  REQUIRE(replica.area->commit().at(0).stat);
  CHECK(dir.read("file") == "new");
  CHECK(replica.stat("file")->type == fs::FileType::regular);
  CHECK(dir.read("elsewhere") == "safe");
}

TEST_CASE("planted symlinks lead nowhere", "[patch]") {
  test::TempDir dir;
  test::TempDir outside;
  outside.write("victim", "safe");

  SECTION("as a target that was a file") {
    dir.write("file", "old");
    test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
    replica.put("file", "new");
    std::filesystem::remove(dir.path("file"));
    std::filesystem::create_symlink(outside.path("victim"), dir.path("file"));
    CHECK(test::is_error(replica.area->commit().at(0).error, Errc::foreign));
  }
  SECTION("as a target that was not there") {
    test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
    replica.put("file", "new");
    std::filesystem::create_symlink(outside.path("victim"), dir.path("file"));
    CHECK(test::is_error(replica.area->commit().at(0).error, Errc::foreign));
  }
  SECTION("as .syncline") {
    std::filesystem::create_directory_symlink(outside.path(), dir.path(".syncline"));
    CHECK_THROWS_AS(test::Replica(fs::linux_fs(), dir.path(), test::quick()), Error);
  }
  SECTION("as .syncline/tmp") {
    std::filesystem::create_directory(dir.path(".syncline"));
    std::filesystem::create_directory_symlink(outside.path(), dir.path(".syncline/tmp"));
    CHECK_THROWS_AS(test::Replica(fs::linux_fs(), dir.path(), test::quick()), Error);
  }
  SECTION("as .syncline/journal") {
    std::filesystem::create_directory(dir.path(".syncline"));
    std::filesystem::create_symlink(outside.path("victim"), dir.path(".syncline/journal"));
    CHECK_THROWS_AS(test::Replica(fs::linux_fs(), dir.path(), test::quick()), Error);
  }
  CHECK(outside.read("victim") == "safe");
  CHECK(std::distance(std::filesystem::directory_iterator(outside.path()), {}) == 1);
}

TEST_CASE("a .syncline that others can write to is not trusted", "[patch]") {
  test::TempDir dir;
  std::filesystem::create_directory(dir.path(".syncline"));
  REQUIRE(::chmod(dir.path(".syncline").c_str(), 0777) == 0);
  CHECK_THROWS_AS(test::Replica(fs::linux_fs(), dir.path(), test::quick()), Error);
}

TEST_CASE("one process at a time works on a root", "[patch]") {
  test::TempDir dir;
  {
    test::Replica first(fs::linux_fs(), dir.path(), test::quick());
    try {
      test::Replica second(fs::linux_fs(), dir.path(), test::quick());
      FAIL("opened twice");
    } catch (const Error& error) {
      CHECK(error.is(Errc::locked));
    }
  }
  test::Replica third(fs::linux_fs(), dir.path(), test::quick());
}

TEST_CASE("closing keeps a directory that holds something else", "[patch]") {
  test::TempDir dir;
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  dir.write(".syncline/root", "marker");
  replica.area->close_clean();
  CHECK(test::leftovers(dir) == std::vector<std::string>{".syncline", ".syncline/root"});
}

TEST_CASE("closing removes a temporary file that could not be removed at its time", "[patch]") {
  test::TempDir dir;
  test::FaultFs faults(fs::linux_fs());
  test::Replica replica(faults, dir.path(), test::quick());
  faults.fail_op("unlink", EIO);
  replica.begin("given-up", {}).reset();
  CHECK(faults.struck() == 1);
  CHECK(test::leftovers(dir).size() == 3);  // .syncline, tmp, and the file in it
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("what somebody changes as soon as it has its name is not taken for what was written", "[patch]") {
  const auto size_bytes = GENERATE(std::size_t{10}, std::size_t{1'000'000});
  const bool is_new = GENERATE(true, false);
  const bool is_replaced = GENERATE(true, false);
  CAPTURE(size_bytes, is_new, is_replaced);
  test::TempDir dir;
  if (!is_new) dir.write("file", "old");
  test::FaultFs faults(fs::linux_fs());
  test::Replica replica(faults, dir.path(), test::quick());
  const std::string content(size_bytes, 'n');
  patch::FilePlan plan;
  plan.new_bytes = plan.changed_bytes = content.size();
  if (!is_new) plan.expected = replica.stat("file");
  auto file = replica.begin("file", plan);
  file->write(0, as_bytes(content));
  file->finish(test::with_mtime(5), 1);
  file.reset();
  const auto edit = [&] {
    if (is_replaced) std::filesystem::remove(dir.path("file"));
    dir.write("file", "theirs");
  };
  faults.call_op(is_new ? "rename_new" : "rename", edit, 1, test::Moment::after);
  const auto outcome = replica.area->commit().at(0);
  REQUIRE(outcome.stat);
  CHECK(dir.read("file") == "theirs");
  CHECK(outcome.stat->size_bytes == content.size());
  CHECK(outcome.stat->mtime_ns == 5);
  CHECK(outcome.stat->size_bytes != replica.stat("file")->size_bytes);
}

TEST_CASE("a batch is wanted when it is large, spread, or holds up others", "[patch]") {
  const auto durability = GENERATE(Durability::none, Durability::batch);
  const int files_max = durability == Durability::none ? 64 : 1000;
  test::TempDir dir;
  dir.write("file", std::string(100'000, 'o'));
  auto options = test::forced_inplace();
  options.durability = durability;
  test::Replica replica(fs::linux_fs(), dir.path(), options);
  CHECK_FALSE(replica.area->wants_commit());
  for (int i = 0; i < files_max; ++i) {
    CHECK_FALSE(replica.area->wants_commit());
    replica.put("f" + std::to_string(i), "");
  }
  CHECK(replica.area->wants_commit());
  replica.area->commit();
  CHECK_FALSE(replica.area->wants_commit());
  change_first_byte(replica)->finish({}, 0);
  CHECK(replica.area->wants_commit());
}

TEST_CASE("several threads write while one commits", "[patch]") {
  test::TempDir dir;
  dir.write("big0", std::string(200'000, 'o'));
  dir.write("big1", std::string(200'000, 'o'));
  const auto file_system = test::make_test_fs(fs::linux_fs(), {});
  test::Replica replica(*file_system, dir.path(), {UpdateMode::inplace, Durability::batch, 0});
  std::atomic<int> running{2};
  std::vector<std::thread> writers;
  for (int t = 0; t < 2; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i)
        replica.put("t" + std::to_string(t) + "-" + std::to_string(i), std::to_string(i));
      const auto name = "big" + std::to_string(t);
      replica.put(name, std::string(200'000, static_cast<char>('0' + t)));
      --running;
    });
  }
  std::size_t committed = 0;
  const auto commit = [&] {
    for (const auto& outcome : replica.area->commit()) {
      CHECK(test::error_text(outcome.error).empty());
      ++committed;
    }
  };
  while (running > 0) commit();
  for (auto& writer : writers) writer.join();
  commit();
  CHECK(committed == 202);
  CHECK(dir.read("t1-99") == "99");
  CHECK(dir.read("big1") == std::string(200'000, '1'));
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("only changed sectors are written in place", "[patch]") {
  test::TempDir dir;
  std::mt19937_64 random(1);
  auto content = test::random_text(random, 4 << 20);
  dir.write("file", content);
  test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  patch::FilePlan plan;
  plan.expected = replica.stat("file");
  plan.new_bytes = plan.changed_bytes = content.size();
  auto file = replica.begin("file", plan);
  for (std::size_t at = 1000; at < content.size(); at += 64 << 10) content[at] ^= 1;
  file->write(0, as_bytes(content));
  file->finish({}, 0);
  file.reset();
  REQUIRE(replica.area->commit().at(0).stat);
  CHECK(dir.read("file") == content);
  // 64 sectors in the journal and in the file, their sums and table, four more records.
  CHECK(replica.area->written_bytes() <= 2 * 64 * 512 + 64 * 24 + 5 * 512 + 512);
}

TEST_CASE("a conflict name keeps the extension", "[patch]") {
  const auto name = [](const std::string& of) { return patch::conflict_name(of, "local", 1); };
  CHECK(name("report.txt") == "report.conflict-local-1.txt");
  CHECK(name("src.tar.gz") == "src.conflict-local-1.tar.gz");
  CHECK(name("data.gz") == "data.conflict-local-1.gz");
  CHECK(name(".tar.gz") == ".tar.gz.conflict-local-1");
  CHECK(name(".bashrc") == ".bashrc.conflict-local-1");
  CHECK(name("Makefile") == "Makefile.conflict-local-1");
  CHECK(name("odd.") == "odd..conflict-local-1");
  CHECK(name("minutes of 3. May 2020") == "minutes of 3. May 2020.conflict-local-1");
  const auto longest = name(std::string(120, 'x') + std::string("\xC3\xA4") + std::string(129, 'y') + ".txt");
  CHECK(longest.size() == 255);
  CHECK(name(std::string(253, 'z') + "\xC3\xA4").size() <= 255);
  std::string umlauts;
  for (int i = 0; i < 127; ++i) umlauts += "\xC3\xA4";
  CHECK(name(umlauts).find("\xC3.") == std::string::npos);
}

TEST_CASE("a conflict name is told from others", "[patch]") {
  for (const auto* name : {"report.txt", "src.tar.gz", ".bashrc", "Makefile", "odd.", "a.conflict-b-1.txt"})
    CHECK(patch::is_conflict_name(patch::conflict_name(name, "the-box", 12)));
  for (const auto* name : {"report.txt", "a.conflict-b.txt", "a.conflict-b-.txt", "a.conflict--1",
                           "a.conflict-b-1x", "a.conflict-", "conflict-b-1"})
    CHECK_FALSE(patch::is_conflict_name(name));
}

TEST_CASE("a device's label fits into a name", "[patch]") {
  CHECK(patch::device_label("nas.example.org") == "nas");
  CHECK(patch::device_label("Box_1-b") == "Box_1-b");
  CHECK(patch::device_label("a b/c\xC3\xA4") == "a-b-c--");
  CHECK(patch::device_label("") == "host");
  CHECK(patch::device_label(".x") == "host");
  const std::string longest(limits::device_label_bytes_max, 'n');
  CHECK(patch::device_label(longest) == longest);
  CHECK(patch::device_label(longest + 'n') == longest);
}

TEST_CASE("what is replaced is kept under the first free name, and nothing else is replaced", "[patch]") {
  test::TempDir dir;
  dir.write("f.txt", "theirs");
  dir.write("f.conflict-box-1.txt", "kept before");
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  patch::FilePlan plan;
  plan.new_bytes = plan.changed_bytes = 4;
  plan.expected = replica.stat("f.txt");
  plan.keep = patch::Keep{replica.root, patch::Keep::Naming::beside, "box"};
  const auto write = [&](bool drops) {
    auto file = replica.begin("f.txt", plan);
    file->write(0, as_bytes("ours"));
    if (drops) file->drop_keep();
    file->finish({}, 1);
    return replica.area->commit().at(0);
  };
  SECTION("kept") {
    const auto outcome = write(false);
    REQUIRE(outcome.kept);
    CHECK(outcome.kept->name == "f.conflict-box-2.txt");
    CHECK(dir.read("f.conflict-box-2.txt") == "theirs");
    CHECK(outcome.kept->stat->ctime_ns == replica.stat("f.conflict-box-2.txt")->ctime_ns);
  }
  SECTION("the same after all") {
    CHECK_FALSE(write(true).kept);
    CHECK_FALSE(dir.exists("f.conflict-box-2.txt"));
  }
  CHECK(dir.read("f.txt") == "ours");
  CHECK(dir.read("f.conflict-box-1.txt") == "kept before");
}

TEST_CASE("a file has 10,000 names for what is kept of it", "[patch][limit]") {
  test::TempDir dir(test::TempDir::memory_base());
  const auto root = dir.open();
  dir.write("f", "theirs");
  for (unsigned seq = 1; seq < limits::conflict_seq_max; ++seq)
    root->create(patch::conflict_name("f", "box", seq));
  const patch::Keep keep{std::shared_ptr<fs::Dir>(dir.open()), patch::Keep::Naming::beside, "box"};
  CHECK(patch::keep_moved(*root, "f", keep) == patch::conflict_name("f", "box", limits::conflict_seq_max));
  dir.write("f", "theirs again");
  try {
    patch::keep_moved(*root, "f", keep);
    FAIL("more names than there may be");
  } catch (const Error& error) {
    CHECK(error.is_errno(EEXIST));
    CHECK(std::string(error.what()).find("10000") != std::string::npos);
  }
  CHECK(dir.read("f") == "theirs again");
}

TEST_CASE("temporary names are told from others", "[patch]") {
  CHECK(patch::is_temp_name(".syncline-tmp-0011223344ff-7"));
  CHECK_FALSE(patch::is_temp_name(".syncline"));
  CHECK_FALSE(patch::is_temp_name("file"));
}

}  // namespace syncline
