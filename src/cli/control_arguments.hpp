// SPDX-License-Identifier: Apache-2.0
// What the commands that ask a watch have in common: arguments, finding it, its times in words.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/app.hpp"
#include "cli/exit_codes.hpp"
#include "control/client.hpp"

namespace syncline::cli {

/// One command's line: options by CLI11, and at most a path and a DST, which CLI11 would split at commas.
class ControlLine {
 public:
  ControlLine(const std::string& description, const std::string& name, const std::string& path_name);

  CLI::App& app() { return *app_; }
  /// --json
  bool json = false;
  /// Parses, acts, and says what went wrong. Returns the exit code.
  int run(std::vector<std::string> args, Console& console, const std::function<int()>& act);

  const std::optional<std::string>& path() const { return path_; }
  void require_path() const;  ///< Throws Error(usage) where there is none.
  /// Of all running watches those that --state and DST mean, and all that have ended without a word.
  std::vector<control::FoundWatch> find() const;

 private:
  void take_path();

  const std::unique_ptr<CLI::App> app_;
  const std::string name_, path_name_;
  std::string state_;
  std::optional<std::string> path_, destination_;
};

/// Those that run and whose SRC is `path`, or has it in it where `or_below`. A SRC on another machine is
/// meant by its address or by the directory here that it fills.
std::vector<control::FoundWatch> watches_of(const std::vector<control::FoundWatch>& all,
                                            const std::string& path, bool or_below);
/// `path` in the eyes of `found`: below its SRC.
std::optional<std::string> path_in(const control::FoundWatch& found, const std::string& path);

/// "SRC -> DST", escaped.
std::string title_of(const control::Watched& watched);
/// "0:12 ago"
std::string age_of(std::int64_t then_ns, const Clock& clock);
/// Says on standard error that there is none to ask; returns exit_code::not_running.
int tell_none_runs(Console& console, const std::optional<std::string>& path);
/// Of one that is held or blocked a person must take care.
int code_of_state(std::string_view state);

}  // namespace syncline::cli
