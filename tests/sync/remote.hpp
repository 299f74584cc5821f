// SPDX-License-Identifier: Apache-2.0
// A client and a server with a share.
#pragma once

#include "base/error.hpp"
#include "pair.hpp"
#include "support/catch.hpp"

namespace syncline::test {

/// A client with a directory, a server with a share, each with its own state.
struct Remote {
  Remote() : served(share(), world_of(server_random)) {
    dir.make_dir("here");
    options.state_dir = dir.path("client");
    options.durability = Durable::none;
    options.threads = 2;
  }
  static sync::World world_of(SeededRandom& random) {
    sync::World world;
    world.random = &random;
    return world;
  }
  sync::ServedShare share() {
    sync::ServedShare out;
    out.dir = dir.make_dir("share");
    out.may_write = out.may_delete = true;
    out.state_dir = dir.make_dir("server");
    return out;
  }
  Outcome run(Served& server) {
    Outcome out;
    CopyObserver observer;
    observer.on_change = [&](const ChangeEvent& event) { out.changes.push_back(event); };
    observer.on_error = [&](const ErrorEvent& event) { out.errors.push_back(event); };
    observer.on_notice = [&](const std::string& text) { out.notices.push_back(text); };
    out.report = server.copy(options, observer, world_of(client_random));
    return out;
  }
  Outcome push(const std::string& to = "syncline://host/share/") {
    options.sources = {dir.path("here") + "/"};
    options.destination = to;
    return run(served);
  }
  Outcome pull(const std::string& from = "syncline://host/share/") {
    options.sources = {from};
    options.destination = dir.path("here") + "/";
    return run(served);
  }
  Errc refusal_of_push(const std::string& to) {
    try {
      push(to);
    } catch (const Error& error) {
      CHECK(error.code().category() == syncline_category());
      return static_cast<Errc>(error.code().value());
    }
    return Errc{};
  }
  int errno_of_push(const std::string& to) {
    try {
      push(to);
    } catch (const Error& error) {
      CHECK(error.code().category() == std::generic_category());
      return error.code().value();
    }
    return 0;
  }

  TempDir dir;
  CopyOptions options;
  SeededRandom client_random{1};
  SeededRandom server_random{2};
  Served served;
};

}  // namespace syncline::test
