// SPDX-License-Identifier: Apache-2.0
// Taking variables out of the environment.
#include "systemd/environment.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "base/error.hpp"

namespace syncline::systemd {

std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string out(value);
  ::unsetenv(name);
  return out;
}

std::optional<std::int64_t> to_number(const char* name, const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  std::int64_t number = 0;
  const auto* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stop != end || number < 0)
    throw Error(Errc::usage,
                "$" + std::string(name) + " '" + escape_name(*text) +
                    "' is not a number; it is set by the service manager: unset it to run without one");
  return number;
}

bool is_this_process(std::int64_t pid) { return pid == ::getpid(); }

}  // namespace syncline::systemd
