// SPDX-License-Identifier: Apache-2.0
// Made, found, removed.
#include "control/presence.hpp"

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "control/message.hpp"
#include "fs/small_file.hpp"

namespace syncline::control {
namespace {

constexpr std::string_view socket_end = ".sock";
constexpr std::string_view text_end = ".json";

std::string socket_file(const std::string& name) { return name + std::string(socket_end); }
std::string text_file(const std::string& name) { return name + std::string(text_end); }

bool is_own(const fs::Dir& dir, const fs::Fs& files) { return dir.stat().uid == files.effective_uid(); }

std::unique_ptr<fs::Dir> own_directory(fs::Fs& files, const std::string& path) {
  files.make_dirs(path, 0700);
  auto out = files.open_root(path);
  if (!is_own(*out, files)) throw Error(Errc::untrusted, "'" + escape_name(path) + "' of another user");
  if (out->stat().mode != 0700) out->set_mode(0700);
  return out;
}

void remove_if_there(fs::Dir& dir, const std::string& name) {
  try {
    dir.unlink(name);
  } catch (const Error& error) {
    if (!error.is_errno(ENOENT)) throw;
  }
}

/// The socket first: whoever is known by the text has had one.
void remove_both(fs::Dir& dir, const std::string& name) {
  remove_if_there(dir, socket_file(name));
  remove_if_there(dir, text_file(name));
}

/// True where it runs. What one who is gone has left is removed, under the lock: between the text and the
/// listening of a new one nobody answers either.
bool runs_or_is_removed(fs::Fs& files, const std::string& directory, const std::string& name) {
  const auto dir = files.open_root(directory);
  if (fs::connect_local(*dir, socket_file(name))) return true;
  fs::wait_for_lock(*dir);
  if (fs::connect_local(*dir, socket_file(name))) return true;
  remove_both(*dir, name);
  return false;
}

std::optional<FoundWatch> found_at(fs::Fs& files, const fs::Dir& dir, const std::string& directory,
                                   const std::string& name) {
  FoundWatch out;
  out.directory = directory;
  const auto text = fs::read_small_file(dir, text_file(name), limits::control_answer_bytes_max);
  if (!text) return std::nullopt;
  out.watched = parse_watched(text->content);
  if (socket_name(out.watched) != name) return std::nullopt;
  out.is_running = runs_or_is_removed(files, directory, name);
  return out;
}

}  // namespace

Presence::Presence(fs::Fs& files, const std::string& directory, const Watched& watched)
    : files_(files), directory_(directory), name_(socket_name(watched)) {
  const auto dir = own_directory(files, directory);
  fs::wait_for_lock(*dir);
  if (fs::connect_local(*dir, socket_file(name_)))
    throw Error(Errc::locked, "a watch of the same SRC and DST");
  remove_both(*dir, name_);
  fs::replace_small_file(*dir, text_file(name_), watched_text(watched));
  socket_ = fs::listen_local(*dir, socket_file(name_));
}

Presence::~Presence() {
  try {
    const auto dir = files_.open_root(directory_);
    fs::wait_for_lock(*dir);
    remove_both(*dir, name_);
  } catch (const std::exception&) {
    // Left over, it is found and removed by the next one who looks.
  }
}

std::vector<FoundWatch> find_watches(fs::Fs& files, const std::string& directory) {
  std::vector<FoundWatch> out;
  if (!files.stat_path(directory, true)) return out;
  const auto dir = files.open_root(directory);
  if (!is_own(*dir, files)) return out;
  for (const auto& entry : dir->list().entries) {
    if (!entry.name.ends_with(text_end)) continue;
    try {
      auto found =
          found_at(files, *dir, directory, entry.name.substr(0, entry.name.size() - text_end.size()));
      if (found) out.push_back(std::move(*found));
    } catch (const Error&) {
      continue;  // of another version, or about to be removed
    }
  }
  std::ranges::sort(
      out, {}, [](const FoundWatch& one) { return std::tie(one.watched.source, one.watched.destination); });
  return out;
}

std::optional<fs::Fd> connect_to(fs::Fs& files, const FoundWatch& found) {
  return fs::connect_local(*files.open_root(found.directory), socket_file(socket_name(found.watched)));
}

std::string watched_text(const Watched& watched) {
  Json record{{"v", protocol_version}};
  put_name(record, "source", watched.source);
  put_name(record, "destination", watched.destination);
  put_name(record, "state_dir", watched.state_dir);
  record["pid"] = watched.pid;
  record["since_ns"] = watched.since_ns;
  if (!watched.mirror.empty()) put_name(record, "mirror", watched.mirror);
  return answer_line(record);
}

Watched parse_watched(std::string_view text) {
  const auto record = parse_object(text, "watch");
  return {name_in(record, "source"),
          name_in(record, "destination"),
          name_in(record, "state_dir"),
          number_in(record, "pid"),
          static_cast<std::int64_t>(number_in(record, "since_ns")),
          name_in(record, "mirror")};
}

}  // namespace syncline::control
