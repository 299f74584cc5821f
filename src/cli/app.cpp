// SPDX-License-Identifier: Apache-2.0
// The one user of CLI11's own code.
#include "cli/app.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "base/error.hpp"
#include "cli/exit_codes.hpp"

namespace syncline::cli {
namespace {

/// "syncline status" of "syncline status [PATH [DST]]"
std::string command_of(const CLI::App& app) {
  const auto& name = app.get_name();
  return name.substr(0, name.find(' ', name.find(' ') + 1));
}

/// Of "--name: 1 required TEXT missing" and "name was given a disallowed flag override".
std::string mismatch(const std::string& text) {
  if (text.ends_with(" missing"))
    return escape_name(text.substr(0, text.find(':'))) + ": the value is missing";
  const auto end = text.find(" was given a disallowed");
  if (end == text.npos) return escape_name(text);
  return (end > 1 ? "--" : "-") + escape_name(text.substr(0, end)) + ": this option takes no value";
}

void parse(CLI::App& app, std::vector<std::string> args) {
  std::ranges::reverse(args);  // it takes them from the back
  app.parse(std::move(args));
}

}  // namespace

std::unique_ptr<CLI::App> new_app(const std::string& description, const std::string& name) {
  return std::make_unique<CLI::App>(description, name);
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description) {
  return app.add_subcommand(name, description);
}

void parse_args(CLI::App& app, std::vector<std::string> args) {
  try {
    parse(app, std::move(args));
  } catch (const CLI::ArgumentMismatch& error) {
    throw Error(Errc::usage, mismatch(error.what()));
  } catch (const CLI::ParseError& error) {
    throw Error(Errc::usage, escape_name(error.what()));
  }
}

std::optional<int> take_args(CLI::App& app, std::vector<std::string> args, Console& console) {
  try {
    parse(app, std::move(args));
    return std::nullopt;
  } catch (const CLI::Success& help) {
    app.exit(help, console.out, console.err);
    return exit_code::success;
  } catch (const CLI::ParseError& error) {
    console.err << "syncline: " << escape_name(error.what()) << "; see '" << command_of(app) << " --help'"
                << std::endl;
    return exit_code::usage;
  }
}

}  // namespace syncline::cli
