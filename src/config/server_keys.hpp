// SPDX-License-Identifier: Apache-2.0
// Every single value of a configuration file with its meaning: reading, checking, printing and the
// tests of the manual page go by this one table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/server_config.hpp"

namespace syncline::config {

using Value = std::variant<std::string, std::int64_t, bool>;

enum class ValueType { text, number, flag };  // in the order of Value's alternatives

struct NumberRange {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

struct ConfigKey {
  std::string_view table;  ///< empty: outside of any
  std::string_view name;
  ValueType type;
  NumberRange range;  ///< of numbers
  /// Throws Error(usage) with what is wrong. `value` holds the alternative of `type`; numbers that
  /// are out of range are left to validate().
  void (*set)(ServerConfig& config, const Value& value);
  /// Nothing where there is no value, and no default.
  std::optional<Value> (*get)(const ServerConfig& config);

  std::string full_name() const {
    return (table.empty() ? "" : std::string(table) + ".") + std::string(name);
  }
};

/// In the order in which they are printed, those of one table together.
std::span<const ConfigKey> config_keys();

// The keys of the lists, which have several values.
std::span<const std::string_view> share_keys();      ///< of each [[share]]
std::span<const std::string_view> authorize_keys();  ///< of each [[authorize]]

}  // namespace syncline::config
