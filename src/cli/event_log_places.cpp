// SPDX-License-Identifier: Apache-2.0
// From what was typed to real directories, without touching any of them.
#include "cli/event_log_places.hpp"

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "sync/places.hpp"
#include "sync/remote_place.hpp"

namespace syncline::cli {
namespace {

bool is_directory(fs::Fs& files, const std::string& path) {
  const auto stat = files.stat_path(path, true);
  return stat && stat->type == fs::FileType::directory;
}

/// One SRC: how its entries are named, and where it is if it is here.
struct SourcePlace {
  std::optional<LoggedRoot> root;
  std::string name;  ///< in DST; empty: its contents go there
  bool is_file = false;
};

SourcePlace source_place(fs::Fs& files, const std::string& typed, bool is_alone) {
  if (const auto remote = sync::parse_remote(typed))
    return {std::nullopt, remote->contents ? "" : remote->name(), false};
  CopyOptions one;
  one.sources = {typed};
  sync::World world;
  world.files = &files;
  const auto found = sync::find_sources(world, one, [](const std::string&) {});
  if (found.empty()) return {};
  const auto& source = found.front();
  SourcePlace out;
  out.is_file = !source.entry.empty();
  out.name = out.is_file ? source.entry : source.name;
  auto at = real_as_far_as_it_exists(files, source.dir);
  if (out.is_file) at += (at == "/" ? "" : "/") + source.entry;
  out.root = {std::move(at), is_alone && !out.is_file ? "" : out.name};
  return out;
}

/// Where a lone source goes to. May change what the records call it: a file that gets another name.
LoggedRoot target_of_one(fs::Fs& files, const std::string& typed, SourcePlace& source) {
  const auto plain = sync::without_slashes(typed);
  if (!source.is_file)
    return {real_as_far_as_it_exists(files, source.name.empty() ? plain : plain + '/' + source.name), ""};
  const bool into = typed.ends_with('/') || is_directory(files, typed);
  const auto parent = into ? plain : sync::parent_name(typed);
  const auto name = into ? source.name : sync::base_name(typed);
  if (source.root) source.root->as = name;
  return {real_as_far_as_it_exists(files, parent + '/' + name), name};
}

/// What cannot be looked at is not noted; the copy itself tells why.
template <class Look>
auto if_possible(Look&& look) -> decltype(look()) {
  try {
    return look();
  } catch (const Error&) {
    return {};
  }
}

Json place_record(const std::string& typed, const std::optional<LoggedRoot>& root) {
  Json out = Json::object();
  put_name(out, "path", typed);
  if (!root) return out;
  put_name(out, "at", root->at);
  put_name(out, "as", root->as);
  return out;
}

void put_sources(Json& record, const CopyOptions& options, const std::vector<SourcePlace>& places) {
  auto list = Json::array();
  std::size_t bytes = 0;
  for (std::size_t k = 0; k < places.size() && bytes < limits::event_log_roots_bytes_max; ++k) {
    list.push_back(place_record(options.sources[k], places[k].root));
    bytes += record_line(list.back()).size();
  }
  if (list.size() < places.size()) record["sources_left_out"] = places.size() - list.size();
  record["sources"] = std::move(list);
}

void put_filters(Json& out, const CopyOptions& options) {
  auto list = Json::array();
  std::size_t bytes = 0;
  for (const auto& rule : options.filters) {
    if ((bytes += rule.pattern.size()) > limits::event_log_roots_bytes_max / 8) break;
    list.push_back((rule.include ? "+ " : "- ") + rule.pattern);
  }
  if (list.size() < options.filters.size()) out["filters_left_out"] = options.filters.size() - list.size();
  if (!list.empty()) out["filters"] = std::move(list);
}

Json options_record(const CopyOptions& options) {
  Json out = Json::object();
  out["delete"] = options.delete_extra;
  if (options.max_delete) out["max_delete"] = *options.max_delete;
  for (const auto& [name, is_on] : {std::pair{"guard_deletes", options.guard_deletes},
                                    {"guard_changes", options.guard_changes},
                                    {"checksum", options.checksum},
                                    {"update_only", options.update_only},
                                    {"one_file_system", options.one_file_system},
                                    {"gitignore", options.gitignore},
                                    {"files_from", options.files_from.has_value()}})
    if (is_on) out[name] = true;
  if (options.update == Update::atomic) out["update"] = "atomic";
  if (options.update == Update::inplace) out["update"] = "inplace";
  if (options.backup_dir) put_name(out, "backup_dir", *options.backup_dir);
  put_filters(out, options);
  return out;
}

void take_root(const Json& place, std::vector<LoggedRoot>& out) {
  if (place.is_object() && place.contains("at"))
    out.push_back({get_name(place, "at"), get_name(place, "as")});
}

}  // namespace

std::string real_as_far_as_it_exists(fs::Fs& files, const std::string& path) {
  std::string head = path.starts_with('/') ? path : files.real_path(".") + '/' + path;
  std::vector<std::string> rest;  // from the end
  for (;;) {
    head = sync::without_slashes(head);
    try {
      head = files.real_path(head);
      break;
    } catch (const Error&) {
      if (head == "/") break;
      rest.push_back(sync::base_name(head));
      head = sync::parent_name(head);
    }
  }
  for (; !rest.empty(); rest.pop_back()) {
    if (rest.back().empty() || rest.back() == ".") continue;
    if (rest.back() == "..") head = sync::parent_name(head);
    else head += (head == "/" ? "" : "/") + rest.back();
  }
  return head;
}

void put_places(Json& record, fs::Fs& files, const CopyOptions& options) {
  const bool is_alone = options.sources.size() == 1;
  std::vector<SourcePlace> places;
  for (const auto& source : options.sources)
    places.push_back(if_possible([&] { return source_place(files, source, is_alone); }));
  const auto target = if_possible([&]() -> std::optional<LoggedRoot> {
    if (sync::parse_remote(options.destination)) return std::nullopt;
    if (is_alone) return target_of_one(files, options.destination, places.front());
    return LoggedRoot{real_as_far_as_it_exists(files, options.destination), ""};
  });
  put_sources(record, options, places);
  record["destination"] = place_record(options.destination, target);
  record["options"] = options_record(options);
}

std::vector<LoggedRoot> logged_roots(const Json& run_began) {
  std::vector<LoggedRoot> out;
  if (const auto sources = run_began.find("sources"); sources != run_began.end() && sources->is_array())
    for (const auto& place : *sources) take_root(place, out);
  if (const auto target = run_began.find("destination"); target != run_began.end()) take_root(*target, out);
  return out;
}

}  // namespace syncline::cli
