// SPDX-License-Identifier: Apache-2.0
// The count of what is under way.
#include "sync/under_way.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"
#include "manifest/manifest.hpp"

namespace syncline::sync {
namespace {

[[noreturn]] void refuse(const std::string& what, std::uint64_t limit) {
  throw Error(Errc::protocol, "the sender has more " + what + " than " + std::to_string(limit));
}

}  // namespace

std::uint64_t chunk_count_max(std::uint64_t file_bytes) {
  return file_bytes / manifest::params_for_size(file_bytes).min_bytes + 1;
}

bool fits_beside(std::uint64_t open_files, std::uint64_t open_chunks, std::uint64_t more_chunks) {
  if (open_files == 0) return true;
  return open_files < limits::open_files_max && open_chunks + more_chunks <= limits::open_chunks_max;
}

UnderWay::File& UnderWay::file_of(std::uint64_t number) {
  const auto found = files_.find(number);
  if (found == files_.end()) throw Error(Errc::protocol, "message for an unknown file");
  return found->second;
}

void UnderWay::begin(const wire::FileBegin& message) {
  std::lock_guard lock(mutex_);
  File file;
  file.chunk_count = chunk_count_max(message.size_bytes);
  if (files_.size() >= limits::open_files_max) refuse("files under way", limits::open_files_max);
  if (!fits_beside(files_.size(), chunk_count_, file.chunk_count))
    refuse("chunks in files under way", limits::open_chunks_max);
  chunk_count_ += file.chunk_count;
  if (!files_.emplace(message.file, std::move(file)).second)
    throw Error(Errc::protocol, "file number used twice");
}

void UnderWay::steps(const wire::FileSteps& message) {
  std::lock_guard lock(mutex_);
  File& file = file_of(message.file);
  for (const auto& step : message.steps) {
    const auto* gap = std::get_if<wire::StepGap>(&step);
    if (gap == nullptr) continue;
    const auto bytes = window_bytes(gap->plan.old_bytes);
    if (gap_bytes_ + bytes > limits::gap_window_bytes_max)
      refuse("bytes of gaps that wait for answers", limits::gap_window_bytes_max);
    if (file.gaps.size() == file.chunk_count) refuse("gaps in a file of so many chunks", file.chunk_count);
    gap_bytes_ += bytes;
    file.gaps.push_back(static_cast<std::uint32_t>(bytes));
  }
}

void UnderWay::free(std::uint32_t& gap_bytes) { gap_bytes_ -= std::exchange(gap_bytes, 0); }

void UnderWay::answer(std::uint64_t file, std::uint32_t gap) {
  std::lock_guard lock(mutex_);
  auto& gaps = file_of(file).gaps;
  if (gap >= gaps.size()) throw Error(Errc::protocol, "answer for an unknown gap");
  free(gaps[gap]);
}

void UnderWay::give_up(std::uint64_t file, std::uint32_t gap) noexcept {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(file);
  if (found != files_.end() && gap < found->second.gaps.size()) free(found->second.gaps[gap]);
}

void UnderWay::end(std::uint64_t file) {
  std::lock_guard lock(mutex_);
  File& ended = file_of(file);
  if (std::ranges::any_of(ended.gaps, [](std::uint32_t bytes) { return bytes != 0; }))
    throw Error(Errc::protocol, "end of a file before its gaps are answered");
  chunk_count_ -= ended.chunk_count;
  files_.erase(file);
}

}  // namespace syncline::sync
