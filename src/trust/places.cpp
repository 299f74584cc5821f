// SPDX-License-Identifier: Apache-2.0
// The configuration directory.
#include "trust/places.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.hpp"

namespace syncline::trust {

std::string config_directory(const std::optional<std::string>& given) {
  if (given) {
    if (given->empty()) throw Error(Errc::usage, "an empty path as the configuration directory");
    const auto last = given->find_last_not_of('/');
    return last == given->npos ? "/" : given->substr(0, last + 1);
  }
  if (const char* base = std::getenv("XDG_CONFIG_HOME"); base != nullptr && base[0] == '/')
    return std::string(base) + "/syncline";
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/')
    return std::string(home) + "/.config/syncline";
  if (const passwd* user = ::getpwuid(::getuid()); user != nullptr)
    return std::string(user->pw_dir) + "/.config/syncline";
  throw Error(Errc::usage, "no place for the configuration: set HOME or give --config DIR");
}

}  // namespace syncline::trust
