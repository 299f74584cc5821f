// SPDX-License-Identifier: Apache-2.0
// `syncline why`.
#include <ostream>

#include "base/error.hpp"
#include "cli/control_arguments.hpp"
#include "cli/control_commands.hpp"
#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

using control::Json;

std::string since_text(const Json& answer, const Clock& clock) {
  if (!answer.contains("since_ns")) return "";
  const auto then = static_cast<std::int64_t>(control::number_in(answer, "since_ns"));
  return format_moment(then) + " (" + age_of(then, clock) + ")";
}

std::string failing_sentence(const Json& answer, const std::string& path, const Clock& clock) {
  const auto failing = control::name_in(answer, "failing_path");
  std::string out = "fails";
  if (failing != path) out += ", as '" + (failing.empty() ? "SRC" : escape_name(failing)) + "' above it does";
  out += " since " + since_text(answer, clock) + ": " + one_line(control::text_in(answer, "cause"));
  if (const auto side = control::text_in(answer, "side"); !side.empty()) out += " (" + one_line(side) + ")";
  return out;
}

/// The verdict for people, and the exit code.
std::pair<std::string, int> sentence_of(const Json& answer, const std::string& path, const Clock& clock) {
  const auto verdict = control::text_in(answer, "verdict");
  if (verdict == "failing") return {failing_sentence(answer, path, clock), exit_code::not_in_step};
  if (verdict == "held")
    return {"not in SRC; deletions are held, so it stays where DST has it until 'syncline approve'",
            exit_code::guard};
  if (verdict == "may-be-held")
    return {
        "changed since SRC and DST were equal, and a guard holds changes until 'syncline approve': perhaps "
        "this one",
        exit_code::guard};
  if (verdict == "ended")
    return {"its watch has ended " + since_text(answer, clock) + ": " +
                one_line(control::text_in(answer, "cause")),
            exit_code::not_in_step};
  if (verdict == "blocked")
    return {"SRC or DST is not the directory that it was; nothing is done", exit_code::guard};
  if (verdict == "ignored")
    return {"left out by " + escape_name(control::name_in(answer, "rule")), exit_code::success};
  if (verdict == "absent") return {"not in SRC, and not in DST any more", exit_code::success};
  if (verdict == "in-step")
    return {"in step since " + since_text(answer, clock) +
                (answer.value("alike", true) ? "" : "; if others changed it in DST, that may have been left"),
            exit_code::success};
  if (verdict == "unknown")
    return {"so much fails that it cannot be told whether this does", exit_code::not_in_step};
  std::string out = "waiting: changed and not copied yet";
  if (const auto since = since_text(answer, clock); !since.empty()) out += "; first change " + since;
  if (const auto cause = control::text_in(answer, "cause"); !cause.empty())
    out += "; the last try failed: " + one_line(cause);
  return {out, exit_code::not_in_step};
}

}  // namespace

int run_why(const std::vector<std::string>& args, Console& console) {
  ControlLine line("Tells how one path of a watched directory stands, and why.", "syncline why",
                   "PATH [DST]");
  return line.run(args, console, [&] {
    line.require_path();
    const auto running = watches_of(line.find(), *line.path(), true);
    if (running.empty()) return tell_none_runs(console, line.path());
    int code = exit_code::success;
    for (const auto& found : running) {
      const auto below = *path_in(found, *line.path());
      const auto answer = control::ask(fs::linux_fs(), found, {control::Ask::why, below});
      const auto [sentence, its_code] = sentence_of(answer, below, console.clock);
      console.out << escape_name(*line.path()) << ": " << sentence;
      if (running.size() > 1) console.out << " [" << escape_name(found.watched.destination) << "]";
      console.out << '\n';
      code = std::max(code, its_code);
    }
    return code;
  });
}

}  // namespace syncline::cli
