// SPDX-License-Identifier: Apache-2.0
// A source and a destination with a state of their own, and what a copy between them reports.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "served.hpp"
#include "support/frame_pipe.hpp"
#include "support/seeded_random.hpp"
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
  /// DST was not as the sender had concluded from its records.
  bool was_unlike() const {
    return std::ranges::any_of(notices, [](const auto& text) {
      return text.find("DST is not as this run should have left it") != text.npos;
    });
  }
  bool failed(const std::string& path) const {
    return std::ranges::find(errors, path, &ErrorEvent::path) != errors.end();
  }
};

/// SYNCLINE_TEST_LINK. "frames": copies cross a pipe that codes and checks all as a network does. "push" and
/// "pull": DST or SRC is at a server, which is asked for the whole file system.
inline std::string_view test_link() {
  const char* kind = std::getenv("SYNCLINE_TEST_LINK");
  return kind != nullptr ? kind : "";
}

/// `options` as a person would give them who has one side at a server.
inline CopyOptions with_server(CopyOptions options, bool push) {
  const auto there = [](const std::string& path) {
    std::string out = "syncline://test/share";
    if (path.front() != '/') out += std::filesystem::current_path().string() + '/';
    for (const char c : path) out += c == '%' ? std::string("%25") : std::string(1, c);
    return out;
  };
  if (push) options.destination = there(options.destination);
  else
    for (auto& source : options.sources) source = there(source);
  return options;
}

/// `outside`, if given, is how far a copy that throws has come.
inline Outcome run_copy(const CopyOptions& options, const sync::World& source = {},
                        const sync::World& target = {}, Outcome* outside = nullptr,
                        const std::function<bool()>& cancelled = {}) {
  Outcome inside;
  Outcome& out = outside != nullptr ? *outside : inside;
  CopyObserver observer;
  observer.on_change = [&](const ChangeEvent& event) { out.changes.push_back(event); };
  observer.on_error = [&](const ErrorEvent& event) { out.errors.push_back(event); };
  observer.on_notice = [&](const std::string& text) { out.notices.push_back(text); };
  observer.cancelled = cancelled;
  const bool push = test_link() == "push";
  if (push || test_link() == "pull") {
    sync::ServedShare share;
    share.dir = "/";
    share.is_unconfined = true;
    share.may_write = share.may_delete = true;
    share.state_dir = *options.state_dir + "-server";
    share.threads = options.threads;
    Served served(share, push ? target : source);
    out.report = served.copy(with_server(options, push), observer, push ? source : target);
    return out;
  }
  out.report = sync::run_copy(source, target, options, observer,
                              test_link() == "frames" ? make_frame_pipe : wire::make_pipe);
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
  Outcome copy() const {
    sync::World source;
    sync::World target;
    source.random = &source_random_;
    target.random = &target_random_;
    return run_copy(options, source, target);
  }

  TempDir dir;
  CopyOptions options;

 private:
  mutable SeededRandom source_random_{1};
  mutable SeededRandom target_random_{2};
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
