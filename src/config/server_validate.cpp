// SPDX-License-Identifier: Apache-2.0
// The check of a configuration as a whole.
#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "config/server_keys.hpp"
#include "config/server_overlap.hpp"
#include "config/server_text.hpp"

namespace syncline::config {
namespace {

std::string in_quotes(std::string_view text) { return "'" + escape_name(text) + "'"; }

std::string element(const char* list, std::size_t at, const char* key = nullptr) {
  const auto entry = std::string(list) + "[" + std::to_string(at) + "]";
  return key == nullptr ? entry : entry + "." + key;
}

class Check {
 public:
  Check(const ServerConfig& config, const Origins& origins) : config_(config), origins_(origins) {}

  std::vector<Problem> run() && {
    check_listen();
    check_values();
    check_shares();
    check_overlaps();
    check_authorizations();
    return std::move(found_);
  }

 private:
  void add(const std::string& key, std::string cause, std::string next) {
    found_.push_back({origins_.place_of(key), key, std::move(cause), std::move(next)});
  }
  void add_fault(const std::string& key, std::string_view value, const std::optional<std::string>& fault) {
    if (fault) add(key, in_quotes(value) + " " + *fault, "");
  }

  void check_listen() {
    const auto& listen = config_.listen;
    if (listen.empty()) add("listen", "is empty: nobody could connect", "write \"ADDR:PORT\"");
    if (listen.size() > limits::config_listen_max)
      add("listen", "has more than " + std::to_string(limits::config_listen_max) + " addresses",
          "write :PORT for every address of this machine");
    for (std::size_t at = 0; at < listen.size(); ++at) {
      const auto& endpoint = listen[at];
      if (!endpoint.host.empty())
        add_fault(element("listen", at), endpoint.host, fault_of_host(endpoint.host));
      // Port 0 is another one each time.
      if (endpoint.port != 0 &&
          std::find(listen.begin(), listen.begin() + at, endpoint) != listen.begin() + at)
        add(element("listen", at), in_quotes(to_text(endpoint)) + " is there twice", "remove one of them");
    }
  }

  void check_values() {
    for (const auto& key : config_keys()) {
      const auto value = key.get(config_);
      if (!value || key.type != ValueType::number) continue;
      const auto number = std::get<std::int64_t>(*value);
      if (number < key.range.min || number > key.range.max)
        add(key.full_name(), std::to_string(number) + " is out of range",
            "write " + std::to_string(key.range.min) + " to " + std::to_string(key.range.max));
    }
    // Out of range altogether was told already.
    if (const auto sessions = config_.limits.sessions_max;
        sessions > config_.limits.connections_max && sessions <= limits::config_sessions_max)
      add("limits.sessions_max", "is greater than connections_max: each session needs a connection",
          "write " + std::to_string(config_.limits.connections_max) + " or less");
    if (const auto rate = config_.bwlimit;
        rate && (*rate < limits::config_bwlimit_min || *rate > limits::config_bwlimit_max))
      add("bwlimit", "'" + rate_text(*rate) + "' is out of range", "write a rate from 4K to 1T");
    if (!config_.state_dir.empty())
      add_fault("state_dir", config_.state_dir, fault_of_directory(config_.state_dir));
    if (config_.log.file) add_fault("log.file", *config_.log.file, fault_of_directory(*config_.log.file));
  }

  void check_shares() {
    for (std::size_t at = 0; at < config_.shares.size(); ++at) {
      const auto& share = config_.shares[at];
      add_fault(element("share", at, "name"), share.name, fault_of_share_name(share.name));
      add_fault(element("share", at, "dir"), share.dir, fault_of_directory(share.dir));
      const auto [first, fresh] = names_.try_emplace(share.name, at);
      if (fresh) continue;
      const auto where = origins_.place_of(element("share", first->second));
      add(element("share", at, "name"),
          in_quotes(share.name) + " is the name of another share" + (where.empty() ? "" : " (" + where + ")"),
          "give each share its own name");
    }
  }

  void check_overlaps() {
    for (auto& problem : overlaps(places_of(config_), origins_)) found_.push_back(std::move(problem));
  }

  void check_authorizations() {
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t at = 0; at < config_.authorize.size(); ++at) {
      const auto& one = config_.authorize[at];
      add_fault(element("authorize", at, "fingerprint"), one.fingerprint,
                fault_of_fingerprint(one.fingerprint));
      if (one.share != "*" && !names_.contains(one.share)) add_unknown_share(at, one.share);
      if (!fault_of_fingerprint(one.fingerprint) && !seen.emplace(one.fingerprint, one.share).second)
        add(element("authorize", at), "this client and share are there already",
            "keep the one with the right that is meant");
    }
  }

  void add_unknown_share(std::size_t at, const std::string& share) {
    std::vector<std::string_view> names;
    for (const auto& [name, ignored] : names_) names.push_back(name);
    const auto near = nearest(share, names);
    add(element("authorize", at, "share"), in_quotes(share) + " is not the name of a share",
        near.empty() ? "write the name of a share, or * for all" : "did you mean " + in_quotes(near) + "?");
  }

  const ServerConfig& config_;
  const Origins& origins_;
  std::vector<Problem> found_;
  std::map<std::string, std::size_t> names_;  // of shares, to the first that has it
};

}  // namespace

std::vector<Problem> validate(const ServerConfig& config, const Origins& origins) {
  return Check(config, origins).run();
}

}  // namespace syncline::config
