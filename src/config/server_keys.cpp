// SPDX-License-Identifier: Apache-2.0
// The table of single values.
#include "config/server_keys.hpp"

#include <array>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "config/server_text.hpp"

namespace syncline::config {
namespace {

using Config = ServerConfig;
using Maybe = std::optional<Value>;

void put(std::uint64_t& field, std::int64_t value) { field = static_cast<std::uint64_t>(value); }
void put(std::chrono::seconds& field, std::int64_t value) { field = std::chrono::seconds(value); }
std::int64_t number_of(std::uint64_t field) { return static_cast<std::int64_t>(field); }
std::int64_t number_of(std::chrono::seconds field) { return field.count(); }

template <auto Member>
void set_limit(Config& config, const Value& value) {
  put(config.limits.*Member, std::get<std::int64_t>(value));
}
template <auto Member>
Maybe get_limit(const Config& config) {
  return number_of(config.limits.*Member);
}

void set_threads(Config& config, const Value& value) { put(config.threads, std::get<std::int64_t>(value)); }
Maybe get_threads(const Config& config) { return number_of(config.threads); }

template <auto Member, auto Parse>
void set_word(Config& config, const Value& value) {
  config.*Member = Parse(std::get<std::string>(value));
}
template <auto Member>
Maybe get_word(const Config& config) {
  return std::string(to_text(config.*Member));
}

void set_bwlimit(Config& config, const Value& value) {
  config.bwlimit = parse_rate(std::get<std::string>(value));
}
Maybe get_bwlimit(const Config& config) {
  return config.bwlimit ? Maybe(rate_text(*config.bwlimit)) : std::nullopt;
}

std::string path_value(const Value& value) {
  const auto& path = std::get<std::string>(value);
  if (const auto fault = fault_of_directory(path))
    throw Error(Errc::usage, "'" + escape_name(path) + "' " + *fault);
  return plain_path(path);
}
void set_state_dir(Config& config, const Value& value) { config.state_dir = path_value(value); }
Maybe get_state_dir(const Config& config) {
  return config.state_dir.empty() ? std::nullopt : Maybe(config.state_dir);
}
void set_log_file(Config& config, const Value& value) { config.log.file = path_value(value); }
Maybe get_log_file(const Config& config) { return config.log.file ? Maybe(*config.log.file) : std::nullopt; }
void set_log_json(Config& config, const Value& value) { config.log.json = std::get<bool>(value); }
Maybe get_log_json(const Config& config) { return config.log.json; }

using enum ValueType;
using Limits = ServerLimits;

constexpr auto server_keys = std::to_array<ConfigKey>({
    {"", "state_dir", text, {}, set_state_dir, get_state_dir},
    {"",
     "durability",
     text,
     {},
     set_word<&Config::durability, parse_durability>,
     get_word<&Config::durability>},
    {"", "update", text, {}, set_word<&Config::update, parse_update>, get_word<&Config::update>},
    {"", "threads", number, {0, limits::config_threads_max}, set_threads, get_threads},
    {"", "bwlimit", text, {}, set_bwlimit, get_bwlimit},
    {"log", "file", text, {}, set_log_file, get_log_file},
    {"log", "json", flag, {}, set_log_json, get_log_json},
    {"limits",
     "connections_max",
     number,
     {1, limits::config_connections_max},
     set_limit<&Limits::connections_max>,
     get_limit<&Limits::connections_max>},
    {"limits",
     "connections_per_client_max",
     number,
     {1, limits::config_connections_max},
     set_limit<&Limits::connections_per_client_max>,
     get_limit<&Limits::connections_per_client_max>},
    {"limits",
     "sessions_max",
     number,
     {1, limits::config_sessions_max},
     set_limit<&Limits::sessions_max>,
     get_limit<&Limits::sessions_max>},
    {"limits",
     "sessions_per_client_max",
     number,
     {1, limits::config_sessions_per_client_max},
     set_limit<&Limits::sessions_per_client_max>,
     get_limit<&Limits::sessions_per_client_max>},
    {"limits",
     "handshake_timeout_seconds",
     number,
     {1, limits::config_handshake_seconds_max},
     set_limit<&Limits::handshake_timeout>,
     get_limit<&Limits::handshake_timeout>},
    {"limits",
     "idle_timeout_seconds",
     number,
     {limits::config_idle_seconds_min, limits::config_idle_seconds_max},
     set_limit<&Limits::idle_timeout>,
     get_limit<&Limits::idle_timeout>},
});

constexpr auto of_share = std::to_array<std::string_view>({"name", "dir", "mode"});
constexpr auto of_authorize = std::to_array<std::string_view>({"fingerprint", "share", "right"});

}  // namespace

std::span<const ConfigKey> config_keys() { return server_keys; }
std::span<const std::string_view> share_keys() { return of_share; }
std::span<const std::string_view> authorize_keys() { return of_authorize; }

}  // namespace syncline::config
