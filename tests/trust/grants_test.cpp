// SPDX-License-Identifier: Apache-2.0
// Grants: who gets what, when it counts, and that damage grants nothing.
#include "trust/grants.hpp"

#include <unistd.h>

#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "samples.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
using namespace syncline::trust;

namespace {

Grants open_grants(const TempDir& temp) { return {fs::linux_fs(), temp.path()}; }

Grant grant(unsigned key, std::string share, Right right, std::string name = "") {
  return {key_of(key), std::move(share), right, std::move(name), 1'800'000'000};
}

}  // namespace

TEST_CASE("without a grant everything is denied", "[trust]") {
  TempDir temp;
  CHECK_FALSE(open_grants(temp).right_for(key_of(1), "photos"));
  CHECK(open_grants(temp).list().empty());
  CHECK(Grants(fs::linux_fs(), temp.path("none")).remove(key_of(1)) == 0);
  CHECK_FALSE(temp.exists("none"));
}

TEST_CASE("a grant for one share counts before the one for every share", "[trust]") {
  TempDir temp;
  auto grants = open_grants(temp);
  grants.add(grant(1, "photos", Right::read));
  grants.add(grant(1, "*", Right::write));
  grants.add(grant(2, "*", Right::write_no_delete));
  grants.add(grant(2, "photos", Right::write));
  grants.add(grant(3, "music", Right::read));
  CHECK(grants.right_for(key_of(1), "photos") == Right::read);
  CHECK(grants.right_for(key_of(1), "music") == Right::write);
  CHECK(grants.right_for(key_of(2), "photos") == Right::write);
  CHECK(grants.right_for(key_of(2), "Photos") == Right::write_no_delete);
  CHECK(grants.right_for(key_of(3), "music") == Right::read);
  CHECK_FALSE(grants.right_for(key_of(3), "photos"));
  CHECK_FALSE(grants.right_for(key_of(4), "photos"));
}

TEST_CASE("grants are listed as they were added, and written for people", "[trust]") {
  TempDir temp;
  auto grants = open_grants(temp);
  const std::vector<Grant> wanted{grant(1, "photos", Right::read, "laptop of J\xC3\xB6rg  2"),
                                  grant(1, "*", Right::write_no_delete),
                                  grant(2, "a.b-c_D", Right::write, "#")};
  for (const auto& each : wanted) grants.add(each);
  CHECK(grants.list() == wanted);
  CHECK(mode_of(temp.path("grants")) == 0600);
  CHECK(temp.read("grants") == key_of(1).text() + " photos ro 1800000000 laptop of J\xC3\xB6rg  2\n" +
                                   key_of(1).text() + " * nodelete 1800000000\n" + key_of(2).text() +
                                   " a.b-c_D rw 1800000000 #\n");
}

TEST_CASE("a grant of the same key and share is replaced", "[trust]") {
  TempDir temp;
  auto grants = open_grants(temp);
  grants.add(grant(1, "photos", Right::read, "old"));
  grants.add(grant(1, "music", Right::read));
  grants.add(grant(1, "photos", Right::write, "new"));
  CHECK(grants.list() ==
        std::vector{grant(1, "music", Right::read), grant(1, "photos", Right::write, "new")});
}

TEST_CASE("removing takes one share or all that a key has", "[trust]") {
  TempDir temp;
  auto grants = open_grants(temp);
  const auto fill = [&] {
    for (const char* share : {"a", "b", "*"}) grants.add(grant(1, share, Right::write));
    grants.add(grant(2, "a", Right::write));
  };
  fill();
  CHECK(grants.remove(key_of(1), "a") == 1);
  CHECK(grants.remove(key_of(1), "a") == 0);
  CHECK(grants.remove(key_of(1), "*") == 1);
  CHECK(grants.list() == std::vector{grant(1, "b", Right::write), grant(2, "a", Right::write)});
  fill();
  CHECK(grants.remove(key_of(1)) == 3);
  CHECK(grants.remove(key_of(3)) == 0);
  CHECK(grants.list() == std::vector{grant(2, "a", Right::write)});
}

TEST_CASE("what another process grants or takes away counts at the next question", "[trust]") {
  TempDir temp;
  const auto running = open_grants(temp);
  for (int round = 0; round < 50; ++round) {
    // Same size, same moment, perhaps the same inode: nothing a cache could tell apart.
    open_grants(temp).add(grant(1, "a", Right::read));
    CHECK(running.right_for(key_of(1), "a") == Right::read);
    open_grants(temp).add(grant(1, "a", Right::write));
    CHECK(running.right_for(key_of(1), "a") == Right::write);
    CHECK(open_grants(temp).remove(key_of(1)) == 1);
    CHECK_FALSE(running.right_for(key_of(1), "a"));
  }
}

TEST_CASE("comments in the grants stay", "[trust]") {
  TempDir temp;
  const auto line = key_of(1).text() + " a ro 5 x \t\n";
  write_with_mode(temp, "grants", "# family\n" + line + "\n# work\n");
  auto grants = open_grants(temp);
  CHECK(grants.list() == std::vector{Grant{key_of(1), "a", Right::read, "x", 5}});
  grants.add(grant(2, "b", Right::write));
  CHECK(grants.remove(key_of(1)) == 1);
  CHECK(temp.read("grants") == "# family\n\n# work\n" + key_of(2).text() + " b rw 1800000000\n");
}

TEST_CASE("a damaged file grants nothing to anybody and says why", "[trust]") {
  TempDir temp;
  const auto key = key_of(1).text();
  const auto good = key_of(2).text() + " * rw 5\n";
  for (const std::string& line : {std::string("x"),
                                  key,
                                  key + " a",
                                  key + " a rw",
                                  key + " a rw x",
                                  key + " a rw -1",
                                  key + " a rw 5x",
                                  key + " a rw 9223372036854775808",
                                  key + " a RW 5",
                                  key + " a write 5",
                                  key + " a/b rw 5",
                                  key + " ** rw 5",
                                  key.substr(1) + " a rw 5",
                                  key + "A a rw 5",
                                  key + " a rw 5 \x1b[2J",
                                  key + " a rw 5 \xFF",
                                  key + " a rw 5 back\\slash",
                                  key + " a rw 5 x\r",
                                  key + " a rw 5 " + std::string(limits::grant_name_bytes_max + 1, 'n'),
                                  key_of(2).text() + " * ro 6"}) {
    CAPTURE(line);
    const auto content = good + line + "\n";
    write_with_mode(temp, "grants", content);
    auto grants = open_grants(temp);
    const auto error = error_of([&] { grants.right_for(key_of(2), "a"); });
    CHECK(error.is(Errc::malformed));
    CHECK(contains(error.what(), "'" + temp.path("grants") + "' line 2: "));
    CHECK(error_of([&] { grants.list(); }).is(Errc::malformed));
    CHECK(error_of([&] { grants.add(grant(3, "a", Right::read)); }).is(Errc::malformed));
    CHECK(error_of([&] { grants.remove(key_of(2)); }).is(Errc::malformed));
    CHECK(temp.read("grants") == content);
  }
  write_with_mode(temp, "grants", good.substr(0, good.size() - 1));
  CHECK(error_of([&] { open_grants(temp).right_for(key_of(2), "a"); }).is(Errc::malformed));
  write_with_mode(temp, "grants", good);
  CHECK(open_grants(temp).right_for(key_of(2), "a") == Right::write);
}

TEST_CASE("grants that others can touch grant nothing", "[trust]") {
  TempDir temp;
  for (const unsigned mode : {0640U, 0604U, 0620U, 0602U}) {
    write_with_mode(temp, "grants", key_of(2).text() + " * rw 5\n", mode);
    const auto error = error_of([&] { open_grants(temp).right_for(key_of(2), "a"); });
    CHECK(error.is(Errc::untrusted));
    CHECK(contains(error.what(), "chmod 600 '" + temp.path("grants") + "'"));
  }
}

TEST_CASE("share names have 1 to 64 bytes and no character that means something elsewhere", "[trust]") {
  const std::string longest(limits::share_name_bytes_max, 's');
  for (const std::string& name : {longest, std::string("a"), std::string("J\xC3\xB6rg's.pictures-2026_(1)")})
    CHECK_NOTHROW(check_share_name(name));
  for (const std::string& name :
       {std::string(), longest + "s", std::string("*"), std::string("a b"), std::string("a\tb"),
        std::string("a\n"), std::string("a:b"), std::string("a=b"), std::string("a/b"), std::string("a\\b"),
        std::string("#a"), std::string("\xFF"), std::string("\x7F"), std::string("a\0", 2)}) {
    CAPTURE(name);
    CHECK(error_of([&] { check_share_name(name); }).is(Errc::usage));
  }
}

TEST_CASE("what could not be read back is not added", "[trust]") {
  TempDir temp;
  auto grants = open_grants(temp);
  const std::string longest(limits::grant_name_bytes_max, 'n');
  grants.add(grant(1, "a", Right::read, longest));
  CHECK(grants.list().at(0).name == longest);
  const auto before = temp.read("grants");
  for (const auto& bad : {grant(2, "a b", Right::read), grant(2, "", Right::read),
                          grant(2, "a", Right::read, longest + "n"), grant(2, "a", Right::read, " x"),
                          grant(2, "a", Right::read, "x "), grant(2, "a", Right::read, "x\ny"),
                          Grant{key_of(2), "a", Right::read, "", -1}, grant(2, "a", static_cast<Right>(0))})
    CHECK(error_of([&] { grants.add(bad); }).is(Errc::usage));
  CHECK(temp.read("grants") == before);
}

TEST_CASE("grants of several threads do not lose each other", "[trust]") {
  constexpr unsigned threads_count = 4, each = 8;
  TempDir temp;
  std::vector<std::thread> threads;
  for (unsigned k = 0; k < threads_count; ++k)
    threads.emplace_back([&, k] {
      auto grants = open_grants(temp);
      for (unsigned n = 0; n < each; ++n) grants.add(grant(k * each + n, "a", Right::read));
    });
  for (auto& thread : threads) thread.join();
  CHECK(open_grants(temp).list().size() == threads_count * each);
}

TEST_CASE("a grant on the command line gives every share and rw unless it says less", "[trust]") {
  const auto key = key_of(7).text();
  const auto parsed = [&](const std::string& rest) { return parse_grant_argument(key + rest); };
  CHECK(parsed("") == Grant{key_of(7), "*", Right::write, "", 0});
  CHECK(parsed("=photos") == Grant{key_of(7), "photos", Right::write, "", 0});
  CHECK(parsed("=photos:ro") == Grant{key_of(7), "photos", Right::read, "", 0});
  CHECK(parsed("=photos:rw") == Grant{key_of(7), "photos", Right::write, "", 0});
  CHECK(parsed("=*:nodelete") == Grant{key_of(7), "*", Right::write_no_delete, "", 0});
  for (const char* rest :
       {"=", "=:ro", "=a:", "=a:r", "=a:ro:ro", "=a b", "=a=b", ":ro", " ", "=a/b:ro", "=a:RO"}) {
    CAPTURE(rest);
    CHECK(error_of([&] { parsed(rest); }).is(Errc::usage));
  }
  CHECK(error_of([] { parse_grant_argument(""); }).is(Errc::usage));
  CHECK(error_of([] { parse_grant_argument("=photos"); }).is(Errc::usage));
}

TEST_CASE("every right has one word", "[trust]") {
  for (const auto right : {Right::read, Right::write, Right::write_no_delete})
    CHECK(parse_right(to_text(right)) == right);
  CHECK(to_text(Right::read) == "ro");
  CHECK(to_text(Right::write) == "rw");
  CHECK(to_text(Right::write_no_delete) == "nodelete");
  CHECK(error_of([] { parse_right(""); }).is(Errc::usage));
}

TEST_CASE("root does not write grants that their server could not read", "[trust]") {
  if (::geteuid() != 0) {
    WARN("only root can make a directory of another user");
    return;
  }
  TempDir temp;
  REQUIRE(::chown(temp.path().c_str(), 65534, 65534) == 0);
  const auto error = error_of([&] { open_grants(temp).add(grant(1, "a", Right::read)); });
  CHECK(error.is(Errc::untrusted));
  CHECK(contains(error.what(), "'" + temp.path() + "' belongs to user 65534"));
  CHECK_FALSE(temp.exists("grants"));
  write_with_mode(temp, "grants", key_of(1).text() + " * rw 5\n");
  REQUIRE(::chown(temp.path("grants").c_str(), 65534, 65534) == 0);
  CHECK(error_of([&] { open_grants(temp).right_for(key_of(1), "a"); }).is(Errc::untrusted));
}

TEST_CASE("grants are not changed where they cannot be locked", "[trust]") {
  TempDir temp;
  open_grants(temp).add(grant(1, "a", Right::read));
  FaultFs faults(fs::linux_fs());
  faults.fail_every("try_lock", EBADF);
  Grants grants(faults, temp.path());
  const auto error = error_of([&] { grants.add(grant(2, "a", Right::read)); });
  CHECK(error.is_errno(EOPNOTSUPP));
  CHECK(contains(error.what(), temp.path("grants")));
  CHECK(error_of([&] { grants.remove(key_of(1)); }).is_errno(EOPNOTSUPP));
  CHECK(grants.right_for(key_of(1), "a") == Right::read);
}
