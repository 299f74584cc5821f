// SPDX-License-Identifier: Apache-2.0
// Sockets with names.
#include "fs/local_socket.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace syncline;
using test::TempDir;

TEST_CASE("who listens in a directory is reached there, however long its path is", "[fs][socket]") {
  const TempDir top;
  std::string deep = "d";
  while (deep.size() < 1000) deep += "/" + std::string(99, 'd');
  const auto dir = fs::linux_fs().open_root(top.make_dir(deep));
  const auto listening = fs::listen_local(*dir, "socket");
  CHECK(dir->stat_at("socket")->type == fs::FileType::socket);
  CHECK(dir->stat_at("socket")->mode == 0600);
  const auto connected = fs::connect_local(*dir, "socket");
  REQUIRE(connected);
  CHECK(fs::peer_user(connected->get()) == fs::linux_fs().effective_uid());
  const fs::Fd accepted(::accept(listening.get(), nullptr, nullptr));
  CHECK(fs::peer_user(accepted.get()) == fs::linux_fs().effective_uid());
  REQUIRE(::send(connected->get(), "x", 1, 0) == 1);
  char got = 0;
  CHECK(::recv(accepted.get(), &got, 1, 0) == 1);
  CHECK(got == 'x');
}

TEST_CASE("nobody is reached where nobody listens any more, or nothing is", "[fs][socket]") {
  const TempDir top;
  const auto dir = top.open();
  CHECK_FALSE(fs::connect_local(*dir, "socket"));
  { const auto listening = fs::listen_local(*dir, "socket"); }
  CHECK(top.exists("socket"));
  CHECK_FALSE(fs::connect_local(*dir, "socket"));
  CHECK_THROWS_AS(fs::listen_local(*dir, "socket"), Error);
  dir->unlink("socket");
  const auto again = fs::listen_local(*dir, "socket");
  CHECK(fs::connect_local(*dir, "socket"));
}

TEST_CASE("a socket's name is one component", "[fs][socket]") {
  const TempDir top;
  const auto dir = top.open();
  for (const auto* bad : {"", ".", "..", "a/b"}) {
    CHECK_THROWS_AS(fs::listen_local(*dir, bad), Error);
    CHECK_THROWS_AS(fs::connect_local(*dir, bad), Error);
  }
  CHECK_THROWS_AS(fs::listen_local(*dir, std::string(200, 'n')), Error);
}

}  // namespace
