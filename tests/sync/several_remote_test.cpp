// SPDX-License-Identifier: Apache-2.0
// Several sources to and from a server: one session, and nobody touches what does not take part in it.
#include <filesystem>

#include "remote.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

TEST_CASE("several sources go in one session", "[sync][remote]") {
  Remote remote;
  remote.dir.write("a", "1");
  remote.dir.write("b", "2");
  remote.dir.write("here/c", "3");
  remote.options.sources = {remote.dir.path("a"), remote.dir.path("here"), remote.dir.path("b")};
  remote.options.destination = "syncline://host/share/";
  CHECK(remote.run(remote.served).report.exit_code == 0);
  CHECK(remote.served.dial_count == 1);
  CHECK(remote.served.news.size() == 1);
  CHECK(remote.dir.read("share/a") == "1");
  CHECK(remote.dir.read("share/b") == "2");
  CHECK(remote.dir.read("share/here/c") == "3");
}

TEST_CASE("where some entries take part no other one is touched, whatever the sender says",
          "[sync][remote]") {
  Remote remote;
  remote.dir.write("share/theirs", "t");
  const std::vector<wire::Op> ops{wire::MakeDir{"c"},
                                  wire::MakeDir{"ab/x"},
                                  wire::Remove{"theirs", false},
                                  wire::Rename{"a", "theirs"},
                                  wire::Rename{"theirs", "a"},
                                  wire::MakeLink{"b", "theirs"},
                                  wire::MakeSymlink{".ssh", "/tmp", {}},
                                  wire::SetMeta{"", {}}};
  for (const auto& op : ops) {
    CAPTURE(op.index());
    wire::Channel channel(remote.served.dial(), wire::Conversation::asking(wire::Role::sender), {});
    wire::Open open;
    open.share = "share";
    open.entries = {"b", "a"};
    channel.send(open);
    channel.send(wire::Hello{});
    channel.send(wire::Begin{});
    channel.send(wire::Roots{});
    channel.flush();
    while (!std::holds_alternative<wire::ListEnd>(channel.receive().value())) continue;
    channel.send(wire::Batch{{op}});
    channel.flush();
    const auto answer = channel.receive();
    REQUIRE(answer);
    const auto* fatal = std::get_if<wire::Fatal>(&*answer);
    REQUIRE(fatal != nullptr);
    CHECK(fatal->code == static_cast<std::uint32_t>(Errc::protocol));
    channel.close();
    remote.served.join();
    CHECK(remote.dir.read("share/theirs") == "t");
  }
}

TEST_CASE("several sources of a pull must be in one share of one server", "[sync][remote]") {
  Remote remote;
  remote.dir.write("share/f", "x");
  remote.options.destination = remote.dir.path("here") + "/";
  for (const char* other : {"syncline://other/share/f", "syncline://host/second/f", "host:f"}) {
    CAPTURE(other);
    remote.options.sources = {"syncline://host/share/f", other};
    CHECK_THROWS_AS(remote.run(remote.served), Error);
  }
  CHECK(remote.served.dial_count == 0);
  CHECK(stdfs::is_empty(remote.dir.path("here")));
}

TEST_CASE("a server merges the sources that a client asks for, and no others", "[sync][remote]") {
  Remote remote;
  remote.dir.write("share/f", "x");
  stdfs::create_directories(remote.dir.path("share/d/sub"));
  stdfs::create_directories(remote.dir.path("share/e/sub"));
  remote.dir.write("share/d/sub/one", "1");
  remote.dir.write("share/e/sub/two", "2");
  remote.dir.write("share/e/not", "3");
  remote.options.destination = remote.dir.path("here") + "/";
  remote.options.sources = {"syncline://host/share/d/", "syncline://host/share/f",
                            "syncline://host/share/e/sub"};
  const auto outcome = remote.run(remote.served);
  CHECK(outcome.report.in_step);
  CHECK(remote.dir.read("here/f") == "x");
  CHECK(remote.dir.read("here/sub/one") == "1");
  CHECK(remote.dir.read("here/sub/two") == "2");
  CHECK_FALSE(remote.dir.exists("here/not"));
  // A symlink leads out of a confined share as one of several sources no more than as the only one.
  stdfs::create_directory_symlink(remote.dir.path("server"), remote.dir.path("share/link"));
  remote.options.sources = {"syncline://host/share/f", "syncline://host/share/link/"};
  const auto refused = remote.run(remote.served);
  CHECK(refused.report.exit_code == 23);
  CHECK(refused.failed("link"));
  CHECK(refused.changes.size() == 0);
}
