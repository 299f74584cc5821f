// SPDX-License-Identifier: Apache-2.0
// `syncline config check` and `syncline config show`.
#include "cli/server_config_command.hpp"

#include <optional>
#include <ostream>

#include "base/error.hpp"
#include "cli/app.hpp"
#include "cli/exit_codes.hpp"
#include "cli/watch_plans.hpp"
#include "config/client_config.hpp"
#include "config/server_load.hpp"

namespace syncline::cli {
namespace {

constexpr const char* description =
    "Checks and shows the configuration of 'syncline serve', or of 'syncline watch' with --client.\n"
    "Without FILE: $XDG_CONFIG_HOME/syncline/server.toml, else /etc/syncline/server.toml\n"
    "(for root the other way round); client.toml there, and in this order, with --client.";

class ConfigLine {
 public:
  ConfigLine() : app_(new_app(description, "syncline config")) {
    app_->require_subcommand(1);
    check_ = add("check", "name everything that is wrong, with its line and what to do; exit code 1 then");
    show_ = add("show", "print the configuration as it takes effect, defaults included");
  }

  /// Nothing where the arguments were answered already (help, errors).
  std::optional<int> parse(std::vector<std::string> args, Console& console) {
    return take_args(*app_, std::move(args), console);
  }

  bool shows() const { return show_->parsed(); }
  bool is_of_client() const { return of_client_; }
  std::optional<std::string> file() const {
    return file_.empty() && check_->count("FILE") + show_->count("FILE") == 0 ? std::nullopt
                                                                              : std::optional(file_);
  }

 private:
  CLI::App* add(const char* name, const char* text) {
    auto* command = add_command(*app_, name, text);
    command->add_option("FILE", file_);
    command->add_flag("--client", of_client_, "of 'syncline watch'");
    return command;
  }

  const std::unique_ptr<CLI::App> app_;
  CLI::App* check_ = nullptr;
  CLI::App* show_ = nullptr;
  std::string file_;
  bool of_client_ = false;
};

std::string looked_at(const std::vector<std::string>& places) {
  std::string all;
  for (const auto& place : places) all += (all.empty() ? "" : " nor ") + ("'" + escape_name(place) + "'");
  return all;
}

int say_problems(const std::vector<config::Problem>& problems, Console& console) {
  for (const auto& problem : problems) console.err << "syncline: " << config::to_line(problem) << '\n';
  console.err.flush();
  return exit_code::usage;
}

std::string counted(std::size_t count, const char* one, const char* several) {
  return std::to_string(count) + " " + (count == 1 ? one : several);
}

int refuse_without_file(const std::vector<std::string>& places, Console& console) {
  console.err << "syncline: there is neither " << looked_at(places) << "; name a FILE" << std::endl;
  return exit_code::usage;
}

/// Both commands: what is not sound is not shown.
int tell_client(const ConfigLine& line, Console& console, const ConfigWorld& world) {
  const auto place = line.file() ? line.file() : config::find_client(world.files, world.environment);
  if (!place) return refuse_without_file(config::client_places(world.environment), console);
  const auto loaded = config::read_client(world.files, *place, world.environment.home);
  const auto found = plans_of(loaded, {}, {});
  if (!found.problems.empty()) return say_problems(found.problems, console);
  if (line.shows()) console.out << "# from " << escape_name(*place) << '\n' << config::to_toml(loaded.config);
  else
    console.out << escape_name(*place) << ": no problems; "
                << counted(loaded.config.watches.size(), "watch", "watches") << ", "
                << counted(found.plans.size(), "destination", "destinations") << '\n';
  return exit_code::success;
}

int check(const std::optional<std::string>& place, Console& console, const ConfigWorld& world) {
  if (!place) return refuse_without_file(config::config_places(world.environment), console);
  auto loaded = config::effective_config(world.files, world.environment, place);
  const auto& config = loaded.config;
  // Directories are asked about by sound names only.
  if (loaded.problems.empty()) loaded.problems = config::check_dirs(world.files, config, loaded.origins);
  if (!loaded.problems.empty()) return say_problems(loaded.problems, console);
  console.out << escape_name(*place) << ": no problems; " << counted(config.shares.size(), "share", "shares")
              << ", " << counted(config.authorize.size(), "authorization", "authorizations") << '\n';
  return exit_code::success;
}

int show(const std::optional<std::string>& place, Console& console, const ConfigWorld& world) {
  const auto loaded = config::effective_config(world.files, world.environment, place);
  if (!loaded.problems.empty()) return say_problems(loaded.problems, console);
  console.out << "# "
              << (place ? "from " + escape_name(*place) + " and defaults" : "defaults, no file is there")
              << '\n'
              << config::to_toml(loaded.config);
  return exit_code::success;
}

int tell_server(const ConfigLine& line, Console& console, const ConfigWorld& world) {
  const auto place = line.file() ? line.file() : config::find_config(world.files, world.environment);
  return line.shows() ? show(place, console, world) : check(place, console, world);
}

int report(const std::exception& error, Console& console) {
  const auto failure = explain(error);
  console.err << "syncline: " << failure.subject << (failure.subject.empty() ? "" : ": ") << failure.cause;
  const bool unread = failure.code == exit_code::selection;
  console.err << "; " << (unread ? failure.next : "the configuration was not read") << std::endl;
  return failure.code;
}

}  // namespace

int run_config(const std::vector<std::string>& args, Console& console, const ConfigWorld& world) {
  ConfigLine line;
  if (const auto answered = line.parse(args, console)) return *answered;
  int code = exit_code::success;
  try {
    code = line.is_of_client() ? tell_client(line, console, world) : tell_server(line, console, world);
  } catch (const std::exception& error) {
    code = report(error, console);
  }
  console.out.flush();
  if (console.out.good() || code != exit_code::success) return code;
  console.err << "syncline: standard output cannot be written" << std::endl;
  return exit_code::file_io;
}

int run_config(const std::vector<std::string>& args, Console& console) {
  return run_config(args, console, {fs::linux_fs(), config::process_environment()});
}

}  // namespace syncline::cli
