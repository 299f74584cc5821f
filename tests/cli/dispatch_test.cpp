// SPDX-License-Identifier: Apache-2.0
#include "cli/dispatch.hpp"

#include "fake_console.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using Args = std::vector<std::string>;

struct Dispatched {
  int code = -1;
  std::string command;
  Args args;
  std::string out, err;
};

Dispatched dispatched(const Args& args) {
  FakeConsole fake;
  Dispatched result;
  const auto note = [&](const char* name) {
    return [&result, name](const Args& rest) {
      result.command = name;
      result.args = rest;
      return 77;
    };
  };
  result.code = dispatch(args, fake.console,
                         {.copy = note("copy"),
                          .watch = note("watch"),
                          .status = note("status"),
                          .wait = note("wait"),
                          .why = note("why"),
                          .approve = note("approve"),
                          .log = note("log"),
                          .check_ignore = note("check-ignore"),
                          .manifest = note("manifest"),
                          .config = note("config"),
                          .serve = note("serve"),
                          .id = note("id"),
                          .pair = note("pair"),
                          .grants = note("grants")});
  result.out = fake.out.str();
  result.err = fake.err.str();
  return result;
}

TEST_CASE("a command is called with its arguments and its code returned", "[dispatch]") {
  const auto run = dispatched({"copy", "-a", "s", "d"});
  CHECK(run.command == "copy");
  CHECK(run.args == Args{"-a", "s", "d"});
  CHECK(run.code == 77);
  for (const auto* name : {"watch", "status", "wait", "why", "approve", "log", "check-ignore", "manifest",
                           "config", "serve", "id", "pair", "grants"}) {
    const auto other = dispatched({name, "x", "--y"});
    CHECK(other.command == name);
    CHECK(other.args == Args{"x", "--y"});
    CHECK(other.code == 77);
  }
}

TEST_CASE("the general help names every command", "[dispatch]") {
  const auto help = dispatched({"--help"}).out;
  for (const auto* name : {"copy", "watch", "status", "wait", "why", "approve", "log", "check-ignore",
                           "manifest", "config", "serve", "id", "pair", "grants"}) {
    CAPTURE(name);
    CHECK(help.find("\n  " + std::string(name) + " ") != std::string::npos);
  }
}

TEST_CASE("options, slashes and colons in front mean copy", "[dispatch]") {
  for (const Args& args :
       {Args{"-av", "src/", "dst/"}, Args{"--archive", "s", "d"}, Args{"src/", "d"}, Args{"./s", "d"},
        Args{"host:s", "d"}, Args{"-h", "s", "d"}, Args{"--", "s", "d"}}) {
    const auto run = dispatched(args);
    CHECK(run.command == "copy");
    CHECK(run.args == args);
  }
}

TEST_CASE("help and version are answered on standard output", "[dispatch]") {
  for (const auto* word : {"--help", "-h", "help"}) {
    const auto run = dispatched({word});
    CHECK(run.code == 0);
    CHECK(run.out.starts_with("Usage: syncline"));
    CHECK(run.err.empty());
  }
  CHECK(dispatched({"--version"}).out.starts_with("syncline "));
  CHECK(dispatched({"-V"}).code == 0);
}

TEST_CASE("no command and an unknown one are usage errors", "[dispatch]") {
  CHECK(dispatched({}).code == 1);
  CHECK(dispatched({}).err.starts_with("Usage: syncline"));
  const auto run = dispatched({"a\nb", "d"});
  CHECK(run.code == 1);
  CHECK(run.err ==
        "syncline: unknown command 'a\\012b'; to copy a path without a slash, "
        "write 'syncline copy a\\012b DST'\n");
  CHECK(dispatched({"monitor", "x"}).err.find("not in this version") != std::string::npos);
}

}  // namespace
}  // namespace syncline::cli
