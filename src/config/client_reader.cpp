// SPDX-License-Identifier: Apache-2.0
// From TOML to what is followed.
#include <algorithm>
#include <array>
#include <set>

#include "base/limits.hpp"
#include "config/client_config.hpp"
#include "config/reading.hpp"
#include "config/text.hpp"

namespace syncline::config {
namespace {

constexpr auto table_keys =
    std::to_array<std::string_view>({"name", "source", "destination", "options", "rescan", "hook"});
constexpr const char* client_manual = "see syncline-client.toml(5)";

bool is_on_another_machine(std::string_view place) {
  const auto colon = place.find(':');
  return colon != place.npos && colon != 0 && place.find('/') > colon;
}

class ClientReader {
 public:
  ClientReader(LoadedClient& out, const std::string& file, const std::string& home)
      : out_(out), reading_(out.origins, out.problems, file, client_manual), home_(home) {}

  void run(std::string_view toml) {
    reading_.run(toml, [this](const toml::table& root) { read_root(root); });
  }

 private:
  void read_root(const toml::table& root) {
    for (const auto& [key, node] : root) {
      if (key.str() == "watch") read_list(position_of(key), node);
      else reading_.unknown(key, "", {"watch"});
    }
  }

  void read_list(Position at, const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr)
      return reading_.refuse(at, "watch", kind_of(node),
                             "write [[watch]], with two brackets, for each of them");
    for (std::size_t k = 0; k < list->size(); ++k) {
      const auto entry = "watch[" + std::to_string(k) + "]";
      const auto& element = *list->get(k);
      if (const auto* table = element.as_table()) read_watch(entry, *table);
      else reading_.refuse(position_of(element), entry, kind_of(element), "write [[watch]]");
    }
  }

  void read_watch(const std::string& entry, const toml::table& table) {
    ClientWatch watch;
    reading_.came_from(entry, position_of(table));
    for (const auto& [key, node] : table) {
      const auto full = entry + "." + std::string(key.str());
      const auto at = position_of(key);
      const auto word = key.str();
      if (word == "name") read_name(at, full, node, watch);
      else if (word == "source") read_source(at, full, node, watch);
      else if (word == "destination") read_destinations(at, full, node, watch);
      else if (word == "options") read_options(at, full, node, watch);
      else if (word == "rescan") read_text(at, full, node, watch.rescan);
      else if (word == "hook") read_text(at, full, node, watch.hook);
      else reading_.unknown(key, "watch", {table_keys.begin(), table_keys.end()});
    }
    reading_.require(entry, table, "name", "write name = \"NAME\"");
    reading_.require(entry, table, "source", "write source = \"/absolute/path/\"");
    reading_.require(entry, table, "destination",
                     "write destination = \"/absolute/path\" or \"syncline://...\"");
    out_.config.watches.push_back(std::move(watch));
  }

  /// False, and a problem, for what is no text or an empty one.
  bool read_text(Position at, const std::string& key, const toml::node& node, std::string& out) {
    reading_.came_from(key, at);
    const auto* text = node.as_string();
    if (text == nullptr) reading_.refuse(at, key, kind_of(node), "write text in quotes");
    else if (text->get().empty()) reading_.refuse(at, key, "is empty", "write text, or remove the key");
    else if (text->get().find('\0') != std::string::npos)
      reading_.refuse(at, key, "has a NUL byte", "remove it");
    else out = text->get();
    return !out.empty();
  }

  void read_name(Position at, const std::string& key, const toml::node& node, ClientWatch& watch) {
    if (!read_text(at, key, node, watch.name)) return;
    const auto refuse = [&](const std::string& cause, const char* next) {
      reading_.refuse(at, key, "'" + escape_name(watch.name) + "' " + cause, next);
    };
    const auto& name = watch.name;
    if (name.size() > limits::config_watch_name_bytes_max || name.front() == '.' || !consists_of(name, "._-"))
      refuse("cannot be the name of a watch", "write 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front");
    else if (!names_.insert(name).second) refuse("is there twice", "give each watch a name of its own");
  }

  void read_source(Position at, const std::string& key, const toml::node& node, ClientWatch& watch) {
    if (!read_text(at, key, node, watch.source)) return;
    if (!is_on_another_machine(watch.source)) watch.source = absolute(at, key, watch.source);
  }

  void read_destinations(Position at, const std::string& key, const toml::node& node, ClientWatch& watch) {
    reading_.came_from(key, at);
    const auto add = [&](Position where, const std::string& full, const toml::node& one) {
      std::string text;
      if (!read_text(where, full, one, text)) return;
      watch.destinations.push_back(is_on_another_machine(text) ? text : absolute(where, full, text));
    };
    const auto* list = node.as_array();
    if (list == nullptr) return add(at, key, node);
    if (list->empty()) reading_.refuse(at, key, "is empty", "write one destination at least");
    for (std::size_t k = 0; k < list->size(); ++k) {
      const auto& element = *list->get(k);
      add(position_of(element), key + "[" + std::to_string(k) + "]", element);
    }
  }

  void read_options(Position at, const std::string& key, const toml::node& node, ClientWatch& watch) {
    reading_.came_from(key, at);
    const auto* list = node.as_array();
    if (list == nullptr)
      return reading_.refuse(at, key, kind_of(node), "write options = [\"--exclude=*.o\", \"-v\"]");
    if (list->size() > limits::config_watch_options_max)
      return reading_.refuse(at, key,
                             "has more than " + std::to_string(limits::config_watch_options_max) + " words",
                             "put patterns into a file, and name that with --exclude-from");
    for (std::size_t k = 0; k < list->size(); ++k) {
      const auto& element = *list->get(k);
      std::string text;
      if (read_text(position_of(element), key + "[" + std::to_string(k) + "]", element, text))
        watch.options.push_back(std::move(text));
    }
  }

  /// Whoever reads the file may stand anywhere.
  std::string absolute(Position at, const std::string& key, const std::string& path) {
    if (path.starts_with('/')) return path;
    const auto quoted = "'" + escape_name(path) + "' ";
    if (path != "~" && !path.starts_with("~/"))
      reading_.refuse(at, key, quoted + "is relative", "write the path from / or ~/ on");
    else if (!home_.starts_with('/'))
      reading_.refuse(at, key, quoted + "needs $HOME", "write the path from / on");
    else return home_ + path.substr(1);
    return path;
  }

  LoadedClient& out_;
  Reading reading_;
  const std::string& home_;
  std::set<std::string> names_;
};

}  // namespace

std::span<const std::string_view> watch_keys() { return table_keys; }

LoadedClient read_client_text(std::string_view toml, const std::string& file, const std::string& home) {
  LoadedClient out;
  ClientReader(out, file, home).run(toml);
  return out;
}

}  // namespace syncline::config
