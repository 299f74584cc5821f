// SPDX-License-Identifier: Apache-2.0
// Who this installation is, whom it knows, and who may use its shares.
#include "cli/server_trust_commands.hpp"

#include <functional>
#include <ostream>

#include "base/error.hpp"
#include "cli/app.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "config/places.hpp"
#include "config/server_load.hpp"
#include "remote/pair.hpp"
#include "trust/grants.hpp"
#include "trust/identity.hpp"
#include "trust/pairing.hpp"
#include "trust/places.hpp"

namespace syncline::cli {
namespace {

/// Parses, acts, and says what went wrong.
int run(CLI::App& app, std::vector<std::string> args, Console& console, const std::function<int()>& act) {
  if (const auto answered = take_args(app, std::move(args), console)) return *answered;
  try {
    const int code = act();
    console.out.flush();
    return code;
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see '" + app.get_name() + " --help'";
    console.err << failure_line(failure) << std::endl;
    return failure.code;
  }
}

/// The state directory of the server on this machine: as given, else as its configuration says.
std::string server_state_dir(const std::string& given) {
  if (!given.empty()) return given;
  const auto loaded = config::effective_config(fs::linux_fs(), config::process_environment(), std::nullopt);
  if (!loaded.problems.empty()) config::throw_problems(loaded.problems);
  return loaded.config.state_dir;
}

std::optional<std::string> given(const std::string& dir) {
  return dir.empty() ? std::nullopt : std::optional(dir);
}

std::string share_text(const std::string& share) {
  return share == trust::every_share ? "every share" : "share '" + escape_name(share) + "'";
}

int make_code(Console& console, const std::string& grant_text, const std::string& name,
              const std::string& state_dir, std::uint64_t minutes) {
  trust::PendingGrant grant;
  grant.name = name;
  const auto colon = grant_text.rfind(':');
  grant.share = grant_text.substr(0, colon);
  if (colon != grant_text.npos) grant.right = trust::parse_right(grant_text.substr(colon + 1));
  const std::string dir = server_state_dir(state_dir);
  fs::linux_fs().make_dirs(dir, 0700);
  trust::PairingCodes codes(fs::linux_fs(), system_clock(), system_random(), dir);
  const auto code = codes.create(grant, std::chrono::minutes(minutes));
  console.out << code << '\n';
  console.err << "for " << share_text(grant.share) << " (" << trust::to_text(grant.right)
              << "), once, within " << minutes
              << " minutes; on the other machine type:\n  syncline pair syncline://HOST[:PORT] " << code
              << std::endl;
  return exit_code::success;
}

int use_code(Console& console, const std::string& address, const std::string& code,
             const std::string& state) {
  const auto place = sync::parse_remote(address);
  if (!place || place->kind != sync::RemotePlace::Kind::server)
    throw Error(Errc::usage, "'" + escape_name(address) + "' is no address like syncline://HOST[:PORT]");
  const auto result = remote::pair(sync::World{}, *place, code, given(state));
  console.out << "paired with " << escape_name(place->peer()) << ", key " << result.server.text() << "\n"
              << "granted: " << share_text(result.share) << ", " << trust::to_text(result.right) << '\n';
  return exit_code::success;
}

int list_grants(Console& console, const std::string& dir) {
  for (const auto& grant : trust::Grants(fs::linux_fs(), dir).list())
    console.out << grant.key.text() << ' ' << grant.share << ' ' << trust::to_text(grant.right)
                << (grant.name.empty() ? "" : ' ' + escape_name(grant.name)) << '\n';
  return exit_code::success;
}

int remove_grants(Console& console, const std::string& dir, const std::string& key,
                  const std::string& share) {
  trust::Grants grants(fs::linux_fs(), dir);
  const auto count =
      grants.remove(trust::Fingerprint::parse(key), share.empty() ? std::nullopt : std::optional(share));
  if (count == 0) throw Error(Errc::usage, "there is no such grant; see 'syncline grants ls'");
  console.out << count << (count == 1 ? " grant" : " grants") << " removed\n";
  return exit_code::success;
}

}  // namespace

int run_id(const std::vector<std::string>& args, Console& console) {
  const auto line = new_app(
      "Prints the fingerprint of this installation's key, which is made on the first use.", "syncline id");
  CLI::App& app = *line;
  std::string state;
  app.add_option("--state", state, "of what is run with --state DIR")->type_name("DIR");
  return run(app, args, console, [&] {
    const auto dir = trust::config_directory(given(state));
    console.out << trust::Identity::load_or_create(fs::linux_fs(), dir).fingerprint().text() << '\n';
    return exit_code::success;
  });
}

int run_pair(const std::vector<std::string>& args, Console& console) {
  const auto line = new_app(
      "On the server, without arguments: prints a code that lets one client in.\n"
      "On the client, with the server's address and that code: makes both know each other.",
      "syncline pair");
  CLI::App& app = *line;
  std::string address, code, share(trust::every_share), name, state;
  std::uint64_t minutes = limits::pairing_lifetime_s_default / 60;
  auto* to = app.add_option("ADDRESS", address, "syncline://HOST[:PORT]");
  auto* with = app.add_option("CODE", code);
  to->needs(with);
  with->needs(to);
  app.add_option("--share", share, "what the client may use (default: every share, rw)")
      ->type_name("SHARE[:ro|:rw|:nodelete]")
      ->excludes(to);
  app.add_option("--name", name, "what to call the client in 'syncline grants ls'")
      ->type_name("NAME")
      ->excludes(to);
  app.add_option("--minutes", minutes, "how long the code is good")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, limits::pairing_lifetime_s_max / 60))
      ->excludes(to);
  app.add_option("--state", state, "of what is run with --state DIR")->type_name("DIR");
  return run(app, args, console, [&] {
    return address.empty() ? make_code(console, share, name, state, minutes)
                           : use_code(console, address, code, state);
  });
}

int run_grants(const std::vector<std::string>& args, Console& console) {
  const auto line =
      new_app("Lists and removes what clients may do at the server on this machine.", "syncline grants");
  CLI::App& app = *line;
  app.require_subcommand(1);
  std::string state, key, share;
  auto* list = add_command(app, "ls", "one a line: key, share, right, name");
  auto* remove = add_command(app, "rm", "take away what a client was granted");
  remove->add_option("KEY", key)->required();
  remove->add_option("SHARE", share, "only this one");
  for (auto* command : {list, remove})
    command->add_option("--state", state, "the server's state directory")->type_name("DIR");
  return run(app, args, console, [&] {
    const auto dir = server_state_dir(state);
    return list->parsed() ? list_grants(console, dir) : remove_grants(console, dir, key, share);
  });
}

}  // namespace syncline::cli
