// SPDX-License-Identifier: Apache-2.0
// Read, choose, show; and go on with what is appended.
#include "cli/event_log_command.hpp"

#include <deque>
#include <ostream>
#include <thread>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/event_log_command_line.hpp"
#include "cli/event_log_file.hpp"
#include "cli/event_log_reader.hpp"
#include "cli/event_log_text.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "sync/places.hpp"

namespace syncline::cli {
namespace {

/// One pass over the log.
class LogView {
 public:
  LogView(const LogCommand& command, Console& console, const std::function<bool()>& cancelled, fs::Fs& files,
          const std::string& dir)
      : command_(command),
        console_(console),
        cancelled_(cancelled),
        filter_(files, command.query),
        reader_(files, dir) {}

  bool is_empty() const { return reader_.is_empty(); }
  std::uint64_t shown_count() const { return shown_; }
  std::uint64_t unreadable_count() const { return unreadable_ + reader_.too_long_count(); }

  void show_all() {
    read_all();
    for (const auto& line : tail_) show(line, parsed(line));
    tail_.clear();
  }
  void follow() {
    is_following_ = true;
    while (!cancelled_() && console_.out.good()) {
      console_.out.flush();
      std::this_thread::sleep_for(limits::event_log_poll);
      reader_.look_again();
      read_all();
    }
  }

 private:
  static Json parsed(const std::string& line) { return Json::parse(line, nullptr, false); }

  void read_all() {
    while (console_.out.good() && !cancelled_()) {
      const auto line = reader_.next();
      if (!line) return;
      if (!line->empty()) take(*line);
    }
  }
  /// What a crash left of a line, and what a later version writes, is no record.
  void take(const std::string& line) {
    const auto record = parsed(line);
    try {
      if (!record.is_object() || record.value("v", 0) != record_version) {
        ++unreadable_;
        return;
      }
      runs_.note(record);
      if (!filter_.wants(record)) return;
      if (is_following_ || !command_.tail) show(line, record);
      else keep(line);
    } catch (const Json::exception&) {
      ++unreadable_;
    }
  }
  void keep(const std::string& line) {
    tail_.push_back(line);
    if (tail_.size() > *command_.tail) tail_.pop_front();
  }
  void show(const std::string& line, const Json& record) {
    ++shown_;
    if (command_.json) {
      console_.out << line << '\n';
      return;
    }
    const auto text = event_log_text(record);
    const auto of_run = runs_.take_line(record);
    if (!of_run.empty() && of_run != text) console_.out << of_run << '\n';
    console_.out << text << '\n';
  }

  const LogCommand& command_;
  Console& console_;
  const std::function<bool()>& cancelled_;
  EventLogFilter filter_;
  EventLogReader reader_;
  EventLogRuns runs_;
  std::deque<std::string> tail_;
  std::uint64_t shown_ = 0;
  std::uint64_t unreadable_ = 0;
  bool is_following_ = false;
};

void tell(Console& console, const std::string& text) { console.err << "syncline: " << text << std::endl; }

void tell_what_is_missing(const LogView& view, const std::string& dir, Console& console) {
  if (view.is_empty())
    tell(console, "no log in '" + escape_name(dir) +
                      "' yet; 'syncline watch' writes it, and so does 'syncline copy --event-log'");
  else if (view.shown_count() == 0) tell(console, "nothing in the log answers that");
  if (const auto count = view.unreadable_count(); count != 0)
    tell(console, "skipped lines: " + std::to_string(count) +
                      " (torn by a crash or a full disk, or written by a newer version of syncline)");
}

int show_log(const LogCommand& command, Console& console, const std::function<bool()>& cancelled,
             fs::Fs& files) {
  CopyOptions options;
  options.state_dir = command.state_dir;
  const auto dir = event_log_directory(sync::state_directory(options));
  LogView view(command, console, cancelled, files, dir);
  view.show_all();
  console.out.flush();
  tell_what_is_missing(view, dir, console);
  if (command.follow) view.follow();
  else if (cancelled()) return exit_code::interrupted;
  console.out.flush();
  if (console.out.good()) return exit_code::success;
  tell(console, "standard output cannot be written");
  return exit_code::file_io;
}

}  // namespace

std::string log_help() {
  return "Usage: syncline log [options] [PATH...]\n"
         "\n"
         "Tells what happened to PATH, or to what is below it, and when; oldest first. Without PATH\n"
         "everything is told. PATH is relative to SRC and DST, or a path of this machine in one of them.\n"
         "The log is written by 'syncline watch', and by 'syncline copy --event-log'.\n"
         "\n"
         "  -f, --follow            go on with what happens, until Ctrl-C\n"
         "  -n, --lines=N           only the last N records\n"
         "      --since=TIME        not before TIME: 2026-01-31, '2026-01-31 12:00', RFC 3339,\n"
         "                          or how long ago: 90s, 15m, 2h, 3d, 1w\n"
         "      --until=TIME        not after TIME\n"
         "      --run=ID            only of the run whose id begins with ID\n"
         "      --errors            only errors\n"
         "      --json              print the records as they are in the log\n"
         "      --state=DIR         the log of what is run with --state DIR\n"
         "      --help              show this help\n";
}

int run_log(const std::vector<std::string>& args, Console& console, const std::function<bool()>& cancelled,
            fs::Fs& files) {
  try {
    const auto command = parse_log(args, console.clock.now_ns());
    if (!command.help) return show_log(command, console, cancelled, files);
    console.out << log_help() << std::flush;
    return exit_code::success;
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see 'syncline log --help'";
    console.err << failure_line(failure) << std::endl;
    return failure.code;
  }
}

}  // namespace syncline::cli
