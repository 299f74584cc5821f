// SPDX-License-Identifier: Apache-2.0
// Speed and size of the state database; run with `meson test --benchmark state` or with a file count.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "sample.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;

namespace {

constexpr int files_per_dir = 100;

class Timer {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

DirRecord directory(Sample& sample, int files) {
  DirRecord record{sample.summary(), {}};
  for (int k = 0; k < files; ++k) {
    StoredEntry entry;
    entry.name = "source_file_" + std::to_string(100 + k) + ".c";
    entry.stat.mode = 0644;
    entry.stat.uid = entry.stat.gid = 1000;
    entry.stat.size_bytes = sample.below(16'000);
    entry.stat.allocated_bytes = (entry.stat.size_bytes + 4095) / 4096 * 4096;
    entry.stat.mtime_ns =
        static_cast<std::int64_t>(1'700'000'000'000'000'000 + sample.below(std::uint64_t{1} << 54));
    entry.stat.ctime_ns = static_cast<std::int64_t>(1'750'000'000'000'000'000 + sample.below(100'000'000));
    entry.stat.device = 2049;
    entry.stat.inode = 1'000'000 + sample.below(100'000);
    entry.content = sample.digest();
    entry.only_chunk = manifest::Chunk{sample.digest(), sample.quick(),
                                       static_cast<std::uint32_t>(entry.stat.size_bytes), 1};
    record.entries.push_back(std::move(entry));
  }
  return record;
}

double size_mb(const std::string& path) {
  double total = 0;
  for (const auto* suffix : {"", "-wal"})
    if (std::filesystem::exists(path + suffix))
      total += static_cast<double>(std::filesystem::file_size(path + suffix));
  return total / 1e6;
}

void insert(const std::string& path, int dirs, int files) {
  Sample sample(1);
  const auto record = directory(sample, files);  // made once: the random numbers are not measured
  const auto database = Database::open(path, false);
  const Timer timer;
  auto writer = database->writer();
  for (int k = 1; k <= dirs; ++k) {
    writer->put_dir(k, record);
    if (k % 100 != 0) continue;
    writer->commit(false);
    writer = database->writer();
  }
  writer->commit(false);
  std::printf("insert %d files in %d directories: %.2f s, %.1f MB written\n", dirs * files, dirs,
              timer.seconds(), static_cast<double>(database->written_bytes()) / 1e6);
}

void scan(const std::string& path) {
  const auto database = Database::open(path, false);
  const auto reader = database->reader();
  const Timer timer;
  const auto ids = reader->dirs();
  for (const auto id : ids)
    if (!reader->summary(id)) std::abort();
  const double summaries = timer.seconds();
  const Timer again;
  std::size_t entries = 0;
  for (const auto id : ids) entries += reader->dir(id)->entries.size();
  std::printf("%zu summaries: %.1f ms; %zu entries read: %.2f s\n", ids.size(), summaries * 1e3, entries,
              again.seconds());
}

void chunk_cache(const std::string& path) {
  Sample sample(2);
  std::vector<Bytes> chunks(1000);
  std::vector<hash::ChunkId> ids;
  for (auto& chunk : chunks) {
    chunk.resize(16'384 + sample.below(49'152));
    for (std::size_t k = 0; k + 8 <= chunk.size(); k += 8) {
      const auto word = sample.number();
      std::memcpy(&chunk[k], &word, 8);
    }
    ids.push_back(hash::blake3(chunk));
  }
  const Timer timer;
  const auto cache = ChunkCache::open(path, 256u << 20);
  for (std::size_t k = 0; k < chunks.size(); ++k) cache->put(ids[k], chunks[k]);
  cache->commit();
  const double put = timer.seconds();
  const Timer again;
  for (const auto& id : ids)
    if (!cache->get(id)) std::abort();
  std::printf("chunk cache, 1000 chunks of 40 KiB: put %.0f ms, get %.0f ms\n", put * 1e3,
              again.seconds() * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const int files = argc > 1 ? std::atoi(argv[1]) : 200'000;
  const test::TempDir temp;
  insert(temp.path("state.db"), files / files_per_dir, files_per_dir);
  std::printf("size %.1f MB, %.1f bytes a file\n", size_mb(temp.path("state.db")),
              size_mb(temp.path("state.db")) * 1e6 / files);
  scan(temp.path("state.db"));
  insert(temp.path("many.db"), 20'000, 10);
  scan(temp.path("many.db"));
  chunk_cache(temp.path("cache.db"));
  return 0;
}
