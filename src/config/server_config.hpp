// SPDX-License-Identifier: Apache-2.0
// What a server is told to do: the configuration as plain data, its check and its printed form.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/problem.hpp"
#include "fs/fs.hpp"
#include "syncline/copy.hpp"

namespace syncline::config {

inline constexpr std::uint16_t default_port = 8737;

/// Where to listen. No host means every address of this machine: IPv6 and IPv4 through one socket,
/// IPv4 alone where the kernel has no IPv6.
struct Endpoint {
  std::string host;        ///< a name or an address, IPv6 without its brackets
  std::uint16_t port = 0;  ///< 0: one that the kernel chooses
  bool operator==(const Endpoint&) const = default;
};

enum class ShareMode { read_only, read_write };

struct Share {
  std::string name;  ///< [A-Za-z0-9._-], no leading dot
  std::string dir;   ///< absolute
  ShareMode mode = ShareMode::read_write;
  bool operator==(const Share&) const = default;
};

/// What a client may do in a share. A read-only share stays so for everyone.
enum class Right { read_only, read_write, no_delete };

struct Authorization {
  std::string fingerprint = {};  ///< of the client's key: "SHA256:" and 43 characters of base64url
  std::string share = "*";       ///< "*": every share that no other entry of this client names
  Right right = Right::read_write;
  bool operator==(const Authorization&) const = default;
};

struct LogConfig {
  std::optional<std::string> file;  ///< absolute; nothing: standard error
  bool json = false;
  bool operator==(const LogConfig&) const = default;
};

struct ServerLimits {
  std::uint64_t connections_max = 2000;            ///< open at a time
  std::uint64_t connections_per_client_max = 256;  ///< open at a time with one key; more are refused
  std::uint64_t sessions_max = 256;                ///< transferring at a time; others wait
  std::uint64_t sessions_per_client_max = 32;      ///< transferring at a time with one key; more are refused
  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds idle_timeout{300};  ///< without a byte from the other side
  bool operator==(const ServerLimits&) const = default;
};

struct ServerConfig {
  std::vector<Endpoint> listen{{"", default_port}};
  std::vector<Share> shares;
  std::vector<Authorization> authorize;
  std::string state_dir;  ///< absolute; empty: not decided, see default_state_dir()
  Durable durability = Durable::batch;
  Update update = Update::automatic;
  std::uint64_t threads = 0;             ///< 0: as many as cores
  std::optional<std::uint64_t> bwlimit;  ///< bytes a second, for each connection and direction
  LogConfig log;
  ServerLimits limits;
  bool operator==(const ServerConfig&) const = default;
};

/// Everything that is wrong with `config`, in the order of its keys: values out of range, names that
/// are not sane, names and places that occur twice, directories inside each other, entries that
/// name a share that is not there. Looks at nothing outside. `origins` tells where each came from.
std::vector<Problem> validate(const ServerConfig& config, const Origins& origins = {});

/// What this machine's directories add to a configuration that validate() accepts: a share's
/// directory that is not there or not a directory, and overlaps that symlinks had hidden.
std::vector<Problem> check_dirs(fs::Fs& files, const ServerConfig& config, const Origins& origins = {});

/// The whole configuration as TOML, defaults included. Reading it gives an equal one, if validate()
/// accepts this one.
std::string to_toml(const ServerConfig& config);

}  // namespace syncline::config
