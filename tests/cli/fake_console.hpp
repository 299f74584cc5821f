// SPDX-License-Identifier: Apache-2.0
// A console of strings, a clock that stands still, and a copy() that tells a prepared story.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "cli/copy_command.hpp"

namespace syncline::cli {

class FakeClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return 1'767'323'045'678'000'000; }  // 2026-01-02T03:04:05.678Z
  std::chrono::steady_clock::time_point steady() const override { return moment; }
  std::chrono::steady_clock::time_point moment{};
};

struct FakeConsole {
  std::istringstream in;
  std::ostringstream out, err;
  FakeClock clock;
  Console console{in, out, err, clock, false, false, [] { return 80U; }};
};

/// What a run of `syncline copy` printed and returned.
struct Run {
  int code = -1;
  std::string out, err;
  CopyOptions options;  // as copy() got them
  bool copied = false;  // whether copy() was called
};

using Story = std::function<CopyReport(const CopyObserver&)>;

inline Run run_with(FakeConsole& fake, const std::vector<std::string>& args, const Story& story) {
  Run run;
  run.code = run_copy(
      args, fake.console,
      [&](const CopyOptions& options, const CopyObserver& observer) {
        run.options = options;
        run.copied = true;
        return story(observer);
      },
      [] { return false; });
  run.out = fake.out.str();
  run.err = fake.err.str();
  return run;
}

inline Run run_with(
    const std::vector<std::string>& args,
    const Story& story = [](const CopyObserver&) { return CopyReport{}; }) {
  FakeConsole fake;
  return run_with(fake, args, story);
}

}  // namespace syncline::cli
