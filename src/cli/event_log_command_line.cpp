// SPDX-License-Identifier: Apache-2.0
// From arguments to a LogCommand.
#include "cli/event_log_command_line.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/app.hpp"
#include "cli/event_log_time.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {
namespace {

constexpr std::size_t run_digits_max = 16;

/// What was typed, before it means anything.
struct Typed {
  std::string since, until, state, run, tail;
};

std::int64_t moment(const char* option, const std::string& text, std::int64_t now_ns) {
  if (const auto at = parse_moment(text, now_ns)) return *at;
  refuse_value(option, text,
               "is not a time; write 2026-01-31, '2026-01-31 12:00', RFC 3339, or 2h for so long ago");
}

std::string run_id(const std::string& text) {
  const bool is_id = !text.empty() && text.size() <= run_digits_max && std::ranges::all_of(text, [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0 || (c >= 'a' && c <= 'f');
  });
  if (!is_id) refuse_value("--run", text, "is not the beginning of a run's id, as the log shows it");
  return text;
}

void settle_log(LogCommand& command, const CLI::App& app, const Typed& typed, std::int64_t now_ns) {
  auto& query = command.query;
  if (app.count("--since") != 0) query.since_ns = moment("--since", typed.since, now_ns);
  if (app.count("--until") != 0) query.until_ns = moment("--until", typed.until, now_ns);
  if (query.since_ns && query.until_ns && *query.since_ns > *query.until_ns)
    throw Error(Errc::usage, "--since is later than --until");
  if (command.follow && query.until_ns) throw Error(Errc::usage, "--follow does not go with --until");
  if (app.count("--run") != 0) query.run = run_id(typed.run);
  if (app.count("--lines") != 0)
    command.tail = parse_number("--lines", typed.tail, 0, limits::event_log_tail_max);
  if (app.count("--state") != 0) {
    if (typed.state.empty()) refuse_value("--state", typed.state, "is empty");
    command.state_dir = typed.state;
  }
  query.paths = paths_among(app.remaining());
  if (std::ranges::find(query.paths, std::string()) != query.paths.end())
    throw Error(Errc::usage, "an empty path was given; write '.' for the current directory");
}

}  // namespace

LogCommand parse_log(const std::vector<std::string>& args, std::int64_t now_ns) {
  LogCommand command;
  Typed typed;
  const auto line = new_app("", "syncline log");
  CLI::App& app = *line;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("--json", command.json);
  app.add_flag("-f,--follow", command.follow);
  app.add_flag("--errors", command.query.errors);
  app.add_flag("--help", command.help);
  app.add_option("--since", typed.since)->type_size(1);
  app.add_option("--until", typed.until)->type_size(1);
  app.add_option("--state", typed.state)->type_size(1);
  app.add_option("--run", typed.run)->type_size(1);
  app.add_option("-n,--lines", typed.tail)->type_size(1);
  parse_args(app, args);
  if (!command.help) settle_log(command, app, typed, now_ns);
  return command;
}

}  // namespace syncline::cli
