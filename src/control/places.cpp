// SPDX-License-Identifier: Apache-2.0
// Names and directories.
#include "control/places.hpp"

#include <cerrno>
#include <cstdlib>

#include "base/error.hpp"
#include "hash/digest.hpp"

namespace syncline::control {
namespace {

std::optional<std::string> runtime_directory() {
  const char* base = std::getenv("XDG_RUNTIME_DIR");
  if (base == nullptr || base[0] != '/') return std::nullopt;
  return std::string(base) + "/syncline";
}

std::string unslashed(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

std::string socket_name(const Watched& watched) {
  const auto text = watched.state_dir + '\0' + watched.source + '\0' + watched.destination;
  return hash::blake3(as_bytes(text)).hex().substr(0, 32);
}

std::string socket_directory(const std::string& state_dir) {
  return runtime_directory().value_or(state_dir + "/run");
}

std::vector<std::string> socket_directories(const std::string& state_dir) {
  std::vector<std::string> out;
  if (auto runtime = runtime_directory()) out.push_back(std::move(*runtime));
  out.push_back(state_dir + "/run");
  return out;
}

std::string absolute_path(fs::Fs& files, const std::string& path) {
  return unslashed(path.starts_with('/') ? path : unslashed(files.real_path(".")) + '/' + path);
}

std::string entry_path(fs::Fs& files, const std::string& path) {
  const auto plain = unslashed(path);
  const auto slash = plain.rfind('/');
  const auto name = slash == plain.npos ? plain : plain.substr(slash + 1);
  const auto parent = slash == plain.npos ? "." : slash == 0 ? "/" : plain.substr(0, slash);
  const bool is_resolved = path.ends_with('/') || name.empty() || name == "." || name == "..";
  if (is_resolved && files.stat_path(plain, true)) return files.real_path(plain);
  std::string top;
  try {
    top = files.real_path(parent);
  } catch (const Error& error) {
    if (!error.is_errno(ENOENT) || parent == "." || parent == "/") throw;
    top = entry_path(files, parent);
  }
  return (top == "/" ? top : top + '/') + name;
}

std::optional<std::string> path_below(const std::string& path, const std::string& top) {
  if (path == top) return "";
  const auto start = top == "/" ? top : top + '/';
  return path.starts_with(start) ? std::optional(path.substr(start.size())) : std::nullopt;
}

}  // namespace syncline::control
