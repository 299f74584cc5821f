// SPDX-License-Identifier: Apache-2.0
// `syncline approve`.
#include <ostream>

#include "base/error.hpp"
#include "cli/control_arguments.hpp"
#include "cli/control_commands.hpp"
#include "cli/held_text.hpp"

namespace syncline::cli {
namespace {

using control::Json;

std::vector<control::FoundWatch> running_ones(const ControlLine& line) {
  auto all = line.find();
  if (line.path()) return watches_of(all, *line.path(), false);
  std::erase_if(all, [](const auto& found) { return !found.is_running; });
  return all;
}

/// Nobody means several at once.
std::vector<control::FoundWatch> holding_ones(const std::vector<control::FoundWatch>& running) {
  std::vector<control::FoundWatch> out;
  for (const auto& found : running)
    if (control::flag_in(control::ask(fs::linux_fs(), found, {control::Ask::status, ""}), "holding"))
      out.push_back(found);
  if (out.size() > 1)
    throw Error(Errc::usage,
                "several watches hold something; name the SRC of one, and its DST where it has several");
  return out;
}

}  // namespace

int run_approve(const std::vector<std::string>& args, Console& console) {
  ControlLine line(
      "Lets a watch make the deletions and changes that its guards hold, once: the next copy comes at once\n"
      "and without guards, --max-delete included.",
      "syncline approve", "[SRC [DST]]");
  return line.run(args, console, [&] {
    const auto running = running_ones(line);
    if (running.empty()) return tell_none_runs(console, line.path());
    for (const auto& found : holding_ones(running)) {
      const auto answer = control::ask(fs::linux_fs(), found, {control::Ask::approve, ""});
      if (!control::flag_in(answer, "held")) continue;
      console.out << title_of(found.watched) << ": "
                  << held_text(control::number_in(answer, "deletions"), control::number_in(answer, "changes"))
                  << " that were held are made now\n";
      return exit_code::success;
    }
    console.out << "nothing is held\n";
    return exit_code::success;
  });
}

}  // namespace syncline::cli
