// SPDX-License-Identifier: Apache-2.0
// What others made of DST, and what a copy kept of it.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/world.hpp"
#include "pair.hpp"
#include "patch/conflict_name.hpp"
#include "support/catch.hpp"

namespace syncline::test {

/// A pair whose copies keep what drifted.
struct DriftScene : Pair {
  explicit DriftScene(DriftKeep keep = DriftKeep::beside, Drift drift = Drift::heal) {
    options.delete_extra = true;
    options.drift = drift;
    options.drift_keep = keep;
  }
  /// Written at another moment than everything before: an edit in the same tick would be one of the same
  /// time.
  void write_later(const std::string& name, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(dir.path(name)).parent_path());
    dir.write(name, content);
    set_mtime(dir.path(name), 1'700'000'000 + ++moment_);
  }
  /// As the machine here calls a version of `name` that was kept.
  static std::string kept(const std::string& name, unsigned seq = 1) {
    const auto slash = name.rfind('/');
    const auto parent = slash == name.npos ? "" : name.substr(0, slash + 1);
    return parent + patch::conflict_name(slash == name.npos ? name : name.substr(slash + 1),
                                         patch::device_label(system_host_name()), seq);
  }
  std::string at_dst(const std::string& name) const { return dir.read("dst/" + name); }
  bool is_at_dst(const std::string& name) const { return dir.exists("dst/" + name); }
  /// Nothing is left to do, and nothing is looked at twice for it.
  void check_settled() const {
    const auto again = copy();
    CHECK(again.report.in_step);
    CHECK(again.report.exit_code == 0);
    CHECK(again.changes.empty());
    CHECK(again.report.content_read_bytes == 0);
  }

 private:
  std::int64_t moment_ = 0;
};

/// The content of every file below `root`, and the target of every symlink.
inline std::multiset<std::string> contents_below(const std::string& root) {
  std::multiset<std::string> out;
  namespace stdfs = std::filesystem;
  if (!stdfs::exists(root)) return out;
  for (const auto& entry : stdfs::recursive_directory_iterator(root)) {
    if (entry.is_symlink()) {
      out.insert("-> " + stdfs::read_symlink(entry.path()).string());
    } else if (entry.is_regular_file()) {
      std::ifstream in(entry.path(), std::ios::binary);
      out.insert({std::istreambuf_iterator<char>(in), {}});
    }
  }
  return out;
}

}  // namespace syncline::test
