// SPDX-License-Identifier: Apache-2.0
// Short ways to do to a directory what the engine does through an Area.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/world.hpp"
#include "patch/patch.hpp"
#include "recipe.hpp"
#include "support/temp_dir.hpp"

namespace syncline::test {

inline patch::AreaOptions quick() { return {patch::UpdateMode::automatic, patch::Durability::none}; }
inline patch::AreaOptions forced_inplace() {
  return {patch::UpdateMode::inplace, patch::Durability::none, 0};
}

/// A directory tree and an Area on it, through `file_system`.
struct Replica {
  Replica(fs::Fs& file_system, const std::string& path, const patch::AreaOptions& options)
      : root(file_system.open_root(path)), area(patch::Area::open(root, options, system_random())) {}

  std::optional<fs::Stat> stat(const std::string& name) const { return root->stat_at(name); }

  std::unique_ptr<patch::FileWrite> begin(const std::string& name, const patch::FilePlan& plan) {
    return area->begin(root, RelPath::parse(name), plan);
  }

  /// Writes a whole file; finished, not committed.
  void put(const std::string& name, const std::string& content, std::uint64_t token = 0,
           const fs::Metadata& metadata = {}) {
    patch::FilePlan plan;
    plan.new_bytes = plan.changed_bytes = content.size();
    plan.expected = stat(name);
    auto file = begin(name, plan);
    file->write(0, as_bytes(content));
    file->finish(metadata, token);
  }

  std::shared_ptr<fs::Dir> root;
  std::unique_ptr<patch::Area> area;
};

/// Without what the file system may still change by itself: it counts blocks when it writes them back.
inline std::optional<fs::Stat> without_blocks(std::optional<fs::Stat> stat) {
  if (stat) stat->allocated_bytes = 0;
  return stat;
}

inline fs::Metadata with_mtime(std::int64_t mtime_ns) {
  fs::Metadata out;
  out.mtime_ns = mtime_ns;
  return out;
}

/// The message of the error, empty when there is none.
inline std::string error_text(const std::exception_ptr& error) {
  if (!error) return {};
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    return caught.what();
  }
}

inline bool is_error(const std::exception_ptr& error, Errc code) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const Error& caught) {
    return caught.is(code);
  } catch (...) {}
  return false;
}

/// Everything below `.syncline/`, for "nothing is left behind".
inline std::vector<std::string> leftovers(const TempDir& dir) {
  std::vector<std::string> out;
  const std::filesystem::path area = dir.path(".syncline");
  if (!std::filesystem::exists(area)) return out;
  out.push_back(".syncline");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(area))
    out.push_back(entry.path().lexically_relative(dir.path()).string());
  return out;
}

}  // namespace syncline::test
