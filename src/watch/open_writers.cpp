// SPDX-License-Identifier: Apache-2.0
// From events to open files.
#include "watch/open_writers.hpp"

#include "base/limits.hpp"

namespace syncline::watch {

void OpenWriters::take(const fs::DirChange& change) {
  using enum fs::DirChange::Kind;
  if (change.is_dir || change.name.empty() || change.kind == attributes) return;
  File file(change.watch, change.name);
  if (change.kind != made && change.kind != written) return forget(file);
  if (files_.size() >= limits::watch_writers_max) return;
  if (!files_.emplace(file, true).second) return;
  ++begun_count_;
  if (change.kind == made) made_.push_back(std::move(file));
}

std::vector<OpenWriters::File> OpenWriters::take_made() {
  auto out = std::exchange(made_, {});
  std::erase_if(out, [&](const File& file) { return !files_.contains(file); });
  return out;
}

void OpenWriters::forget(const File& file) {
  const auto found = files_.find(file);
  if (found == files_.end()) return;
  begun_count_ -= found->second;
  files_.erase(found);
}

void OpenWriters::forget_dir(int watch) {
  auto at = files_.lower_bound({watch, ""});
  while (at != files_.end() && at->first.first == watch) {
    begun_count_ -= at->second;
    at = files_.erase(at);
  }
}

void OpenWriters::clear() {
  files_.clear();
  made_.clear();
  begun_count_ = 0;
}

void OpenWriters::let_go() {
  if (begun_count_ == 0) return;
  for (auto& [file, is_begun] : files_) is_begun = false;
  begun_count_ = 0;
}

}  // namespace syncline::watch
