// SPDX-License-Identifier: Apache-2.0
// Matching by time, run, kind and path.
#include "cli/event_log_query.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "cli/event_log_time.hpp"
#include "sync/places.hpp"

namespace syncline::cli {
namespace {

/// Neither has a slash at its end; "" is the root, "/" all there is.
bool is_at_or_below(const std::string& name, const std::string& top) {
  if (top.empty() || name == top) return true;
  return name.starts_with(top) && (top == "/" || name[top.size()] == '/');
}

std::string plain_name(std::string name) {
  while (!name.empty() && name.back() == '/') name.pop_back();
  return name;
}

bool means_place_only(const std::string& path) {
  return path.starts_with('/') || path == "." || path == ".." || path.starts_with("./") ||
         path.starts_with("../");
}

/// The entry itself and, where it is a symlink, what it stands for.
void add_places(fs::Fs& files, const std::string& path, std::set<std::string>& out) {
  out.insert(real_as_far_as_it_exists(files, path));
  const auto name = sync::base_name(path);
  if (name.empty() || name == "." || name == ".." || name == "/") return;
  const auto parent = real_as_far_as_it_exists(files, sync::parent_name(path));
  out.insert(parent == "/" ? '/' + name : parent + '/' + name);
  if (path.starts_with('/')) out.insert(sync::without_slashes(path));
}

std::string type_of(const Json& record) { return record.value("type", ""); }

}  // namespace

EventLogFilter::EventLogFilter(fs::Fs& files, EventLogQuery query) : query_(std::move(query)) {
  for (const auto& path : query_.paths) {
    add_places(files, path, wanted_.places);
    if (!means_place_only(path)) wanted_.names.push_back(plain_name(path));
  }
}

bool EventLogFilter::wants(const Json& record) {
  const auto type = type_of(record);
  const auto run = record.value("run", "");
  const bool is_run = type == "run_began";
  if (is_run) note_run(run, record);
  if (is_run && record.value("again", false)) return false;
  if (!run.starts_with(query_.run)) return false;
  if (query_.errors && type != "error" && type != "failure") return false;
  if (query_.since_ns || query_.until_ns) {
    const auto at = parse_moment(record.value("ts", ""), 0);
    if (!at || (query_.since_ns && *at < *query_.since_ns) || (query_.until_ns && *at > *query_.until_ns))
      return false;
  }
  return query_.paths.empty() || is_about_wanted(record);
}

void EventLogFilter::note_run(const std::string& id, const Json& run_began) {
  std::vector<std::string> names;
  for (const auto& root : logged_roots(run_began)) {
    for (const auto& place : wanted_.places) {
      if (is_at_or_below(root.at, place)) {
        names.push_back(root.as);
      } else if (is_at_or_below(place, root.at)) {
        const auto below = place.substr(root.at == "/" ? 1 : root.at.size() + 1);
        names.push_back(root.as.empty() ? below : root.as + '/' + below);
      }
    }
  }
  if (names.empty()) return;
  if (names_of_run_.insert_or_assign(id, std::move(names)).second) runs_.push_back(id);
  if (runs_.size() <= limits::event_log_runs_max) return;
  names_of_run_.erase(runs_.front());
  runs_.pop_front();
}

bool EventLogFilter::is_about_wanted(const Json& record) const {
  const auto is_wanted = [&](const std::string& wanted) { return is_about(record, wanted); };
  if (std::ranges::any_of(wanted_.names, is_wanted)) return true;
  const auto known = names_of_run_.find(record.value("run", ""));
  return known != names_of_run_.end() && std::ranges::any_of(known->second, is_wanted);
}

bool EventLogFilter::is_about(const Json& record, const std::string& wanted) const {
  const auto type = type_of(record);
  if (type != "change" && type != "error") return false;
  const auto path = plain_name(get_name(record, "path"));
  if (type == "error") return !path.empty() && (is_at_or_below(path, wanted) || is_at_or_below(wanted, path));
  if (is_at_or_below(path, wanted)) return true;
  const auto kept_as = plain_name(get_name(record, "kept_as"));
  if (!kept_as.empty() && (is_at_or_below(kept_as, wanted) || is_at_or_below(wanted, kept_as))) return true;
  const auto from = plain_name(get_name(record, "renamed_from"));
  // With a directory everything below it was moved, and has no record of its own.
  return !from.empty() &&
         (is_at_or_below(from, wanted) || is_at_or_below(wanted, from) || is_at_or_below(wanted, path));
}

}  // namespace syncline::cli
