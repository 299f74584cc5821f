// SPDX-License-Identifier: Apache-2.0
// Parsing, and problems in order.
#include "config/reading.hpp"

#include <algorithm>

#include "config/depth.hpp"

namespace syncline::config {

Position position_of(const toml::key& key) {
  const auto& begin = key.source().begin;
  return {begin.line, begin.column};
}

Position position_of(const toml::node& node) {
  const auto& begin = node.source().begin;
  return {begin.line, begin.column};
}

const char* kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "is a table";
    case toml::node_type::array: return "is an array";
    case toml::node_type::string: return "is a string";
    case toml::node_type::integer: return "is an integer";
    case toml::node_type::floating_point: return "is a number with a fraction";
    case toml::node_type::boolean: return "is true or false";
    default: return "is a date or a time";
  }
}

std::string Reading::place(Position at) const {
  auto out = escape_name(file_) + ":" + std::to_string(at.line);
  return at.column == 0 ? out : out + ":" + std::to_string(at.column);
}

void Reading::refuse(Position at, std::string key, std::string cause, std::string next) {
  found_.push_back({at, {place(at), std::move(key), std::move(cause), std::move(next)}});
}

void Reading::run(std::string_view toml, const std::function<void(const toml::table& root)>& read) {
  if (const auto deep = find_depth(toml)) {
    refuse({deep->line, 0}, "", deep->cause, manual_);
  } else {
    try {
      read(toml::parse(toml, std::string_view(file_)));
    } catch (const toml::parse_error& error) {
      // The parser stops at the first mistake: nothing is known about what follows.
      const auto& begin = error.source().begin;
      refuse({begin.line, begin.column}, "", escape_name(error.description()),
             "correct this line, then check again");
    }
  }
  std::ranges::stable_sort(found_, {}, &Found::at);
  for (auto& one : found_) problems_.push_back(std::move(one.problem));
  found_.clear();
}

void Reading::unknown(const toml::key& key, std::string_view table,
                      const std::vector<std::string_view>& names) {
  const auto near = nearest(key.str(), names);
  refuse(position_of(key), shown(key, table), "is not a known key",
         near.empty() ? manual_ : "did you mean '" + std::string(near) + "'?");
}

void Reading::require(const std::string& entry, const toml::table& table, const char* name,
                      const char* next) {
  if (!table.contains(name)) refuse(position_of(table), entry + "." + name, "is missing", next);
}

std::string Reading::shown(const toml::key& key, std::string_view table) {
  return (table.empty() ? "" : std::string(table) + ".") + escape_name(key.str());
}

}  // namespace syncline::config
