// SPDX-License-Identifier: Apache-2.0
// Arguments and watches.
#include "cli/control_arguments.hpp"

#include <ostream>

#include "base/error.hpp"
#include "cli/control_commands.hpp"
#include "cli/numbers.hpp"
#include "cli/option_values.hpp"
#include "cli/report_output.hpp"
#include "sync/places.hpp"
#include "sync/remote_place.hpp"

namespace syncline::cli {
namespace {

std::string unslashed(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// DST as it was given to the watch, or another way to write its path.
bool leads_to(const control::Watched& watched, const std::string& destination) {
  const auto theirs = unslashed(watched.destination);
  return theirs == unslashed(destination) ||
         theirs == control::absolute_path(fs::linux_fs(), unslashed(destination));
}

/// Of a source on another machine, by its address.
std::optional<std::string> path_there(const control::FoundWatch& found, const sync::RemotePlace& place) {
  if (found.watched.mirror.empty()) return std::nullopt;
  const auto source = sync::parse_remote(found.watched.source);
  if (!source || source->peer() != place.peer() || source->share != place.share) return std::nullopt;
  return source->path.empty() ? std::optional(place.path) : control::path_below(place.path, source->path);
}

}  // namespace

ControlLine::ControlLine(const std::string& description, const std::string& name,
                         const std::string& path_name)
    : app_(new_app(description, name + " " + path_name)), name_(name), path_name_(path_name) {
  app_->allow_extras();
  app_->add_option("--state", state_, "of watches that were started with --state DIR")->type_name("DIR");
}

int ControlLine::run(std::vector<std::string> args, Console& console, const std::function<int()>& act) {
  if (const auto answered = take_args(*app_, std::move(args), console)) return *answered;
  try {
    take_path();
    const int code = act();
    console.out.flush();
    return code;
  } catch (const std::exception& error) {
    auto failure = explain(error);
    if (failure.code == exit_code::usage) failure.next = "see '" + name_ + " --help'";
    console.err << failure_line(failure) << std::endl;
    return failure.code;
  }
}

void ControlLine::take_path() {
  const auto paths = paths_among(app_->remaining());
  if (paths.empty()) return;
  if (paths.size() > 2) throw Error(Errc::usage, "more paths than " + path_name_);
  for (const auto& path : paths)
    if (path.empty())
      throw Error(Errc::usage, "an empty path was given; write '.' for the current directory");
  path_ = paths.front();
  if (paths.size() > 1) destination_ = paths.back();
}

void ControlLine::require_path() const {
  if (!path_) throw Error(Errc::usage, path_name_.substr(0, path_name_.find(' ')) + " is missing");
}

std::vector<control::FoundWatch> ControlLine::find() const {
  CopyOptions options;
  if (!state_.empty()) options.state_dir = state_;
  auto& files = fs::linux_fs();
  const auto state_dir = control::absolute_path(files, sync::state_directory(options));
  auto out = control::find_all_watches(files, state_dir);
  if (!state_.empty())
    std::erase_if(out, [&](const auto& found) { return found.watched.state_dir != state_dir; });
  if (destination_)
    std::erase_if(out, [&](const auto& found) { return !leads_to(found.watched, *destination_); });
  return out;
}

std::optional<std::string> path_in(const control::FoundWatch& found, const std::string& path) {
  auto& files = fs::linux_fs();
  if (const auto remote = sync::parse_remote(path)) return path_there(found, *remote);
  const auto& tree = found.watched.tree();
  if (auto below = control::path_below(control::entry_path(files, path), tree)) return below;
  // A link to somewhere in it.
  return control::path_below(control::entry_path(files, path + '/'), tree);
}

std::vector<control::FoundWatch> watches_of(const std::vector<control::FoundWatch>& all,
                                            const std::string& path, bool or_below) {
  std::vector<control::FoundWatch> out;
  for (const auto& found : all) {
    if (!found.is_running) continue;
    const auto below = path_in(found, path);
    if (below && (or_below || below->empty())) out.push_back(found);
  }
  return out;
}

std::string title_of(const control::Watched& watched) {
  return escape_name(watched.source) + " -> " + escape_name(watched.destination);
}

std::string age_of(std::int64_t then_ns, const Clock& clock) {
  return format_duration(static_cast<double>(clock.now_ns() - then_ns) / 1e9) + " ago";
}

int tell_none_runs(Console& console, const std::optional<std::string>& path) {
  const auto subject = path ? escape_name(*path) : std::string();
  console.err << failure_line({subject, path ? "not watched by anything" : "no watch runs",
                               "start one with 'syncline watch SRC DST'", exit_code::not_running})
              << std::endl;
  return exit_code::not_running;
}

int code_of_state(std::string_view state) {
  if (state == "in-step") return exit_code::success;
  return state == "holding" || state == "blocked" ? exit_code::guard : exit_code::not_in_step;
}

}  // namespace syncline::cli
