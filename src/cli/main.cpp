// SPDX-License-Identifier: Apache-2.0
// The program syncline.
#include <algorithm>
#include <iostream>

#include "base/kept_thread.hpp"
#include "cli/check_ignore_command.hpp"
#include "cli/console.hpp"
#include "cli/control_commands.hpp"
#include "cli/copy_command.hpp"
#include "cli/dispatch.hpp"
#include "cli/event_log_command.hpp"
#include "cli/event_log_output.hpp"
#include "cli/manifest_command.hpp"
#include "cli/process_setup.hpp"
#include "cli/server_config_command.hpp"
#include "cli/server_serve_command.hpp"
#include "cli/server_trust_commands.hpp"
#include "cli/stop_signals.hpp"
#include "cli/watch_command.hpp"

int main(int argc, char** argv) {
  using namespace syncline::cli;
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  bound_free_memory();
  syncline::KeptThread::when_resting({.each = give_back_end, .last = give_back_memory});
  raise_file_limit();
  watch_stop_signals();
  auto console = process_console();
  const auto event_log = [&](const syncline::CopyOptions& options, Output& messages) {
    return event_log_output(console.clock, options, messages, {"copy"});
  };
  const Commands commands{
      .copy =
          [&](const auto& args) {
            return run_copy(args, console, syncline::copy, stop_requested, event_log);
          },
      .watch = [&](const auto& args) { return run_watch(args, console, stop_requested); },
      .status = [&](const auto& args) { return run_status(args, console); },
      .wait = [&](const auto& args) { return run_wait(args, console, stop_requested); },
      .why = [&](const auto& args) { return run_why(args, console); },
      .approve = [&](const auto& args) { return run_approve(args, console); },
      .log = [&](const auto& args) { return run_log(args, console, stop_requested); },
      .check_ignore = [&](const auto& args) { return run_check_ignore(args, console); },
      .manifest = [&](const auto& args) { return run_manifest(args, console); },
      .config = [&](const auto& args) { return run_config(args, console); },
      .serve = [&](const auto& args) { return run_serve(args, console); },
      .id = [&](const auto& args) { return run_id(args, console); },
      .pair = [&](const auto& args) { return run_pair(args, console); },
      .grants = [&](const auto& args) { return run_grants(args, console); },
  };
  return dispatch({argv + std::min(argc, 1), argv + argc}, console, commands);
}
