// SPDX-License-Identifier: Apache-2.0
// `syncline approve`.
#include <ostream>

#include "base/error.hpp"
#include "cli/control_arguments.hpp"
#include "cli/control_commands.hpp"
#include "cli/held_text.hpp"
#include "cli/numbers.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

using control::Json;

std::vector<control::FoundWatch> running_ones(const ControlLine& line) {
  auto all = line.find();
  if (line.path()) return watches_of(all, *line.path(), false);
  std::erase_if(all, [](const auto& found) { return !found.is_running; });
  return all;
}

std::vector<control::FoundWatch> holding_ones(const std::vector<control::FoundWatch>& running) {
  std::vector<control::FoundWatch> out;
  for (const auto& found : running) {
    const auto answer = control::ask(fs::linux_fs(), found, {control::Ask::held, ""});
    if (control::flag_in(answer, "holding") || control::flag_in(answer, "blocked")) out.push_back(found);
  }
  return out;
}

/// Nobody means several at once.
void refuse_several(const std::vector<control::FoundWatch>& holding) {
  if (holding.size() > 1)
    throw Error(Errc::usage,
                "several watches hold something; name the SRC of one, and its DST where it has several");
}

int tell_nothing_held(Console& console) {
  console.out << "nothing is held\n";
  return exit_code::success;
}

int approve(Console& console, const std::vector<control::FoundWatch>& running) {
  const auto holding = holding_ones(running);
  refuse_several(holding);
  for (const auto& found : holding) {
    const auto answer = control::ask(fs::linux_fs(), found, {control::Ask::approve, ""});
    if (!control::flag_in(answer, "held")) continue;
    console.out << title_of(found.watched) << ": ";
    if (control::flag_in(answer, "blocked")) console.out << "what is there now is taken for what it was\n";
    else
      console.out << held_text(control::number_in(answer, "deletions"), control::number_in(answer, "changes"))
                  << " that were held are made now\n";
    return exit_code::success;
  }
  return tell_nothing_held(console);
}

/// As `copy -n -i --delete` prints them, and how many more there are.
void print_named(Console& console, const Json& answer, const std::string& key, const char* what) {
  for (const auto& one : answer.value(key + "_first", Json::array())) {
    ChangeEvent event;
    event.itemized = one_line(control::text_in(one, "itemized"));
    event.path = control::name_in(one, "path");
    event.edited_in_destination = control::flag_in(one, "edited_in_destination");
    console.out << change_line(event, true) << '\n';
  }
  if (const auto more = control::number_in(answer, (key + "_more").c_str()); more != 0)
    console.out << "... and " << format_count(more, 1) << " more " << what << '\n';
}

/// What each of them holds; nothing comes of it.
int list_held(Console& console, const std::vector<control::FoundWatch>& running, bool json) {
  bool is_any = false;
  for (const auto& found : running) {
    const auto answer = control::ask(fs::linux_fs(), found, {control::Ask::held, ""});
    const bool is_blocked = control::flag_in(answer, "blocked");
    is_any |= control::flag_in(answer, "holding") || is_blocked;
    if (json) console.out << control::answer_line(answer);
    else if (is_blocked)
      console.out << title_of(found.watched)
                  << ": everything is held, for one of them is not the directory that it was\n";
    if (json || !control::flag_in(answer, "holding")) continue;
    console.out << title_of(found.watched) << ": "
                << held_text(control::number_in(answer, "held"), control::number_in(answer, "held_changes"))
                << " are held\n";
    print_named(console, answer, "held", "deletions");
    print_named(console, answer, "held_changes", "changes of files");
  }
  return is_any || json ? exit_code::success : tell_nothing_held(console);
}

}  // namespace

int run_approve(const std::vector<std::string>& args, Console& console) {
  ControlLine line(
      "Lets a watch make the deletions and changes that its guards hold, once: the next copy comes at once\n"
      "and without guards, --max-delete included. What is missing from SRC by then is deleted, and what has\n"
      "changed by then is copied, also where that is more than -n has listed.",
      "syncline approve", "[SRC [DST]]");
  bool is_dry_run = false;
  auto* dry_run = line.app().add_flag("-n,--dry-run", is_dry_run,
                                      "list what is held, as copy -n -i does, and let nothing be made");
  line.app()
      .add_flag("--json", line.json, "with -n: a JSON object for each watch, one a line")
      ->needs(dry_run);
  return line.run(args, console, [&] {
    const auto running = running_ones(line);
    if (running.empty()) return tell_none_runs(console, line.path());
    return is_dry_run ? list_held(console, running, line.json) : approve(console, running);
  });
}

}  // namespace syncline::cli
