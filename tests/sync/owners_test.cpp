// SPDX-License-Identifier: Apache-2.0
// Users and groups between two machines that give the same names other numbers.
#include "sync/owners.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "base/limits.hpp"
#include "pair.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "tree_picture.hpp"

using namespace syncline;
using namespace syncline::sync;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

using Table = std::map<std::string, std::uint32_t>;

/// A passwd and a group file of the test's own.
class TestAccounts final : public Accounts {
 public:
  TestAccounts(Table users, Table groups) : users_(std::move(users)), groups_(std::move(groups)) {}
  std::optional<std::string> user_name(std::uint32_t uid) const override { return name_in(users_, uid); }
  std::optional<std::string> group_name(std::uint32_t gid) const override { return name_in(groups_, gid); }
  std::optional<std::uint32_t> user_id(const std::string& name) const override { return id_in(users_, name); }
  std::optional<std::uint32_t> group_id(const std::string& name) const override {
    return id_in(groups_, name);
  }
  std::optional<std::uint32_t> group_of_user(std::uint32_t) const override { return std::nullopt; }
  std::uint32_t own_group() const override { return system_accounts().own_group(); }
  bool is_member(std::uint32_t gid) const override { return system_accounts().is_member(gid); }

 private:
  static std::optional<std::string> name_in(const Table& table, std::uint32_t id) {
    for (const auto& [name, number] : table)
      if (number == id) return name;
    return std::nullopt;
  }
  static std::optional<std::uint32_t> id_in(const Table& table, const std::string& name) {
    const auto found = table.find(name);
    return found == table.end() ? std::nullopt : std::optional(found->second);
  }
  Table users_, groups_;
};

void give(const std::string& path, uid_t uid, gid_t gid) {
  if (::lchown(path.c_str(), uid, gid) != 0) throw std::runtime_error("chown " + path);
}

/// Alice and the staff have other numbers there, bob is unknown there, and 4001 has no name here.
const TestAccounts here_accounts({{"root", 0}, {"alice", 3001}, {"bob", 3002}},
                                 {{"root", 0}, {"staff", 3100}});
const TestAccounts there_accounts({{"root", 0}, {"alice", 5001}, {"carol", 3001}},
                                  {{"root", 0}, {"staff", 5100}});

/// A client and a server, each with its accounts.
struct Machines {
  Machines() {
    here.accounts = &here_accounts;
    there.accounts = &there_accounts;
    dir.make_dir("here");
    dir.make_dir("share");
    options.state_dir = dir.path("client");
    options.durability = Durable::none;
    options.threads = 2;
  }
  CopyReport run(bool push) {
    ServedShare share;
    share.dir = dir.path("share");
    share.may_write = share.may_delete = true;
    share.state_dir = dir.make_dir("server");
    Served served(share, there);
    const auto url = "syncline://host/share/";
    options.sources = {push ? dir.path("here") + "/" : url};
    options.destination = push ? url : dir.path("here") + "/";
    changes = 0;
    CopyObserver observer;
    observer.on_change = [this](const ChangeEvent&) { ++changes; };
    return served.copy(options, observer, here);
  }
  std::pair<std::uint32_t, std::uint32_t> owner(const std::string& path) const {
    const auto stat = lstat_of(dir.path(path));
    return {stat.st_uid, stat.st_gid};
  }
  TempDir dir;
  World here, there;
  CopyOptions options;
  int changes = 0;
};

using Ids = std::pair<std::uint32_t, std::uint32_t>;

void make_owned(const Machines& at) {
  at.dir.write("here/alice", "1");
  at.dir.write("here/bob", "2");
  at.dir.write("here/number", "3");
  at.dir.write("here/root", "4");
  at.dir.make_dir("here/dir");
  stdfs::create_symlink("alice", at.dir.path("here/link"));
  give(at.dir.path("here/alice"), 3001, 3100);
  give(at.dir.path("here/link"), 3001, 3100);
  give(at.dir.path("here/dir"), 3001, 3100);
  give(at.dir.path("here/bob"), 3002, 3100);
  give(at.dir.path("here/number"), 4001, 4100);
  give(at.dir.path("here/root"), 0, 0);
}

bool is_root() {
  if (::geteuid() == 0) return true;
  WARN("skipped: only root can give files away");
  return false;
}

}  // namespace

TEST_CASE("names get the numbers of the machine they come to", "[sync][owners]") {
  if (!is_root()) return;
  Machines at;
  make_owned(at);
  CHECK(at.run(true).in_step);
  CHECK(at.owner("share/alice") == Ids{5001, 5100});
  CHECK(at.owner("share/link") == Ids{5001, 5100});
  CHECK(at.owner("share/dir") == Ids{5001, 5100});
  CHECK(at.owner("share/bob") == Ids{3002, 5100});     // unknown there: the number
  CHECK(at.owner("share/number") == Ids{4001, 4100});  // without a name here: the number
  CHECK(at.owner("share/root") == Ids{0, 0});

  // Back again, into another directory of the first machine, they are who they were.
  stdfs::rename(at.dir.path("here"), at.dir.path("before"));
  CHECK(at.run(false).in_step);
  for (const std::string name : {"alice", "link", "dir", "number", "root"}) {
    CAPTURE(name);
    CHECK(at.owner("here/" + name) == at.owner("before/" + name));
  }
}

TEST_CASE("mapped owners are in step, at once and without a memory", "[sync][owners]") {
  if (!is_root()) return;
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  Machines at;
  make_owned(at);
  if (!push) {
    stdfs::rename(at.dir.path("here"), at.dir.path("share2"));
    stdfs::remove_all(at.dir.path("share"));
    stdfs::rename(at.dir.path("share2"), at.dir.path("share"));
  }
  const auto first = at.run(push);
  CHECK(first.in_step);
  CHECK(at.changes > 0);
  const auto again = at.run(push);
  CHECK(again.in_step);
  CHECK(at.changes == 0);
  CHECK(again.content_read_bytes == 0);
  // What owners are there is remembered. A slow machine has more progress to tell in one run than in another.
  auto least = again.sent_bytes + 1;
  for (int run = 0; run < 5 && least > again.sent_bytes; ++run) {
    const auto third = at.run(push);
    CHECK(third.in_step);
    least = std::min(least, third.sent_bytes);
  }
  CHECK(least <= again.sent_bytes);
  for (const auto* state : {"client", "server"}) stdfs::remove_all(at.dir.path(state));
  CHECK(at.run(push).in_step);
  CHECK(at.changes == 0);
}

TEST_CASE("numeric ids are kept as they are", "[sync][owners]") {
  if (!is_root()) return;
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  Machines at;
  const std::string from = push ? "here/" : "share/", to = push ? "share/" : "here/";
  at.dir.write(from + "alice", "1");
  give(at.dir.path(from + "alice"), 3001, 3100);
  CHECK(at.run(push).in_step);
  CHECK(at.owner(to + "alice") == (push ? Ids{5001, 5100} : Ids{3001, 3100}));
  at.options.numeric_ids = true;
  CHECK(at.run(push).in_step);
  CHECK(at.owner(to + "alice") == Ids{3001, 3100});
  at.options.numeric_ids = false;
  CHECK(at.run(push).in_step);
  CHECK(at.owner(to + "alice") == (push ? Ids{5001, 5100} : Ids{3001, 3100}));
}

TEST_CASE("a number that changes its name over there is put right", "[sync][owners]") {
  if (!is_root()) return;
  Machines at;
  make_owned(at);
  at.run(true);
  const TestAccounts changed({{"root", 0}, {"alice", 6001}}, {{"root", 0}, {"staff", 5100}});
  at.there.accounts = &changed;
  CHECK(at.run(true).in_step);
  CHECK(at.owner("share/alice") == Ids{6001, 5100});
  CHECK(at.changes > 0);
  CHECK(at.run(true).in_step);
  CHECK(at.changes == 0);
}

TEST_CASE("an owner that was changed at the destination is put back by name", "[sync][owners]") {
  if (!is_root()) return;
  Machines at;
  make_owned(at);
  at.run(true);
  give(at.dir.path("share/alice"), 3001, 3100);  // carol, there
  CHECK(at.run(true).in_step);
  CHECK(at.owner("share/alice") == Ids{5001, 5100});
}

TEST_CASE("who is not root can give files to the groups it is in, and leaves others alone",
          "[sync][owners]") {
  if (!is_root()) return;
  constexpr gid_t own = 65534, member = 2001, other = 2002;
  const bool local = GENERATE(true, false);
  CAPTURE(local);
  Machines at;
  at.dir.write("here/own", "1");
  at.dir.write("here/member", "2");
  at.dir.write("here/other", "3");
  give(at.dir.path("here/own"), own, own);
  give(at.dir.path("here/member"), own, member);
  give(at.dir.path("here/other"), own, other);
  give(at.dir.path("here"), own, own);
  for (const std::string name : {"", "share", "client", "server"}) {
    at.dir.make_dir(name.empty() ? "share" : name);
    give(at.dir.path(name), own, own);
  }
  const auto child = run_in_child([&] {
    if (::setgroups(1, &member) != 0 || ::setgid(own) != 0 || ::setuid(own) != 0) return 101;
    CopyOptions options = at.options;
    const auto run = [&] {
      if (!local) return at.run(true);
      options.sources = {at.dir.path("here") + "/"};
      options.destination = at.dir.path("share");
      at.changes = 0;
      CopyObserver observer;
      observer.on_change = [&](const ChangeEvent&) { ++at.changes; };
      return run_copy({}, {}, options, observer, wire::make_pipe);
    };
    if (run().exit_code != 0) return 102;
    if (at.owner("share/own").second != own) return 103;
    if (at.owner("share/member").second != member) return 104;
    if (at.owner("share/other").second != own) return 105;
    if (!run().in_step || at.changes != 0) return 106;
    // A group that cannot be set is no difference, also to a file whose group somebody else has chosen.
    if (::chown(at.dir.path("share/other").c_str(), own, member) != 0) return 107;
    if (!run().in_step || at.owner("share/other").second != member) return 108;
    return 0;
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("an answer that does not fit the question is refused", "[sync][owners]") {
  wire::Owners owners;
  owners.users = {{5, "a", 5, true}};
  owners.groups = {{6, "b", 6, true}};
  OwnerMap map;
  CHECK_THROWS_AS(take_ids(map, owners, {{}, {{6, true}}}), Error);
  CHECK_THROWS_AS(take_ids(map, owners, {{5}, {}}), Error);
  CHECK_THROWS_AS(take_ids(map, owners, {{5, 6}, {{6, true}}}), Error);
  take_ids(map, owners, {{7}, {{8, false}}});
  CHECK(map.user(5) == 7);
  CHECK(map.group(6) == 8);
  CHECK_FALSE(map.is_settable(6));
  CHECK(map.user(6) == 6);
  CHECK(map.is_settable(5));
  const auto again = decode_owners(encode_owners(map));
  CHECK(again.users() == map.users());
  CHECK(again.groups() == map.groups());
  CHECK(decode_owners(Bytes(3, std::byte{9})).users().empty());
  take_ids(map, owners, {{5}, {{6, true}}});
  CHECK(map.users().empty());
  CHECK(map.groups().empty());
}

TEST_CASE("a name of the other side is looked up only if it can be one", "[sync][owners]") {
  wire::Owners owners;
  owners.users = {{1, std::string("alice\0x", 7), 1, true}, {2, "", 2, true}, {3, "alice", 3, true}};
  CHECK(ids_of(owners, there_accounts, true).users == std::vector<std::uint32_t>{1, 2, 5001});
}

TEST_CASE("a map of owners forgets rather than grow beyond its limit", "[sync][owners]") {
  OwnerMap map;
  for (std::uint32_t id = 1; id <= limits::owners_max; ++id) map.set_user(id, id + 1);
  CHECK(map.users().size() == limits::owners_max);
  map.set_user(1, 7);
  CHECK(map.users().size() == limits::owners_max);
  map.set_user(limits::owners_max + 1, 1);
  CHECK(map.users().size() == 1);
}
