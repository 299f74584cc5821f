// SPDX-License-Identifier: Apache-2.0
// The file and its text.
#include "cli/watch_memory.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/watch_places.hpp"
#include "control/message.hpp"
#include "fs/small_file.hpp"
#include "sync/remote_place.hpp"

namespace syncline::cli {
namespace {

using control::Json;

std::string text_of(const Remembered& what) {
  Json record{{"v", control::protocol_version}};
  record["holds_deletions"] = what.holds_deletions;
  record["holds_changes"] = what.holds_changes;
  auto& mounts = record["mounts"] = Json::array();
  for (const auto& path : what.mounts) control::put_name(mounts.emplace_back(Json::object()), "path", path);
  return control::answer_line(record);
}

Remembered read_text(std::string_view text) {
  const auto record = control::parse_object(text, "watch");
  Remembered out{control::flag_in(record, "holds_deletions"), control::flag_in(record, "holds_changes")};
  for (const auto& one : record.value("mounts", Json::array()))
    out.mounts.push_back(control::name_in(one, "path"));
  return out;
}

}  // namespace

void Remembered::add_mounts(const std::vector<std::string>& more) {
  auto all = mounts;
  all.insert(all.end(), more.begin(), more.end());
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::size_t bytes = 0;
  for (const auto& path : all) bytes += path.size();
  if (bytes <= limits::mount_names_bytes_max) mounts = std::move(all);
}

std::string memory_name(fs::Fs& files, const CopyOptions& options, control::Watched watched) {
  if (!sync::parse_remote(options.destination))
    watched.destination = filled_here(files, {options.sources.front(), options.destination});
  return control::socket_name(watched);
}

WatchMemory::WatchMemory(fs::Fs& files, const std::string& state_dir, const std::string& name)
    : files_(files), directory_(state_dir + "/watches"), name_(name + ".json") {
  if (!files_.stat_path(directory_, true)) return;
  try {
    const auto text =
        fs::read_small_file(*files_.open_root(directory_), name_, limits::watch_memory_bytes_max);
    if (text) remembered_ = read_text(text->content);
  } catch (const std::exception&) {
    remembered_ = {true, true};
  }
}

void WatchMemory::remember(Remembered now) {
  if (now == remembered_) return;
  auto text = text_of(now);
  if (text.size() > limits::watch_memory_bytes_max) now.mounts.clear(), text = text_of(now);
  files_.make_dirs(directory_, 0700);
  fs::replace_small_file(*files_.open_root(directory_), name_, text);
  remembered_ = std::move(now);
}

}  // namespace syncline::cli
