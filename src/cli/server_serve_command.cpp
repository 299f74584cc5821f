// SPDX-License-Identifier: Apache-2.0
// `syncline serve`: configuration, start, log, signals; and one session over standard input and output.
#include "cli/server_serve_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <ostream>
#include <thread>

#include "base/error.hpp"
#include "cli/app.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "cli/server_log.hpp"
#include "cli/stop_signals.hpp"
#include "config/places.hpp"
#include "config/server_load.hpp"
#include "config/server_text.hpp"
#include "net/stdio.hpp"
#include "server/server.hpp"
#include "server/stdio_session.hpp"
#include "sync/places.hpp"
#include "systemd/inherited_sockets.hpp"
#include "systemd/notify.hpp"
#include "trust/pairing.hpp"
#include "trust/places.hpp"

namespace syncline::cli {
namespace {

/// Between two looks at what no signal tells.
constexpr std::chrono::milliseconds look_interval{60'000};

struct ServeLine {
  std::string dir;
  std::string config;
  std::vector<std::string> listen;
  std::vector<std::string> shares;
  std::vector<std::string> authorize;
  std::string state;
  bool stdio = false;
};

/// Nothing where the arguments were answered already (help, errors).
std::optional<int> parse(std::vector<std::string> args, ServeLine& line, Console& console) {
  const auto parser = new_app(
      "Serves directories to other machines until it is stopped.\n"
      "With DIR: that one directory, made if it is missing, and what to type on the other machine.\n"
      "Without: what the configuration file and the options say; see syncline-server.toml(5).",
      "syncline serve");
  CLI::App& app = *parser;
  app.add_option("DIR", line.dir);
  app.add_option("--config", line.config, "read FILE")->type_name("FILE");
  app.add_option("--listen", line.listen, "listen there; in place of the file's (several)")
      ->type_name("ADDR:PORT")
      ->expected(1)
      ->take_all();
  app.add_option("--share", line.shares, "offer DIR as NAME (several)")
      ->type_name("NAME=DIR[:ro]")
      ->expected(1)
      ->take_all();
  app.add_option("--authorize", line.authorize, "let the client with this key in (several)")
      ->type_name("KEY[=SHARE[:ro|:rw|:nodelete]]")
      ->expected(1)
      ->take_all();
  app.add_option("--state", line.state, "keep the state and the key in DIR")->type_name("DIR");
  app.add_flag("--stdio", line.stdio, "serve whoever started this, over standard input and output");
  return take_args(app, std::move(args), console);
}

config::Overrides overrides_of(const ServeLine& line) {
  config::Overrides out;
  for (const auto& one : line.listen) out.listen.push_back(config::parse_endpoint(one));
  for (const auto& one : line.shares) out.shares.push_back(config::parse_share(one));
  for (const auto& one : line.authorize) out.authorize.push_back(config::parse_authorization(one));
  if (!line.state.empty()) out.state_dir = line.state;
  return out;
}

/// The share of `syncline serve DIR`.
config::Share share_of(const std::string& dir, Console& console) {
  auto& files = fs::linux_fs();
  const auto before = files.stat_path(dir, true);
  if (before && before->type != fs::FileType::directory) throw Error(ENOTDIR, "'" + escape_name(dir) + "'");
  if (!before) files.make_dirs(dir, 0777);
  config::Share out;
  out.dir = files.real_path(dir);
  if (before && !files.open_root(out.dir)->list().entries.empty())
    console.out << "'" << escape_name(out.dir)
                << "' has content already, which clients will see and change\n";
  std::string name = out.dir.substr(out.dir.rfind('/') + 1);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_' && c != '-') c = '-';
  while (name.starts_with('.')) name.erase(0, 1);
  out.name = name.empty() ? "files" : name.substr(0, limits::share_name_bytes_max);
  return out;
}

/// An address for the person at the other machine.
std::string url_of(const net::Endpoint& endpoint) {
  net::Endpoint shown = endpoint;
  if (shown.host == "0.0.0.0" || shown.host == "::") shown.host = system_host_name();
  return "syncline://" + (shown.port == config::default_port && shown.host.find(':') == std::string::npos
                              ? shown.host
                              : shown.text());
}

/// Where the server's key lies: with the state where that was given, by the person or by the service manager,
/// which leaves a service nothing else to write to; else it is the key that this user's copies have too.
std::string key_dir(const ServeLine& line, const config::ServerConfig& config) {
  const bool in_state = !line.state.empty() || !config::process_environment().state_directory.empty();
  return trust::config_directory(in_state ? std::optional(config.state_dir) : std::nullopt);
}

class ServeCommand {
 public:
  ServeCommand(const ServeLine& line, Console& console) : line_(line), console_(console) {}
  int run();

 private:
  config::LoadedConfig load(const std::optional<config::Share>& single);
  void greet(const server::Server& server, const config::Share& single, const std::string& state_dir);
  void reload(server::Server& server, const std::optional<config::Share>& single, ServerLog& log);

  const ServeLine& line_;
  Console& console_;
};

config::LoadedConfig ServeCommand::load(const std::optional<config::Share>& single) {
  auto overrides = overrides_of(line_);
  if (single) overrides.shares.push_back(*single);
  const auto path = line_.config.empty() ? std::nullopt : std::optional(line_.config);
  auto loaded = config::effective_config(fs::linux_fs(), config::process_environment(), path, overrides);
  if (loaded.problems.empty())
    loaded.problems = config::check_dirs(fs::linux_fs(), loaded.config, loaded.origins);
  if (loaded.problems.empty() && loaded.config.shares.empty())
    throw Error(Errc::usage, "nothing to serve: give DIR, --share NAME=DIR or a configuration file");
  return loaded;
}

/// What the person has to type on the other machine.
void ServeCommand::greet(const server::Server& server, const config::Share& single,
                         const std::string& state_dir) {
  const auto url = url_of(server.endpoints().at(0));
  trust::PairingCodes codes(fs::linux_fs(), system_clock(), system_random(), state_dir);
  const auto code = codes.create({single.name, trust::Right::write, ""});
  console_.out << "serving '" << escape_name(single.dir) << "' at " << url << "/" << single.name
               << "\non the other machine, within 10 minutes and once:\n  syncline pair " << url << " "
               << code << "\nthen, as often as you like:\n  syncline copy DIR/ " << url << "/" << single.name
               << "/\n"
               << std::flush;
}

void ServeCommand::reload(server::Server& server, const std::optional<config::Share>& single,
                          ServerLog& log) {
  const auto loaded = load(single);
  if (loaded.problems.empty()) {
    server.reload(loaded.config);
    log.say("the configuration was read again");
    return;
  }
  for (const auto& problem : loaded.problems) log.say(config::to_line(problem));
  log.say("the configuration stays as it was");
}

int ServeCommand::run() {
  auto manager = systemd::take_service_manager();
  auto inherited = systemd::take_inherited_sockets();
  std::optional<config::Share> single;
  if (!line_.dir.empty()) single = share_of(line_.dir, console_);
  auto loaded = load(single);
  if (!loaded.problems.empty()) {
    for (const auto& problem : loaded.problems)
      console_.err << "syncline: " << config::to_line(problem) << '\n';
    console_.err.flush();
    return exit_code::usage;
  }
  const sync::World world;
  const auto identity = trust::Identity::load_or_create(*world.files, key_dir(line_, loaded.config));
  ServerLog log(loaded.config.log, console_);
  server::ServerOptions options;
  options.config = loaded.config;
  for (auto& socket : inherited) options.sockets.push_back(socket.fd.release());
  options.on_event = [&](const server::AuditEvent& event) { log.write(event); };
  server::Server server(world, identity, std::move(options));
  for (const auto& endpoint : server.endpoints())
    log.say("listening on " + endpoint.text() + ", key " + identity.fingerprint().text());
  if (single) greet(server, *single, loaded.config.state_dir);
  manager.notifier.ready();
  auto alive_at = std::chrono::steady_clock::now();
  const auto interval =
      manager.watchdog
          ? std::min(look_interval, std::chrono::floor<std::chrono::milliseconds>(*manager.watchdog / 4))
          : look_interval;
  while (!stop_requested()) {
    wait_for_signal(interval);
    if (take_reload_request()) {
      manager.notifier.reloading();
      try {
        reload(server, single, log);
      } catch (const std::exception& error) {
        log.say(std::string("the configuration stays as it was: ") + error.what());
      }
      manager.notifier.ready();
    }
    const auto now = std::chrono::steady_clock::now();
    if (manager.watchdog && now - alive_at > *manager.watchdog / 2) {
      manager.notifier.watchdog();
      alive_at = now;
    }
  }
  manager.notifier.stopping();
  log.say("stopping");
  server.stop();
  return exit_code::success;
}

int serve_stdio(const ServeLine& line) {
  if (!line.dir.empty() || !line.shares.empty() || !line.listen.empty() || !line.authorize.empty())
    throw Error(Errc::usage,
                "--stdio serves whoever could log in: it takes no DIR, shares, addresses or keys");
  // That of the copies of this user: it is one of them.
  CopyOptions options;
  if (!line.state.empty()) options.state_dir = line.state;
  net::IoThreads threads;
  server::serve_stdio(sync::World{}, net::take_stdio_link(threads), sync::state_directory(options),
                      stop_requested);
  return exit_code::success;
}

}  // namespace

int run_serve(const std::vector<std::string>& args, Console& console) {
  ServeLine line;
  if (const auto answered = parse(args, line, console)) return *answered;
  try {
    if (line.stdio) return serve_stdio(line);
    watch_reload_signal();
    return ServeCommand(line, console).run();
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see 'syncline serve --help'";
    console.err << failure_line(failure) << std::endl;
    return failure.code;
  }
}

}  // namespace syncline::cli
