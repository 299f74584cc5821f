// SPDX-License-Identifier: Apache-2.0
// Segments of a file, scanned side by side and joined.
#include "chunk/scan_file.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "base/kept_thread.hpp"
#include "base/limits.hpp"

namespace syncline::chunk {
namespace {

constexpr std::uint64_t parallel_bytes_min = 4 * limits::mib;  // below, a thread costs more than it gains
constexpr std::uint64_t segment_bytes_min = 2 * limits::mib;
constexpr std::uint64_t segment_bytes_max = 32 * limits::mib;
constexpr std::uint64_t hole_bytes_min = 1 * limits::mib;  // shorter holes are left inside segments
constexpr std::uint64_t progress_bytes = 256 * limits::kib;

/// Several chunks long whatever their size, and a multiple of max_bytes: then zero runs, which give no other
/// cut points, are cut alike from every segment's start.
std::uint64_t segment_bytes_for(std::uint64_t size_bytes, const ChunkParams& params) {
  const auto wanted = std::clamp(size_bytes / 64, segment_bytes_min, segment_bytes_max);
  const auto chunks = std::max<std::uint64_t>(wanted / params.max_bytes, 16);
  return chunks * params.max_bytes;
}

struct Segment {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // when planned: the limit; when scanned: the end of the last chunk
  ChunkList chunks;
};

/// Deals out the data of a file in segments, in order; long holes are left out.
class Plan {
 public:
  Plan(const fs::File& file, std::uint64_t size_bytes, std::uint64_t segment_bytes)
      : file_(file), size_bytes_(size_bytes), segment_bytes_(segment_bytes) {}

  /// The next segment, or null. Segments stay where they are.
  Segment* next() {
    const std::lock_guard lock(mutex_);
    skip_holes();
    if (offset_ >= size_bytes_) return nullptr;
    const auto end = std::min({size_bytes_, offset_ + segment_bytes_, data_end_});
    segments_.push_back(std::make_unique<Segment>(Segment{offset_, end, {}}));
    offset_ = end;
    return segments_.back().get();
  }
  /// All segments, ascending; to be called when no thread is at work on them any more.
  const std::vector<std::unique_ptr<Segment>>& segments() const { return segments_; }

 private:
  /// Leaves offset_ in data and data_end_ at the next long hole at the latest seen so far.
  void skip_holes() {
    while (offset_ < size_bytes_ && data_end_ < std::min(size_bytes_, offset_ + segment_bytes_)) {
      const auto at = std::max(offset_, data_end_);
      const auto extent = file_.extent_at(at);
      if (!extent || extent->length_bytes == 0) throw Error(Errc::changed, "file shrank while it was read");
      const auto end = std::min(extent->offset + extent->length_bytes, size_bytes_);
      if (!extent->hole || end - at < hole_bytes_min) {
        data_end_ = end;
        continue;
      }
      if (at > offset_) return;  // the data before the hole first
      offset_ = data_end_ = end;
    }
  }

  const fs::File& file_;
  const std::uint64_t size_bytes_;
  const std::uint64_t segment_bytes_;
  std::mutex mutex_;
  std::uint64_t offset_ = 0;
  std::uint64_t data_end_ = 0;
  std::vector<std::unique_ptr<Segment>> segments_;
};

Scanner make_scanner(const ScanSource& source, std::uint64_t size_bytes) {
  return {source, Window(*source.file, size_bytes, limits::read_buffer_bytes, source.params.max_bytes)};
}

/// Gathers the progress of all threads; only the calling thread reports it.
class Meter {
 public:
  Meter(const Progress& progress, std::uint64_t size_bytes) : progress_(progress), size_bytes_(size_bytes) {}

  void add(std::uint64_t bytes) { done_.fetch_add(bytes, std::memory_order_relaxed); }
  void report() {
    const auto done = std::min(done_.load(std::memory_order_relaxed), size_bytes_);
    if (progress_ && done - reported_ >= progress_bytes) report_up_to(done);
  }
  void finish() {
    if (progress_ && reported_ < size_bytes_) report_up_to(size_bytes_);
  }

 private:
  void report_up_to(std::uint64_t done) { progress_(done - std::exchange(reported_, done)); }

  const Progress& progress_;
  const std::uint64_t size_bytes_;
  std::atomic<std::uint64_t> done_ = 0;
  std::uint64_t reported_ = 0;
};

Manifest scan_alone(const ScanSource& source, std::uint64_t size_bytes, const Progress& progress,
                    ScanCounts* counts) {
  auto scanner = make_scanner(source, size_bytes);
  Meter meter(progress, size_bytes);
  ChunkList chunks;
  scanner.run(0, size_bytes, chunks, [&](std::uint64_t bytes) {
    meter.add(bytes);
    meter.report();
  });
  meter.finish();
  if (counts != nullptr) *counts = scanner.counts();
  return {source.params, size_bytes, chunks.take()};
}

/// Two scanners at work on one plan. The first failure stops both and is thrown by run().
class Team {
 public:
  Team(const ScanSource& source, std::uint64_t size_bytes, std::uint64_t segment_bytes,
       const Progress& progress)
      : source_(source),
        size_bytes_(size_bytes),
        plan_(*source.file, size_bytes, segment_bytes),
        meter_(progress, size_bytes) {}

  Manifest run() {
    {
      KeptThread helper;
      try {
        helper = KeptThread("chunk", [this] { work(false); });
      } catch (const std::system_error&) {  // no thread to be had: the caller does it all
      }
      work(true);
    }
    if (failure_) std::rethrow_exception(failure_);
    auto manifest = join();
    meter_.finish();
    return manifest;
  }
  const ScanCounts& counts() const { return counts_; }

 private:
  struct Stopped {};

  void work(bool is_caller) noexcept {
    try {
      auto scanner = make_scanner(source_, size_bytes_);
      const auto advance = [&](std::uint64_t bytes) {
        if (stop_.load(std::memory_order_relaxed)) throw Stopped{};
        meter_.add(bytes);
        if (is_caller) meter_.report();
      };
      while (auto* segment = plan_.next()) {
        segment->begin = scanner.likely_cut(segment->begin, segment->end);
        segment->end = scanner.run(segment->begin, segment->end, segment->chunks, advance);
      }
      add_counts(scanner.counts());
    } catch (const Stopped&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stop_.store(true, std::memory_order_relaxed);
    }
  }

  Manifest join() {
    auto scanner = make_scanner(source_, size_bytes_);
    ChunkList joined;
    std::size_t records = 0;
    for (const auto& segment : plan_.segments()) records += segment->chunks.chunks().size();
    joined.reserve(records);
    std::uint64_t offset = 0;
    for (const auto& segment : plan_.segments()) {
      const auto& chunks = segment->chunks.chunks();
      auto cut = segment->begin;
      std::size_t index = 0;
      while (cut != offset && offset < segment->end) {
        if (cut > offset) offset = scanner.step(offset, joined);
        else cut += chunks[index++].total_bytes();
      }
      if (cut == offset) {
        joined.append_tail(segment->chunks, index);
        offset = segment->end;
      }
      segment->chunks = {};
    }
    while (offset < size_bytes_) offset = scanner.step(offset, joined);
    add_counts(scanner.counts());
    return {source_.params, size_bytes_, joined.take()};
  }

  void add_counts(const ScanCounts& counts) {
    const std::lock_guard lock(mutex_);
    counts_.verified += counts.verified;
    counts_.cut += counts.cut;
    counts_.named += counts.named;
  }

  const ScanSource source_;
  const std::uint64_t size_bytes_;
  Plan plan_;
  Meter meter_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  ScanCounts counts_;
};

}  // namespace

Manifest scan_segments(const ScanSource& source, std::uint64_t size_bytes, std::uint64_t segment_bytes,
                       const Progress& progress, ScanCounts* counts) {
  Team team(source, size_bytes, segment_bytes, progress);
  auto manifest = team.run();
  if (counts != nullptr) *counts = team.counts();
  return manifest;
}

Manifest scan_file(const ScanSource& source, std::uint64_t size_bytes, unsigned threads,
                   const Progress& progress, ScanCounts* counts) {
  check_params(source.params);
  auto manifest =
      threads > 1 && size_bytes >= parallel_bytes_min
          ? scan_segments(source, size_bytes, segment_bytes_for(size_bytes, source.params), progress, counts)
          : scan_alone(source, size_bytes, progress, counts);
  if (source.file->stat().size_bytes != size_bytes) throw Error(Errc::changed, "file grew while it was read");
  return manifest;
}

}  // namespace syncline::chunk
