// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.hpp"

#include <cerrno>
#include <new>

#include "base/error.hpp"
#include "fake_console.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

template <class Code>
int code_of(Code code) {
  return explain(Error(code, "x")).code;
}

TEST_CASE("errors end with rsync's codes where rsync has one", "[exit]") {
  CHECK(code_of(Errc::usage) == 1);
  CHECK(code_of(Errc::rules) == 1);
  CHECK(code_of(Errc::unsupported) == 2);
  CHECK(code_of(Errc::protocol) == 2);
  CHECK(code_of(ENOENT) == 3);
  CHECK(code_of(EACCES) == 3);
  CHECK(code_of(Errc::unresolved) == 3);
  CHECK(code_of(ENOSPC) == 11);
  CHECK(code_of(EDQUOT) == 11);
  CHECK(code_of(EIO) == 11);
  CHECK(code_of(EROFS) == 11);
  CHECK(code_of(Errc::corrupt) == 11);
  CHECK(code_of(Errc::malformed) == 12);
  CHECK(code_of(Errc::shell) == 12);
  CHECK(code_of(EPIPE) == 12);
  CHECK(code_of(ECONNREFUSED) == 12);
  CHECK(code_of(Errc::cancelled) == 20);
  CHECK(code_of(EINTR) == 20);
  CHECK(code_of(ENOMEM) == 22);
  CHECK(explain(std::bad_alloc()).code == 22);
  CHECK(code_of(Errc::changed) == 23);
  CHECK(code_of(Errc::delete_limit) == 25);
  CHECK(code_of(ETIMEDOUT) == 30);
}

TEST_CASE("own codes begin at forty", "[exit]") {
  CHECK(code_of(Errc::foreign) == 41);
  CHECK(code_of(Errc::untrusted) == 41);
  CHECK(code_of(Errc::locked) == 46);
}

TEST_CASE("every error says what it is about, why, and what to do", "[exit]") {
  for (int value = static_cast<int>(Errc::malformed); value <= static_cast<int>(Errc::shell); ++value) {
    const auto failure = explain(Error(static_cast<Errc>(value), "the thing"));
    CAPTURE(value);
    CHECK_FALSE(failure.cause.empty());
    CHECK_FALSE(failure.next.empty());
    CHECK(failure.subject + failure.cause != "");
    CHECK(failure.code != 0);
  }
  CHECK(explain(std::system_error(ENOSPC, std::system_category(), "w")).code == 11);
  CHECK(explain(std::runtime_error("odd")).cause == "internal error: odd");
}

TEST_CASE("what copy() throws is told on one line", "[exit]") {
  const auto run = run_with(
      {"s", "d"}, [](const CopyObserver&) -> CopyReport { throw Error(ENOSPC, "d/file (destination)"); });
  CHECK(run.code == 11);
  CHECK(run.out.empty());
  CHECK(run.err ==
        "syncline: d/file (destination): No space left on device; "
        "make room there; what was finished is kept\n");
}

TEST_CASE("a run stopped on request says only that", "[exit]") {
  FakeConsole fake;
  const auto stopped = [](const CopyOptions&, const CopyObserver&) -> CopyReport {
    throw Error(Errc::cancelled, "copy");
  };
  CHECK(run_copy({"s", "d"}, fake.console, stopped, [] { return true; }) == 20);
  CHECK(fake.err.str() == "syncline: stopped; what was finished is kept; run the same command again\n");
}

TEST_CASE("usage errors copy nothing and point to the help", "[exit]") {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"--frob", "s", "d"},
                                               {"s"},
                                               {},
                                               {"--rsh= ", "s", "h:d"},
                                               {"--bwlimit=x", "s", "d"}}) {
    const auto run = run_with(args);
    CHECK(run.code == 1);
    CHECK_FALSE(run.copied);
    CHECK(run.err.starts_with("syncline: "));
    CHECK(run.err.ends_with("; see 'syncline copy --help'\n"));
  }
}

TEST_CASE("a file of patterns that is missing is a file error", "[exit]") {
  const auto run = run_with({"--exclude-from=/nonexistent", "s", "d"});
  CHECK(run.code == 11);
  CHECK(run.err.starts_with("syncline: --exclude-from: /nonexistent: No such file or directory; "));
}

TEST_CASE("the report's own code is the program's", "[exit]") {
  for (const int code : {0, 20, 23, 24, 25}) {
    const auto run = run_with({"s", "d"}, [&](const CopyObserver&) {
      CopyReport report;
      report.exit_code = code;
      return report;
    });
    CHECK(run.code == code);
  }
}

}  // namespace
}  // namespace syncline::cli
