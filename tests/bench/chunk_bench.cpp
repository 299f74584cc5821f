// SPDX-License-Identifier: Apache-2.0
// Import and rescan of a page-cached file against `cat FILE >/dev/null`: medians and ratios.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "chunk/rescan.hpp"

namespace {

using namespace syncline;

constexpr int rounds = 5;
constexpr std::size_t edit_count = 20;
constexpr std::size_t edit_bytes = 100;
constexpr std::size_t inserted_bytes = 1024;

hash::QuickKey bench_key() {
  std::array<std::byte, hash::QuickKey::size_bytes> secret;
  std::mt19937_64 random(1);
  for (auto& byte : secret) byte = static_cast<std::byte>(random());
  return hash::QuickKey(secret);
}

/// The file as it was before the change that is measured: other bytes in edit_count places, or
/// without its first bytes. Only what a scan calls is there.
class PastFile : public fs::File {
 public:
  PastFile(const fs::File& now, std::uint64_t size_bytes, std::size_t cut_front, std::size_t edits)
      : now_(now), size_bytes_(size_bytes - cut_front), cut_front_(cut_front) {
    std::mt19937_64 random(2);
    for (std::size_t i = 0; i < edits; ++i) edits_.push_back(random() % (size_bytes_ - edit_bytes));
  }
  fs::Stat stat() const override {
    auto stat = now_.stat();
    stat.size_bytes = size_bytes_;
    return stat;
  }
  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override {
    const auto got = now_.pread(out, offset + cut_front_);
    for (const auto edit : edits_)
      for (auto at = std::max(edit, offset); at < std::min<std::uint64_t>(edit + edit_bytes, offset + got);
           ++at)
        out[at - offset] ^= std::byte{0x5A};
    return got;
  }
  std::optional<fs::Extent> extent_at(std::uint64_t offset) const override {
    if (offset >= size_bytes_) return std::nullopt;
    return fs::Extent{offset, size_bytes_ - offset, false};
  }
  void pwrite(ByteView, std::uint64_t) override { std::abort(); }
  void truncate(std::uint64_t) override { std::abort(); }
  void preallocate(std::uint64_t, std::uint64_t, bool) override { std::abort(); }
  void punch(std::uint64_t, std::uint64_t) override { std::abort(); }
  void copy_range(const File&, std::uint64_t, std::uint64_t, std::uint64_t) override { std::abort(); }
  bool clone_from(const File&) override { std::abort(); }
  std::optional<std::uint64_t> extent_count() const override { return std::nullopt; }
  void set_mode(std::uint32_t) override { std::abort(); }
  void set_owner(std::uint32_t, std::uint32_t) override { std::abort(); }
  void set_mtime(std::int64_t) override { std::abort(); }
  std::vector<fs::XattrPair> xattrs() const override { return {}; }
  void set_xattr(const std::string&, ByteView) override { std::abort(); }
  void remove_xattr(const std::string&) override { std::abort(); }
  void sync_data() override {}
  void sync() override {}
  bool try_lease() override { return false; }

 private:
  const fs::File& now_;
  std::uint64_t size_bytes_;
  std::size_t cut_front_;
  std::vector<std::uint64_t> edits_;
};

/// CPU seconds of this process and its children: steady where other programs share the machine.
double cpu_seconds() {
  double total = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage;
    getrusage(who, &usage);
    for (const auto& time : {usage.ru_utime, usage.ru_stime})
      total += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  }
  return total;
}

void cat(const std::string& path) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = "cat";
  std::string operand = path;
  char* arguments[] = {program.data(), operand.data(), nullptr};
  pid_t child = 0;
  if (posix_spawnp(&child, "cat", &actions, nullptr, arguments, environ) != 0) std::abort();
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) std::abort();
}

void generate(const std::string& path, std::uint64_t size_bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) throw_errno(path);
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> words(limits::mib / sizeof(std::uint64_t));
  for (std::uint64_t done = 0; done < size_bytes; done += limits::mib) {
    for (auto& word : words) word = random();
    if (std::fwrite(words.data(), 1, limits::mib, file) != limits::mib) throw_errno(path);
  }
  std::fclose(file);
}

struct Row {
  std::string name;
  std::function<void()> work;
  std::vector<double> wall_seconds = {};
  std::vector<double> cpu_seconds = {};

  void run() {
    const auto cpu = ::cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    work();
    wall_seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    cpu_seconds.push_back(::cpu_seconds() - cpu);
  }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto root = fs::linux_fs().open_root(slash == std::string::npos ? "." : path.substr(0, slash + 1));
  const auto file = root->open_read(path.substr(slash + 1));
  const auto size_bytes = file->stat().size_bytes;
  const auto params = manifest::params_for_size(size_bytes);
  const auto key = bench_key();
  const PastFile before_edits(*file, size_bytes, 0, edit_count);
  const PastFile before_insertion(*file, size_bytes, inserted_bytes, edit_count);
  const auto edited = chunk::import_file(before_edits, size_bytes, params, key, 2);
  const auto shorter = chunk::import_file(before_insertion, size_bytes - inserted_bytes, params, key, 2);
  const auto same = chunk::import_file(*file, size_bytes, params, key, 2);

  std::vector<Row> rows;
  rows.push_back({"cat", [&] { cat(path); }});
  for (const unsigned threads : {1U, 2U}) {
    const auto suffix = ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    const auto rescan = [&, threads](const manifest::Manifest& old) {
      return [&, threads] {
        if (chunk::rescan_file(*file, size_bytes, old, key, threads) != same) std::abort();
      };
    };
    rows.push_back({"import" + suffix, [&, threads] {
                      if (chunk::import_file(*file, size_bytes, params, key, threads) != same) std::abort();
                    }});
    rows.push_back({"rescan, 20 edits" + suffix, rescan(edited)});
    rows.push_back({"rescan, 1 KiB in front and 20 edits" + suffix, rescan(shorter)});
  }
  for (const auto& row : rows) row.work();  // everything warm
  for (int round = 0; round < rounds; ++round)
    for (auto& row : rows) row.run();

  std::printf("%s: %.0f MB, %zu chunk records, medians of %d\n", path.c_str(), double(size_bytes) / 1e6,
              same.chunks.size(), rounds);
  std::printf("  %-48s %9s %9s %10s %9s\n", "", "wall ms", "/ cat", "CPU ms", "/ cat");
  for (const auto& row : rows) {
    const auto wall = median(row.wall_seconds);
    const auto cpu = median(row.cpu_seconds);
    std::printf("  %-48s %9.1f %9.2f %10.1f %9.2f\n", row.name.c_str(), wall * 1e3,
                wall / median(rows[0].wall_seconds), cpu * 1e3, cpu / median(rows[0].cpu_seconds));
  }
}

}  // namespace

/// Usage: chunk_bench [--file FILE | --size MIB]
int main(int argc, char** argv) {
  std::string path;
  std::uint64_t size_bytes = limits::mib * 1024;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--file") == 0) path = argv[i + 1];
    if (std::strcmp(argv[i], "--size") == 0)
      size_bytes = std::strtoull(argv[i + 1], nullptr, 10) * limits::mib;
  }
  if (!path.empty()) {
    measure(path);
    return 0;
  }
  const auto generated =
      std::filesystem::temp_directory_path() / ("syncline-bench-" + std::to_string(getpid()));
  generate(generated.string(), size_bytes);
  measure(generated.string());
  std::filesystem::remove(generated);
  return 0;
}
