// SPDX-License-Identifier: Apache-2.0
// `syncline wait`.
#include <chrono>
#include <ostream>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/control_arguments.hpp"
#include "cli/control_commands.hpp"
#include "cli/held_text.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

using control::Json;
using SteadyTime = std::chrono::steady_clock::time_point;

/// One watch that is waited for.
struct Waiting {
  control::FoundWatch found;
  control::Conversation conversation;
  std::string state;  ///< the last that it told
};

class WaitCommand {
 public:
  WaitCommand(Console& console, const std::function<bool()>& cancelled, std::optional<SteadyTime> deadline)
      : console_(console), cancelled_(cancelled), deadline_(deadline) {}

  /// Of each once.
  void add(const control::FoundWatch& found) {
    if (!added_.insert(control::socket_name(found.watched)).second) return;
    auto connected = control::connect_to(fs::linux_fs(), found);
    if (!connected) return tell(found, "ended meanwhile", exit_code::not_running);
    waiting_.push_back({found, {std::move(*connected), {control::Ask::wait, ""}}, ""});
  }

  /// Until those that were added have done it, or one of them will not.
  int run() {
    while (code_ == exit_code::success) {
      take_all();
      if (waiting_.empty() || code_ != exit_code::success) break;
      if (cancelled_()) return exit_code::interrupted;
      const auto now = std::chrono::steady_clock::now();
      if (deadline_ && now >= *deadline_) return too_late();
      const auto tick = now + limits::watch_tick;
      control::wait_for_any(descriptors(), deadline_ ? std::min(*deadline_, tick) : tick);
    }
    return code_;
  }

 private:
  void tell(const control::FoundWatch& found, const std::string& cause, int code) {
    console_.err << failure_line({title_of(found.watched), cause, "", code}) << std::endl;
    if (code_ == exit_code::success) code_ = code;
  }

  void take_all() {
    for (auto one = waiting_.begin(); one != waiting_.end();) {
      const bool is_done = take(*one);
      one = is_done ? waiting_.erase(one) : one + 1;
    }
  }

  /// True once there is nothing more to wait for.
  bool take(Waiting& one) {
    try {
      while (const auto answer = one.conversation.take()) {
        const auto type = control::text_in(*answer, "type");
        if (type == "waited") return true;
        if (type == "standing" && tell_ended(one, *answer)) return true;
        if (type == "standing") note_state(one, *answer);
      }
      return false;
    } catch (const Error& error) {
      if (!error.is(Errc::disconnected) || control::connect_to(fs::linux_fs(), one.found)) throw;
      tell(one.found, "ended meanwhile", exit_code::not_running);
      return true;
    }
  }

  /// What has ended, in a program that goes on for the sake of others, is waited for in vain.
  bool tell_ended(const Waiting& one, const Json& standing) {
    if (control::text_in(standing, "state") != "ended") return false;
    const auto ended = standing.value("ended", Json::object());
    tell(one.found, "ended: " + one_line(control::text_in(ended, "cause")), exit_code::not_in_step);
    return true;
  }

  /// What does not come about by itself is told at once: it could be waited for in vain.
  void note_state(Waiting& one, const Json& standing) {
    const auto state = control::text_in(standing, "state");
    if (state == "copying" || state == std::exchange(one.state, state)) return;
    const auto sentence = state == "holding" ? held_text(control::number_in(standing, "held"),
                                                         control::number_in(standing, "held_changes")) +
                                                   " are held; 'syncline approve' lets them be made"
                          : state == "blocked" ? "SRC or DST is not the directory that it was"
                          : state == "behind"  ? "something failed and is tried again ('syncline status')"
                                               : "";
    if (!sentence.empty())
      console_.err << "syncline: " << title_of(one.found.watched) << ": still waiting: " << sentence
                   << std::endl;
  }

  int too_late() {
    for (const auto& one : waiting_) {
      const bool needs_person = code_of_state(one.state) == exit_code::guard;
      tell(one.found, "not in step in time", needs_person ? exit_code::guard : exit_code::timeout);
    }
    return code_;
  }

  std::vector<int> descriptors() const {
    std::vector<int> out;
    for (const auto& one : waiting_) out.push_back(one.conversation.descriptor());
    return out;
  }

  Console& console_;
  const std::function<bool()>& cancelled_;
  const std::optional<SteadyTime> deadline_;
  std::set<std::string> added_;  ///< names of sockets
  std::vector<Waiting> waiting_;
  int code_ = exit_code::success;
};

/// Those that run and are meant.
std::vector<control::FoundWatch> find_running(const ControlLine& line) {
  auto out = line.find();
  if (line.path()) out = watches_of(out, *line.path(), true);
  std::erase_if(out, [](const auto& found) { return !found.is_running; });
  return out;
}

/// One that was started a moment ago, perhaps by the same line of a script, may not be there yet.
std::vector<control::FoundWatch> find_starting(const ControlLine& line, SteadyTime deadline,
                                               const std::function<bool()>& cancelled) {
  const auto last = std::min(deadline, std::chrono::steady_clock::now() + limits::control_appear);
  for (;;) {
    auto running = find_running(line);
    if (!running.empty() || std::chrono::steady_clock::now() >= last || cancelled()) return running;
    std::this_thread::sleep_for(limits::control_appear_look);
  }
}

}  // namespace

int run_wait(const std::vector<std::string>& args, Console& console, const std::function<bool()>& cancelled) {
  ControlLine line(
      "Returns once everything that was written before is at the other side: of the watch whose SRC has "
      "PATH\n"
      "in it, or of all that run.",
      "syncline wait", "[PATH [DST]]");
  constexpr double timeout_s_max = 1e9;
  std::optional<double> timeout_s;
  line.app()
      .add_option("--timeout", timeout_s, "give up after so long")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, timeout_s_max));
  return line.run(args, console, [&] {
    std::optional<SteadyTime> deadline;
    if (timeout_s)
      deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::milliseconds>(
                                                        std::chrono::duration<double>(*timeout_s));
    const auto running = find_starting(line, deadline.value_or(SteadyTime::max()), cancelled);
    if (running.empty()) return tell_none_runs(console, line.path());
    WaitCommand command(console, cancelled, deadline);
    std::set<std::uint64_t> processes;
    for (const auto& found : running) command.add(found), processes.insert(found.watched.pid);
    if (const int code = command.run(); code != exit_code::success) return code;
    // Those of one program come one after the other, the last before the first has done anything.
    for (const auto& found : find_running(line))
      if (processes.contains(found.watched.pid)) command.add(found);
    return command.run();
  });
}

}  // namespace syncline::cli
