// SPDX-License-Identifier: Apache-2.0
// A source and a destination with a state of their own, and what a copy between them reports.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/frame_pipe.hpp"
#include "support/temp_dir.hpp"
#include "sync/copy.hpp"
#include "syncline/copy.hpp"

namespace syncline::test {

/// What one copy did.
struct Outcome {
  CopyReport report;
  std::vector<ChangeEvent> changes;
  std::vector<ErrorEvent> errors;
  std::vector<std::string> notices;

  const ChangeEvent* change(const std::string& path) const {
    const auto at = std::ranges::find(changes, path, &ChangeEvent::path);
    return at == changes.end() ? nullptr : &*at;
  }
  bool failed(const std::string& path) const {
    return std::ranges::find(errors, path, &ErrorEvent::path) != errors.end();
  }
};

/// SYNCLINE_TEST_LINK=frames: copies cross a pipe that codes and checks all as a network does.
inline bool over_frames() {
  const char* kind = std::getenv("SYNCLINE_TEST_LINK");
  return kind != nullptr && std::string_view(kind) == "frames";
}

/// `outside`, if given, is how far a copy that throws has come.
inline Outcome run_copy(const CopyOptions& options, const sync::World& source = {},
                        const sync::World& target = {}, Outcome* outside = nullptr) {
  Outcome inside;
  Outcome& out = outside != nullptr ? *outside : inside;
  CopyObserver observer;
  observer.on_change = [&](const ChangeEvent& event) { out.changes.push_back(event); };
  observer.on_error = [&](const ErrorEvent& event) { out.errors.push_back(event); };
  observer.on_notice = [&](const std::string& text) { out.notices.push_back(text); };
  out.report =
      sync::run_copy(source, target, options, observer, over_frames() ? make_frame_pipe : wire::make_pipe);
  return out;
}

/// Directories `src` and `dst` (made by the first copy) below one temporary directory.
class Pair {
 public:
  Pair() {
    dir.make_dir("src");
    options.sources = {dir.path("src") + "/"};
    options.destination = dir.path("dst") + "/";
    options.state_dir = dir.path("state");
    options.durability = Durable::none;  // nothing here loses power
    options.threads = 2;
  }
  Outcome copy() const { return run_copy(options); }

  TempDir dir;
  CopyOptions options;
};

/// The same for the same seed.
inline std::string random_text(std::size_t size_bytes, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string out(size_bytes, '\0');
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

inline struct ::stat lstat_of(const std::string& path) {
  struct ::stat out {};
  if (::lstat(path.c_str(), &out) != 0) throw std::runtime_error("lstat " + path);
  return out;
}

/// Gives `path` a modification time in whole seconds.
inline void set_mtime(const std::string& path, std::int64_t seconds) {
  const struct ::timespec times[2] = {{seconds, 0}, {seconds, 0}};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    throw std::runtime_error("utimensat " + path);
}

}  // namespace syncline::test
