// SPDX-License-Identifier: Apache-2.0
// `syncline status`.
#include <algorithm>
#include <ostream>

#include "base/error.hpp"
#include "cli/control_arguments.hpp"
#include "cli/control_commands.hpp"
#include "cli/held_text.hpp"
#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

using control::Json;

std::int64_t moment_in(const Json& record, const char* key) {
  return static_cast<std::int64_t>(control::number_in(record, key));
}

/// "3 files, 1.20 MB"
std::string missing_text(const Json& missing) {
  return format_count(control::number_in(missing, "files"), 1) + " files, " +
         format_size(static_cast<double>(control::number_in(missing, "bytes")));
}

std::string behind_text(const Json& status, const Clock& clock) {
  std::string out = "behind";
  if (const auto missing = status.find("missing"); missing != status.end())
    out += " by " + missing_text(*missing);
  if (status.contains("changed_ns"))
    out += ", for " +
           format_duration(static_cast<double>(clock.now_ns() - moment_in(status, "changed_ns")) / 1e9);
  return out;
}

/// The program goes on for the sake of others; what this one ended with is among its failures.
std::string ended_text(const Json& status) {
  const auto ended = status.value("ended", Json::object());
  return "ended with exit code " + std::to_string(control::number_in(ended, "exit_code")) + " at " +
         format_moment(moment_in(ended, "at_ns")) + "; to follow it again, start watch anew";
}

std::string held_sentence(const Json& status) {
  return held_text(control::number_in(status, "held"), control::number_in(status, "held_changes")) +
         " are held ('syncline approve' lets them be made)";
}

/// Of the last proof.
bool is_alike(const Json& status) {
  const auto proof = status.find("proof");
  return proof == status.end() || proof->value("alike", true);
}

std::string state_sentence(const Json& status, const Clock& clock) {
  const auto state = control::text_in(status, "state");
  if (state == "in-step") return is_alike(status) ? "in step" : "in step, but for what DST has of its own";
  if (state == "holding") return held_sentence(status) + ", everything else is done";
  if (state == "blocked")
    return "SRC or DST is not the directory that it was; nothing is done until it is back";
  if (state == "behind") return behind_text(status, clock);
  if (state == "ended") return ended_text(status);
  if (const auto missing = status.find("missing"); missing != status.end())
    return "copying, " + missing_text(*missing) + " to go";
  return "copying";
}

void print_failures(std::ostream& out, const Json& status, const Clock& clock) {
  if (const auto failure = status.find("failure");
      failure != status.end() && control::text_in(status, "state") != "in-step") {
    const auto path = control::name_in(*failure, "path");
    out << "  last failure " << age_of(moment_in(*failure, "at_ns"), clock) << ": "
        << (path.empty() ? "" : escape_name(path) + ": ") << one_line(control::text_in(*failure, "cause"))
        << '\n';
  }
  const auto count = control::number_in(status, "failing");
  if (count == 0) return;
  out << "  " << format_count(count, 1) << (count == 1 ? " entry fails" : " entries fail") << '\n';
  const auto first = status.value("failing_first", Json::array());
  for (const auto& one : first)
    out << "    " << escape_name(control::name_in(one, "path")) << ": "
        << one_line(control::text_in(one, "cause")) << '\n';
  if (first.size() < count) out << "    ...\n";
}

void print_status(Console& console, const control::Watched& watched, const Json& status) {
  auto& out = console.out;
  const auto& clock = console.clock;
  out << title_of(watched) << "\n  " << state_sentence(status, clock);
  if (status.contains("retry_in_ms"))
    out << "; tried again in "
        << format_duration(static_cast<double>(control::number_in(status, "retry_in_ms")) / 1e3);
  out << '\n';
  if (control::flag_in(status, "holding") && control::text_in(status, "state") != "holding")
    out << "  " << held_sentence(status) << '\n';
  if (const auto proof = status.find("proof"); proof != status.end())
    out << (is_alike(status) ? "  last proven equal " : "  last proven equal but for that ")
        << age_of(moment_in(*proof, "at_ns"), clock) << ", tree "
        << one_line(control::text_in(*proof, "root")) << '\n';
  print_failures(out, status, clock);
  if (control::flag_in(status, "degraded"))
    out << "  not all directories can be watched (raise fs.inotify.max_user_watches): they are looked at "
           "once "
           "a minute\n";
  if (control::flag_in(status, "rescanning"))
    out << "  events were lost (fs.inotify.max_queued_events): everything is looked at again\n";
  out << "  running since " << format_moment(watched.since_ns) << ", process " << watched.pid;
  if (const auto how = control::text_in(status, "watched_by"); !how.empty())
    out << ", watched by " << one_line(how);
  out << '\n';
}

/// Moments as people and programs write them, in place of the numbers that travel.
void name_moments(Json& record) {
  constexpr std::string_view end = "_ns";
  Json out = record.is_array() ? Json::array() : Json::object();
  for (auto& [key, value] : record.items()) {
    if (value.is_structured()) name_moments(value);
    const bool is_moment = key.ends_with(end) && value.is_number_integer();
    if (record.is_array()) out.push_back(value);
    else if (is_moment)
      out[key.substr(0, key.size() - end.size())] = format_moment(value.get<std::int64_t>());
    else out[key] = value;
  }
  record = std::move(out);
}

void print_record(Console& console, Json record, bool is_running) {
  name_moments(record);
  record["running"] = is_running;
  console.out << control::answer_line(record);
}

Json record_of_ended(const control::Watched& watched) {
  auto out = control::parse_object(control::watched_text(watched), "watch");
  out["type"] = "status";
  return out;
}

int tell_ended(Console& console, const control::FoundWatch& found, bool json) {
  if (json) print_record(console, record_of_ended(found.watched), false);
  else
    console.out << title_of(found.watched) << "\n  not running: process " << found.watched.pid
                << " has ended without a word\n";
  return exit_code::not_running;
}

int tell_one(Console& console, const control::FoundWatch& found, bool json) {
  if (!found.is_running) return tell_ended(console, found, json);
  Json status;
  try {
    status = control::ask(fs::linux_fs(), found, {control::Ask::status, ""});
  } catch (const Error& error) {
    if (!error.is(Errc::disconnected) || control::connect_to(fs::linux_fs(), found)) throw;
    return tell_ended(console, found, json);
  }
  if (json) print_record(console, status, true);
  else print_status(console, found.watched, status);
  return code_of_state(control::text_in(status, "state"));
}

/// Where a person has to look comes before what is gone, and that before what comes about by itself.
int worse(int a, int b) {
  const auto rank = [](int code) {
    return code == exit_code::success       ? 0
           : code == exit_code::not_in_step ? 1
           : code == exit_code::not_running ? 2
                                            : 3;
  };
  return rank(a) < rank(b) ? b : a;
}

}  // namespace

int run_status(const std::vector<std::string>& args, Console& console) {
  ControlLine line("Tells how the running watches of this user stand, or those of SRC.", "syncline status",
                   "[SRC [DST]]");
  line.app().add_flag("--json", line.json, "a JSON object for each, one a line");
  return line.run(args, console, [&] {
    auto all = line.find();
    if (line.path()) std::erase_if(all, [&](const auto& found) { return !path_in(found, *line.path()); });
    if (all.empty()) return tell_none_runs(console, line.path());
    int code = exit_code::success;
    for (const auto& found : all) code = worse(code, tell_one(console, found, line.json));
    return code;
  });
}

}  // namespace syncline::cli
