// SPDX-License-Identifier: Apache-2.0
// Private: what the readers of both kinds of file have in common. Only these know toml++.
#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/problem.hpp"

namespace syncline::config {

struct Position {
  unsigned line = 0;
  unsigned column = 0;  ///< 0: somewhere on the line
  auto operator<=>(const Position&) const = default;
};
Position position_of(const toml::key& key);
Position position_of(const toml::node& node);

/// "is a string", of one that should be something else.
const char* kind_of(const toml::node& node);

/// Gathers what is wrong with one file, and where its values stand.
class Reading {
 public:
  /// `manual`: what to do about what nobody can guess. `origins` and `problems` live longer.
  Reading(Origins& origins, std::vector<Problem>& problems, const std::string& file, std::string manual)
      : origins_(origins), problems_(problems), file_(file), manual_(std::move(manual)) {}

  /// Parses and hands the table to `read`, then the problems over in the order of their places.
  void run(std::string_view toml, const std::function<void(const toml::table& root)>& read);

  void refuse(Position at, std::string key, std::string cause, std::string next);
  void came_from(const std::string& key, Position at) { origins_.set(key, place(at)); }
  /// Runs `set`; what it refuses becomes a problem.
  template <class Set>
  void attempt(Position at, const std::string& key, Set set) {
    came_from(key, at);
    try {
      set();
    } catch (const Error& error) {
      refuse(at, key, error.context(), "");
    }
  }
  /// A key that is none of `names` in `table`, where empty means the top.
  void unknown(const toml::key& key, std::string_view table, const std::vector<std::string_view>& names);
  /// Of an entry in a list.
  void require(const std::string& entry, const toml::table& table, const char* name, const char* next);

  /// "TABLE.KEY", escaped.
  static std::string shown(const toml::key& key, std::string_view table);

 private:
  struct Found {
    Position at;
    Problem problem;
  };
  std::string place(Position at) const;

  Origins& origins_;
  std::vector<Problem>& problems_;
  const std::string file_;
  const std::string manual_;
  std::vector<Found> found_;
};

}  // namespace syncline::config
