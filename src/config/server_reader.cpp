// SPDX-License-Identifier: Apache-2.0
// From TOML to the configuration of a server.
#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "config/reading.hpp"
#include "config/server_keys.hpp"
#include "config/server_load.hpp"
#include "config/server_text.hpp"

namespace syncline::config {
namespace {

constexpr auto containers =
    std::to_array<std::string_view>({"listen", "share", "authorize", "log", "limits"});
constexpr const char* server_manual = "see syncline-server.toml(5)";

std::string wanted(const ConfigKey& key) {
  switch (key.type) {
    case ValueType::text: return "write text in quotes";
    case ValueType::flag: return "write true or false, without quotes";
    case ValueType::number: break;
  }
  return "write an integer from " + std::to_string(key.range.min) + " to " + std::to_string(key.range.max);
}

/// The value where it has the type of the key.
std::optional<Value> value_of(const toml::node& node, ValueType type) {
  if (const auto* text = node.as_string(); text != nullptr && type == ValueType::text) return text->get();
  if (const auto* number = node.as_integer(); number != nullptr && type == ValueType::number)
    return number->get();
  if (const auto* flag = node.as_boolean(); flag != nullptr && type == ValueType::flag) return flag->get();
  return std::nullopt;
}

const ConfigKey* key_of(std::string_view table, std::string_view name) {
  for (const auto& key : config_keys())
    if (key.table == table && key.name == name) return &key;
  return nullptr;
}

class Reader {
 public:
  Reader(LoadedConfig& out, const std::string& file)
      : out_(out), reading_(out.origins, out.problems, file, server_manual) {}

  void run(std::string_view toml) {
    reading_.run(toml, [this](const toml::table& root) { read_table(root, ""); });
  }

 private:
  using Texts = std::vector<std::pair<std::string_view, std::string*>>;

  void refuse(Position at, std::string key, std::string cause, std::string next) {
    reading_.refuse(at, std::move(key), std::move(cause), std::move(next));
  }
  void came_from(const std::string& key, Position at) { reading_.came_from(key, at); }
  template <class Set>
  void attempt(Position at, const std::string& key, Set set) {
    reading_.attempt(at, key, set);
  }

  void read_table(const toml::table& table, std::string_view name) {
    for (const auto& [key, node] : table) {
      const auto* known = key_of(name, key.str());
      if (known != nullptr) read_value(*known, position_of(key), node);
      else if (name.empty() && std::ranges::count(containers, key.str()) != 0)
        read_container(key.str(), position_of(key), node);
      else unknown(key, name);
    }
  }

  void read_value(const ConfigKey& key, Position at, const toml::node& node) {
    const auto value = value_of(node, key.type);
    if (!value) return refuse(at, key.full_name(), kind_of(node), wanted(key));
    attempt(at, key.full_name(), [&] { key.set(out_.config, *value); });
  }

  void read_container(std::string_view name, Position at, const toml::node& node) {
    if (name == "listen") return read_listen(at, node);
    if (name == "log" || name == "limits") {
      if (const auto* table = node.as_table()) return read_table(*table, name);
      return refuse(at, std::string(name), kind_of(node),
                    "write [" + std::string(name) + "] and its keys below");
    }
    const auto* list = node.as_array();
    for (std::size_t k = 0; list != nullptr && k < list->size(); ++k) {
      const auto key = std::string(name) + "[" + std::to_string(k) + "]";
      if (const auto* table = list->get(k)->as_table()) read_entry(name, key, *table);
      else
        refuse(position_of(*list->get(k)), key, kind_of(*list->get(k)),
               "write [[" + std::string(name) + "]]");
    }
    if (list == nullptr)
      refuse(at, std::string(name), kind_of(node),
             "write [[" + std::string(name) + "]], with two brackets, for each of them");
  }

  void read_listen(Position at, const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr) return refuse(at, "listen", kind_of(node), "write listen = [\"ADDR:PORT\"]");
    came_from("listen", at);
    out_.config.listen.clear();
    for (std::size_t k = 0; k < list->size(); ++k) {
      const auto& element = *list->get(k);
      const auto key = "listen[" + std::to_string(k) + "]";
      if (const auto* text = element.as_string())
        attempt(position_of(element), key,
                [&] { out_.config.listen.push_back(parse_endpoint(text->get())); });
      else refuse(position_of(element), key, kind_of(element), "write \"ADDR:PORT\"");
    }
  }

  void read_entry(std::string_view name, const std::string& key, const toml::table& table) {
    came_from(key, position_of(table));
    if (name == "share") read_share(key, table);
    else read_authorization(key, table);
  }

  void read_share(const std::string& key, const toml::table& table) {
    Share share;
    std::string mode(to_text(share.mode));
    read_texts(key, table, {{"name", &share.name}, {"dir", &share.dir}, {"mode", &mode}}, share_keys());
    reading_.require(key, table, "name", "write name = \"NAME\"");
    reading_.require(key, table, "dir", "write dir = \"/absolute/path\"");
    attempt_word(key, table, "mode", [&] { share.mode = parse_share_mode(mode); });
    if (!fault_of_directory(share.dir)) share.dir = plain_path(share.dir);
    out_.config.shares.push_back(std::move(share));
  }

  void read_authorization(const std::string& key, const toml::table& table) {
    Authorization one;
    std::string right(to_text(one.right));
    read_texts(key, table, {{"fingerprint", &one.fingerprint}, {"share", &one.share}, {"right", &right}},
               authorize_keys());
    reading_.require(key, table, "fingerprint", "write fingerprint = \"SHA256:...\"");
    attempt_word(key, table, "right", [&] { one.right = parse_right(right); });
    out_.config.authorize.push_back(std::move(one));
  }

  template <class Set>
  void attempt_word(const std::string& entry, const toml::table& table, std::string_view name, Set set) {
    if (const auto* node = table.get(name); node != nullptr && node->is_string())
      attempt(position_of(*node), entry + "." + std::string(name), set);
  }

  void read_texts(const std::string& entry, const toml::table& table, const Texts& texts,
                  std::span<const std::string_view> names) {
    for (const auto& [key, node] : table) {
      const auto full = entry + "." + std::string(key.str());
      const auto found = std::ranges::find(texts, key.str(), [](const auto& text) { return text.first; });
      if (found == texts.end()) {
        reading_.unknown(key, entry.substr(0, entry.find('[')), {names.begin(), names.end()});
      } else if (const auto* text = node.as_string()) {
        came_from(full, position_of(key));
        *found->second = text->get();
      } else {
        refuse(position_of(key), full, kind_of(node), "write text in quotes");
      }
    }
  }

  void unknown(const toml::key& key, std::string_view table) {
    std::vector<std::string_view> names;
    for (const auto& one : config_keys()) {
      if (one.table == table) names.push_back(one.name);
      else if (one.name == key.str())
        return refuse(position_of(key), Reading::shown(key, table), "is not a key of this place",
                      one.table.empty() ? "write it above the first [table]"
                                        : "write it below [" + std::string(one.table) + "]");
    }
    if (table.empty()) names.insert(names.end(), containers.begin(), containers.end());
    reading_.unknown(key, table, names);
  }

  LoadedConfig& out_;
  Reading reading_;
};

}  // namespace

LoadedConfig read_config_text(std::string_view toml, const std::string& file) {
  LoadedConfig out;
  Reader(out, file).run(toml);
  return out;
}

}  // namespace syncline::config
