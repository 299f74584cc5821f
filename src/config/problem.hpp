// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, and where each of its values came from.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::config {

/// One thing that is wrong. Texts are escaped and fit one line.
struct Problem {
  std::string place;  ///< "FILE:LINE", an option, or empty
  std::string key;    ///< "limits.sessions_max", "share[1].dir"; may be empty
  std::string cause;
  std::string next;  ///< what to do
  bool operator==(const Problem&) const = default;
};

/// "PLACE: KEY: cause; next".
std::string to_line(const Problem& problem);

/// From a key ("share[1].dir") to the place that gave its value ("FILE:LINE", "--share").
class Origins {
 public:
  void set(std::string key, std::string place) { places_[std::move(key)] = std::move(place); }
  /// The place of `key`, else of what contains it ("share[1]", then "share"), else "".
  std::string place_of(std::string_view key) const;

 private:
  std::map<std::string, std::string, std::less<>> places_;
};

/// The one of `known` that `word` most likely means; empty where none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// Throws Error(usage): the first problem and how many more there are. Call it with at least one.
[[noreturn]] void throw_problems(const std::vector<Problem>& problems);

}  // namespace syncline::config
