// SPDX-License-Identifier: Apache-2.0
// The manual page, the help text and the completions against the table of options.
#include "cli/copy_command.hpp"
#include "cli/option_table.hpp"
#include "support/catch.hpp"
#include "support/source_file.hpp"

namespace syncline::cli {
namespace {

using test::contains;
using test::source_file;

TEST_CASE("the manual page describes every option and every exit code", "[docs]") {
  const auto page = source_file("docs/man/syncline-copy.1.scd");
  for (const auto& spec : copy_options()) {
    CAPTURE(spec.name, spec.letter);
    if (!spec.name.empty()) CHECK(contains(page, "*--" + std::string(spec.name) + "*"));
    if (spec.letter != '\0') CHECK(contains(page, std::string("*-") + spec.letter + "*"));
    if (!spec.is_flag()) CHECK(contains(page, "*=_" + std::string(spec.value_name) + "_"));
  }
  for (const int code : {0, 1, 2, 3, 11, 12, 20, 22, 23, 24, 25, 30, 41, 46})
    CHECK(contains(page, "\n*" + std::to_string(code) + "*\n"));
}

TEST_CASE("the help text shows every option", "[docs]") {
  const auto help = copy_help();
  for (const auto& spec : copy_options()) {
    CAPTURE(spec.name, spec.letter);
    CHECK(contains(help, std::string(spec.help)));
    if (spec.letter != '\0') CHECK(contains(help, std::string("  -") + spec.letter));
  }
  std::size_t begin = 0;
  for (auto end = help.find('\n'); end != help.npos; begin = end + 1, end = help.find('\n', begin))
    CHECK(end - begin <= 100);
}

TEST_CASE("the manual page and the completions have the options of watch", "[docs]") {
  const auto page = source_file("docs/man/syncline-watch.1.scd");
  const auto bash = source_file("tools/completions/syncline.bash");
  const auto zsh = source_file("tools/completions/_syncline");
  const auto fish = source_file("tools/completions/syncline.fish");
  for (const auto& spec : watch_options()) {
    const std::string name(spec.name);
    const std::string end(spec.is_flag() ? "" : "=");
    CAPTURE(name);
    CHECK(contains(page,
                   "*--" + name + "*" + (spec.is_flag() ? "" : "=_" + std::string(spec.value_name) + "_")));
    CHECK(contains(bash, "--" + name + end));
    CHECK(contains(zsh, "--" + name + end));
    CHECK(contains(fish, " -l " + name + " "));
  }
}

TEST_CASE("the manual page of watch has its exit codes", "[docs]") {
  const auto page = source_file("docs/man/syncline-watch.1.scd");
  for (const int code : {0, 1, 2, 3, 20, 41}) CHECK(contains(page, "\n*" + std::to_string(code) + "*\n"));
}

TEST_CASE("the manual page of status, wait, why and approve has their exit codes", "[docs]") {
  const auto page = source_file("docs/man/syncline-status.1.scd");
  for (const int code : {0, 1, 12, 20, 30, 40, 41, 42})
    CHECK(contains(page, "\n*" + std::to_string(code) + "*\n"));
  const auto all = source_file("docs/man/syncline.1.scd");
  for (const int code : {40, 41, 42}) CHECK(contains(all, "|  " + std::to_string(code) + "\n"));
}

TEST_CASE("the completions know the commands that ask a watch", "[docs]") {
  for (const auto* file : {"tools/completions/syncline.bash", "tools/completions/_syncline",
                           "tools/completions/syncline.fish"}) {
    const auto text = source_file(file);
    for (const auto* word : {"status", "wait", "why", "approve", "timeout", "json", "dry-run"}) {
      CAPTURE(file, word);
      CHECK(contains(text, word));
    }
  }
}

TEST_CASE("the manual page, the help and the completions know every option of log", "[docs]") {
  const auto page = source_file("docs/man/syncline-log.1.scd");
  const auto help = source_file("src/cli/event_log_command.cpp");
  const auto bash = source_file("tools/completions/syncline.bash");
  const auto zsh = source_file("tools/completions/_syncline");
  const auto fish = source_file("tools/completions/syncline.fish");
  for (const std::string name :
       {"follow", "lines", "since", "until", "run", "errors", "json", "state", "help"}) {
    CAPTURE(name);
    CHECK(contains(page, "*--" + name + "*"));
    CHECK(contains(help, "--" + name));
    CHECK(contains(bash, "--" + name));
    CHECK(contains(zsh, "--" + name));
    CHECK(contains(fish, " -l " + name + " "));
  }
  for (const int exit_code : {0, 1, 3, 11, 20})
    CHECK(contains(page, "\n*" + std::to_string(exit_code) + "*\n"));
}

TEST_CASE("the manual page and the completions of check-ignore have its options and exit codes", "[docs]") {
  const auto page = source_file("docs/man/syncline-check-ignore.1.scd");
  const auto bash = source_file("tools/completions/syncline.bash");
  const auto zsh = source_file("tools/completions/_syncline");
  const auto fish = source_file("tools/completions/syncline.fish");
  for (const int code : {0, 1, 128}) CHECK(contains(page, "\n*" + std::to_string(code) + "*\n"));
  for (const std::string name : {"verbose", "non-matching", "null", "stdin", "root", "exclude", "include",
                                 "exclude-from", "include-from", "gitignore", "no-synclineignore"}) {
    CAPTURE(name);
    CHECK(contains(page, "*--" + name + "*"));
    CHECK(contains(bash, "--" + name));
    CHECK(contains(zsh, "--" + name));
    CHECK(contains(fish, " -l " + name + " "));
  }
  for (const auto* text : {&bash, &zsh, &fish}) CHECK(contains(*text, "check-ignore"));
}

TEST_CASE("the completions offer every option", "[docs]") {
  const auto bash = source_file("tools/completions/syncline.bash");
  const auto zsh = source_file("tools/completions/_syncline");
  const auto fish = source_file("tools/completions/syncline.fish");
  for (const auto& spec : copy_options()) {
    const std::string name(spec.name);
    const std::string end(spec.is_flag() ? "" : "=");
    CAPTURE(name, spec.letter);
    if (!name.empty()) {
      CHECK(contains(bash, "--" + name + end));
      CHECK(contains(zsh, "--" + name + end));
      CHECK(contains(fish, " -l " + name + " "));
    }
    if (spec.letter == '\0') continue;
    CHECK(contains(bash, std::string(" -") + spec.letter));
    CHECK(contains(zsh, std::string("-") + spec.letter + "["));
    CHECK(contains(fish, std::string(" -s ") + spec.letter + " "));
  }
}

}  // namespace
}  // namespace syncline::cli
