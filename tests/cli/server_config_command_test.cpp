// SPDX-License-Identifier: Apache-2.0
#include "cli/server_config_command.hpp"

#include "fake_console.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {
namespace {

using test::TempDir;

Run config_run(const std::vector<std::string>& args, const TempDir& home) {
  FakeConsole fake;
  Run run;
  // An absolute place for the state, and no file of the machine's own but in `home`.
  run.code =
      run_config(args, fake.console,
                 {fs::linux_fs(), {.home = "/nowhere/home", .xdg_config_home = home.path(), .root = false}});
  run.out = fake.out.str();
  run.err = fake.err.str();
  return run;
}

TEST_CASE("a sound configuration is checked with exit code 0", "[config]") {
  TempDir temp;
  temp.write("c.toml", "[[share]]\nname = \"a\"\ndir = \"" + temp.make_dir("a") + "\"\n");
  const auto run = config_run({"check", temp.path("c.toml")}, temp);
  CHECK(run.code == 0);
  CHECK(run.out == temp.path("c.toml") + ": no problems; 1 share, 0 authorizations\n");
  CHECK(run.err.empty());
}

TEST_CASE("every problem has its line, and the exit code is 1", "[config]") {
  TempDir temp;
  const auto file = temp.path("c.toml");
  temp.write("c.toml", "thread = 1\nlisten = [\"x\"]\n[[share]]\nname = \"a\"\ndir = \"a\"\n");
  const auto run = config_run({"check", file}, temp);
  CHECK(run.code == 1);
  CHECK(run.out.empty());
  CHECK(run.err ==
        "syncline: " + file + ":1:1: thread: is not a known key; did you mean 'threads'?\n" + "syncline: " +
            file + ":2:11: listen[0]: 'x' has no port; write ADDR:PORT, or :PORT for every address\n" +
            "syncline: " + file + ":2:1: listen: is empty: nobody could connect; write \"ADDR:PORT\"\n" +
            "syncline: " + file + ":5:1: share[0].dir: 'a' is relative; write the path from / on\n");
  CHECK(config_run({"show", file}, temp).err == run.err);
}

TEST_CASE("a share whose directory is missing is a problem", "[config]") {
  TempDir temp;
  temp.write("c.toml", "[[share]]\nname = \"a\"\ndir = \"" + temp.path("a") + "\"\n");
  const auto run = config_run({"check", temp.path("c.toml")}, temp);
  CHECK(run.code == 1);
  CHECK(run.err == "syncline: " + temp.path("c.toml") + ":3:1: share[0].dir: '" + temp.path("a") +
                       "' is not there; create it, or mount what it lies on\n");
  CHECK(config_run({"show", temp.path("c.toml")}, temp).code == 0);
}

TEST_CASE("the effective configuration is shown with its defaults", "[config]") {
  TempDir temp;
  temp.make_dir("syncline");
  temp.write("syncline/server.toml", "threads = 3\n");
  const auto run = config_run({"show"}, temp);
  CHECK(run.code == 0);
  CHECK(run.out.starts_with("# from " + temp.path("syncline/server.toml") + " and defaults\n"));
  CHECK(run.out.find("\nthreads = 3\n") != std::string::npos);
  CHECK(run.out.find("\nstate_dir = \"/nowhere/home/.local/state/syncline\"\n") != std::string::npos);
  // What is shown can be put in place of the file.
  temp.write("syncline/server.toml", run.out);
  CHECK(config_run({"show"}, temp).out == run.out);
  CHECK(config_run({"check"}, temp).code == 0);
}

TEST_CASE("a file that is not there or cannot be taken is told", "[config]") {
  TempDir temp;
  const auto none = config_run({"check", temp.path("none")}, temp);
  CHECK(none.code == 3);
  CHECK(none.err ==
        "syncline: resolve '" + temp.path("none") + "': No such file or directory; check the path\n");
  temp.write("big", std::string((1 << 20) + 1, '#'));
  CHECK(config_run({"show", temp.path("big")}, temp).code == 12);
  CHECK(config_run({"check", ""}, temp).code == 3);
}

TEST_CASE("with --client the configuration of watch is checked and shown", "[config]") {
  TempDir temp;
  const auto none = config_run({"check", "--client"}, temp);
  CHECK(none.code == 1);
  CHECK(none.err == "syncline: there is neither '" + temp.path("syncline/client.toml") +
                        "' nor '/etc/syncline/client.toml'; name a FILE\n");
  temp.make_dir("syncline");
  const auto file = temp.path("syncline/client.toml");
  temp.write("syncline/client.toml",
             "[[watch]]\nname = \"a\"\nsource = \"~/a/\"\ndestination = [\"/b\", \"nas:b\"]\n");
  const auto checked = config_run({"check", "--client"}, temp);
  CHECK(checked.code == 0);
  CHECK(checked.out == file + ": no problems; 1 watch, 2 destinations\n");
  const auto shown = config_run({"show", "--client", file}, temp);
  CHECK(shown.code == 0);
  CHECK(shown.out == "# from " + file +
                         "\n[[watch]]\nname = \"a\"\nsource = \"/nowhere/home/a/\"\n"
                         "destination = [\"/b\", \"nas:b\"]\n");
  temp.write("syncline/client.toml", shown.out + "options = [\"--bogus\"]\nnme = 1\n");
  const auto wrong = config_run({"check", "--client"}, temp);
  CHECK(wrong.code == 1);
  CHECK(wrong.out.empty());
  CHECK(wrong.err == "syncline: " + file +
                         ":7:1: watch.nme: is not a known key; did you mean 'name'?\nsyncline: " + file +
                         ":6:1: watch[0].options: unknown option --bogus\n");
}

TEST_CASE("wrong usage of config is refused and help is given", "[config]") {
  TempDir temp;
  CHECK(config_run({}, temp).code == 1);
  CHECK(config_run({"frob"}, temp).code == 1);
  CHECK(config_run({"check", "a", "b"}, temp).code == 1);
  const auto help = config_run({"--help"}, temp);
  CHECK(help.code == 0);
  CHECK(help.out.find("check") != std::string::npos);
  CHECK(config_run({"check", "--help"}, temp).code == 0);
}

}  // namespace
}  // namespace syncline::cli
