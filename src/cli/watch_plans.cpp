// SPDX-License-Identifier: Apache-2.0
// Checks of what is to be followed, and its names.
#include "cli/watch_plans.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/watch_places.hpp"
#include "sync/remote_place.hpp"

namespace syncline::cli {
namespace {

std::string in_quotes(const std::string& name) { return "'" + escape_name(name) + "'"; }

std::string too_many() {
  return "more than " + std::to_string(limits::watch_pairs_max) + " pairs of SRC and DST";
}

/// What is watched there is the server's to find out how.
void check_source(const WatchCommand& command) {
  const auto& source = command.options.sources.front();
  if (!sync::parse_remote(source)) return;
  for (const auto& destination : command.destinations)
    if (sync::parse_remote(destination))
      throw Error(Errc::usage, "SRC and DST cannot both be on other machines; start watch on one of them");
  if (command.watch.with != WatchWith::automatic)
    throw Error(Errc::usage, "--watch-with is about a SRC on this machine");
}

std::vector<WatchPlan> pairs_of(const WatchCommand& command) {
  std::vector<WatchPlan> out;
  for (const auto& destination : command.destinations) {
    auto& plan = out.emplace_back();
    plan.options = command.options;
    plan.options.destination = destination;
    plan.output = command.output;
    plan.watch_with = command.watch.with;
    plan.hook = command.watch.hook;
    plan.hook_null = command.watch.hook_null;
    if (command.watch.rescan) plan.follow.rescan = *command.watch.rescan;
  }
  return out;
}

std::string clash_text(const WatchClash& clash) {
  return clash.is_same ? "fill the same directory" : "fill directories inside each other";
}

std::vector<WatchClash> clashes_of(const std::vector<WatchPlan>& plans) {
  std::vector<WatchPlace> places;
  places.reserve(plans.size());
  for (const auto& plan : plans) places.push_back({plan.options.sources.front(), plan.options.destination});
  return find_clashes(fs::linux_fs(), places);
}

/// The watches of one configuration, one after the other.
class ClientReading {
 public:
  ClientReading(config::LoadedClient& loaded, const std::vector<std::string>& shared,
                const std::vector<std::string>& only)
      : loaded_(loaded), shared_(shared), only_(only) {}

  ClientPlans run() && {
    for (const auto& name : only_) check_name(name);
    for (std::size_t at = 0; at < watches().size(); ++at) take(at);
    check_clashes();
    if (plans_.size() > limits::watch_pairs_max)
      refuse("", too_many(), "put some of them into another file, and follow that with --config");
    ClientPlans out;
    out.problems = std::move(loaded_.problems);
    for (std::size_t at = 0; at < plans_.size(); ++at)
      if (is_wanted(watches()[watch_of_[at]].name)) out.plans.push_back(std::move(plans_[at]));
    if (out.plans.size() == 1) out.plans.front().label.clear();
    return out;
  }

 private:
  const std::vector<config::ClientWatch>& watches() const { return loaded_.config.watches; }
  bool is_wanted(const std::string& name) const {
    return only_.empty() || std::ranges::count(only_, name) != 0;
  }

  void check_name(const std::string& name) const {
    std::string known;
    for (const auto& watch : watches()) {
      if (watch.name == name) return;
      known += (known.empty() ? "" : ", ") + escape_name(watch.name);
    }
    throw Error(Errc::usage, "--only: no watch has the name " + in_quotes(name) + "; there " +
                                 (known.empty() ? "is none" : "are: " + known));
  }

  static std::string key_of(std::size_t at, const char* key) {
    return "watch[" + std::to_string(at) + "]." + key;
  }
  void refuse(const std::string& key, std::string cause, std::string next) {
    loaded_.problems.push_back({loaded_.origins.place_of(key), key, std::move(cause), std::move(next)});
  }
  /// What goes wrong is a problem of `key`. Returns whether nothing did.
  template <class Attempt>
  bool attempt(const std::string& key, Attempt attempt) {
    try {
      attempt();
      return true;
    } catch (const Error& error) {
      refuse(key, error.context().empty() ? error.what() : error.context(), "");
      return false;
    }
  }

  WatchCommand parse(const std::vector<std::string>& args) const {
    std::istringstream nothing;  // standard input is nobody's
    return parse_watch(args, nothing);
  }

  void take(std::size_t at) {
    const auto& watch = watches()[at];
    if (watch.source.empty() || watch.destinations.empty()) return;  // told already
    bool is_sound = attempt(key_of(at, "options"), [&] { check_options(parse(watch.options)); });
    auto args = shared_;
    args.insert(args.end(), watch.options.begin(), watch.options.end());
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      const auto option = "--" + std::string(key) + "=" + value;
      if (attempt(key_of(at, key), [&] { parse({option}); })) args.push_back(option);
    };
    add("rescan", watch.rescan);
    add("hook", watch.hook);
    args.insert(args.end(), {"--", watch.source});
    args.insert(args.end(), watch.destinations.begin(), watch.destinations.end());
    if (!is_sound) return;
    attempt(key_of(at, "source"), [&] { add_pairs(at, parse(args)); });
  }

  /// Of one watch alone, what counts for all cannot be said.
  static void check_options(const WatchCommand& command) {
    const auto refuse = [](const char* what) {
      throw Error(Errc::usage, std::string(what) + " belongs on the command line");
    };
    if (!command.options.sources.empty())
      throw Error(Errc::usage, in_quotes(command.options.sources.front()) +
                                   " is no option; paths go into source and destination");
    if (command.help) refuse("--help");
    if (command.output.json) refuse("--json");
    if (command.watch.config) refuse("--config");
    if (!command.watch.only.empty()) refuse("--only");
  }

  void add_pairs(std::size_t at, const WatchCommand& command) {
    check_source(command);
    auto pairs = pairs_of(command);
    for (auto& pair : pairs) {
      pair.label = escape_name(watches()[at].name);
      if (pairs.size() > 1) pair.label += " " + escape_name(pair.options.destination);
      plans_.push_back(std::move(pair));
      watch_of_.push_back(at);
    }
  }

  void check_clashes() {
    for (std::size_t at = 0; at < plans_.size(); ++at)
      if (!attempt(key_of(watch_of_[at], "destination"), [&] { (void)clashes_of({plans_[at]}); })) return;
    for (const auto& clash : clashes_of(plans_)) {
      const auto& first = plans_[clash.first].options;
      const auto& second = plans_[clash.second].options;
      refuse(key_of(watch_of_[clash.second], "destination"),
             in_quotes(second.destination) + ", and " + in_quotes(first.destination) + " of watch " +
                 in_quotes(watches()[watch_of_[clash.first]].name) + ", " + clash_text(clash),
             "give each a directory of its own");
    }
  }

  config::LoadedClient& loaded_;
  const std::vector<std::string>& shared_;
  const std::vector<std::string>& only_;
  std::vector<WatchPlan> plans_;
  std::vector<std::size_t> watch_of_;  ///< of each plan
};

}  // namespace

std::vector<WatchPlan> plans_of(const WatchCommand& command) {
  check_source(command);
  if (command.destinations.size() > limits::watch_pairs_max)
    throw Error(Errc::usage, too_many() + "; start a second watch for some of them");
  auto out = pairs_of(command);
  if (out.size() > 1)
    for (auto& plan : out) plan.label = escape_name(plan.options.destination);
  if (const auto clashes = clashes_of(out); !clashes.empty())
    throw Error(Errc::usage, "DST " + in_quotes(out[clashes.front().first].options.destination) +
                                 " and DST " + in_quotes(out[clashes.front().second].options.destination) +
                                 " " + clash_text(clashes.front()) + "; give each one of its own");
  return out;
}

ClientPlans plans_of(config::LoadedClient loaded, const std::vector<std::string>& shared,
                     const std::vector<std::string>& only) {
  return ClientReading(loaded, shared, only).run();
}

}  // namespace syncline::cli
