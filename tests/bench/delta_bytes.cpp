// SPDX-License-Identifier: Apache-2.0
// What a transfer of NEW over OLD takes in bytes: chunks, alignment and both rounds of the gap search, no
// network.
//
//   delta_bytes OLD NEW [KEY]   two files, or two directories of which the files that differ are taken
//
// KEY is the number that keys the sums; false matches differ from key to key. Prints one line per kind of
// data and the total. Small files (below 64 KiB) are one gap, as in a session.
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <random>

#include "chunk/chunker.hpp"
#include "compress/zstd.hpp"
#include "delta/align.hpp"
#include "delta/gap.hpp"

namespace {

using namespace syncline;
namespace stdfs = std::filesystem;

constexpr std::uint64_t small_file_bytes = 64 * 1024;
constexpr std::size_t message_bytes = 1024 * 1024;
constexpr std::size_t chunk_record_bytes = 3 + hash::short_id_bytes;
constexpr int level = 3;

/// Collects messages of one kind and counts what their stream takes.
class Channel {
 public:
  Bytes pending;
  void flush(bool all) {
    if (pending.empty() || (!all && pending.size() < message_bytes)) return;
    sent_ += stream_.compress(pending).size();
    raw_ += pending.size();
    pending.clear();
  }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t raw() const { return raw_ + pending.size(); }

 private:
  compress::StreamCompressor stream_{level};
  std::uint64_t sent_ = 0;
  std::uint64_t raw_ = 0;
};

struct Totals {
  std::uint64_t files = 0, gaps = 0, gap_old = 0, gap_new = 0, chunks = 0, sums1 = 0, sums2 = 0,
                false_chunks = 0;
  std::uint64_t literal_bytes = 0;
  double sums_seconds = 0, match_seconds = 0;
};

class Meter {
 public:
  explicit Meter(std::uint64_t key) : key_{key} {}

  void add_pair(ByteView old, ByteView fresh, std::uint64_t old_offset,
                const std::vector<std::uint32_t>& chunk_lengths) {
    const auto plan = delta::plan_gap(old_offset, old.size(), fresh.size());
    ByteWriter(plans_.pending).varint(old_offset);
    ByteWriter plans(plans_.pending);
    delta::write_plan(plans, plan);
    auto start = std::chrono::steady_clock::now();
    const auto sums1 = delta::round1_sums(plan, key_, old);
    lap(start, totals_.sums_seconds);
    const auto coarse = delta::round1_match(plan, key_, fresh, sums1);
    lap(start, totals_.match_seconds);
    const auto sums2 = delta::round2_sums(plan, key_, coarse, old);
    lap(start, totals_.sums_seconds);
    const auto delta = delta::round2_match(plan, key_, fresh, coarse, sums2);
    lap(start, totals_.match_seconds);
    ByteWriter coarse_out(coarse_.pending);
    delta::write_matches(coarse_out, plan, coarse);
    ByteWriter fine_out(fine_.pending);
    delta::write_fine_matches(fine_out, plan, coarse, delta.matches);
    literals_.pending.insert(literals_.pending.end(), delta.literals.begin(), delta.literals.end());
    count(old, fresh, plan, delta, chunk_lengths);
    totals_.sums1 += sums1.size();
    totals_.sums2 += sums2.size();
    for (auto* channel : {&plans_, &coarse_, &fine_, &literals_, &resent_}) channel->flush(false);
  }

  void add_steps(const delta::Recipe& recipe) {
    ByteWriter out(steps_.pending);
    std::uint64_t old_at = 0;
    for (const auto& step : recipe.steps) {
      out.u8(static_cast<std::uint8_t>(step.kind));
      if (step.kind == delta::Step::Kind::gap) continue;
      out.varint(step.new_bytes);
      if (step.kind == delta::Step::Kind::match)
        out.svarint(static_cast<std::int64_t>(step.old_offset - old_at));
      old_at = step.old_offset + step.new_bytes;
    }
    steps_.flush(false);
  }
  void add_file() { ++totals_.files; }

  void print() {
    for (auto* channel : {&plans_, &steps_, &coarse_, &fine_, &literals_, &resent_}) channel->flush(true);
    const auto line = [](const char* name, std::uint64_t bytes, std::uint64_t raw) {
      std::cout << std::left << std::setw(22) << name << std::right << std::setw(12) << bytes << "  (raw "
                << raw << ")\n";
    };
    std::cout << totals_.files << " files, " << totals_.gaps << " gaps, old " << totals_.gap_old << ", new "
              << totals_.gap_new << " bytes, " << totals_.chunks << " chunks\n";
    line("literals", literals_.sent(), literals_.raw());
    line("sums, round 1", totals_.sums1, totals_.sums1);
    line("sums, round 2", totals_.sums2, totals_.sums2);
    line("plans", plans_.sent(), plans_.raw());
    line("matches and zeros", steps_.sent(), steps_.raw());
    line("coarse matches", coarse_.sent(), coarse_.raw());
    line("fine matches", fine_.sent(), fine_.raw());
    line("chunk records", totals_.chunks * chunk_record_bytes, totals_.chunks * chunk_record_bytes);
    line("resent chunks", resent_.sent(), resent_.raw());
    const auto total = literals_.sent() + totals_.sums1 + totals_.sums2 + plans_.sent() + steps_.sent() +
                       coarse_.sent() + fine_.sent() + totals_.chunks * chunk_record_bytes + resent_.sent();
    std::cout << "falsely matched chunks " << totals_.false_chunks << "\nsums " << totals_.sums_seconds
              << " s, search " << totals_.match_seconds << " s\ntotal " << std::fixed << std::setprecision(3)
              << static_cast<double>(total) / 1e6 << " MB\n";
  }

 private:
  static void lap(std::chrono::steady_clock::time_point& start, double& seconds) {
    const auto now = std::chrono::steady_clock::now();
    seconds += std::chrono::duration<double>(now - start).count();
    start = now;
  }

  /// Chunks that come out wrong are sent again as a whole.
  void count(ByteView old, ByteView fresh, const delta::GapPlan& plan, const delta::GapDelta& delta,
             const std::vector<std::uint32_t>& chunk_lengths) {
    const auto rebuilt = delta::apply_gap(plan, old, delta);
    std::size_t at = 0;
    for (const auto length : chunk_lengths) {
      if (!std::equal(fresh.begin() + at, fresh.begin() + at + length, rebuilt.begin() + at)) {
        ++totals_.false_chunks;
        resent_.pending.insert(resent_.pending.end(), fresh.begin() + at, fresh.begin() + at + length);
      }
      at += length;
    }
    ++totals_.gaps;
    totals_.chunks += chunk_lengths.size();
    totals_.gap_old += old.size();
    totals_.gap_new += fresh.size();
  }

  delta::SumKey key_;
  Totals totals_;
  Channel plans_, steps_, coarse_, fine_, literals_, resent_;
};

Bytes read_range(const fs::File& file, std::uint64_t offset, std::uint64_t bytes) {
  Bytes out(bytes);
  out.resize(file.pread(out, offset));
  return out;
}

std::unique_ptr<fs::File> open(const stdfs::path& path) {
  return fs::linux_fs().open_root(path.parent_path())->open_read(path.filename());
}

void add_file(Meter& meter, const stdfs::path& old_path, const stdfs::path& new_path,
              const hash::QuickKey& key) {
  const auto old_file = open(old_path);
  const auto new_file = open(new_path);
  const auto old_bytes = old_file->stat().size_bytes;
  const auto new_bytes = new_file->stat().size_bytes;
  meter.add_file();
  if (std::max(old_bytes, new_bytes) <= small_file_bytes) {
    meter.add_pair(read_range(*old_file, 0, old_bytes), read_range(*new_file, 0, new_bytes), 0,
                   {static_cast<std::uint32_t>(new_bytes)});
    return;
  }
  const auto params = manifest::params_for_size(old_bytes);
  const auto old = chunk::import_file(*old_file, old_bytes, params, key, 1);
  const auto fresh = chunk::import_file(*new_file, new_bytes, params, key, 1);
  const auto recipe = delta::align(old, fresh);
  meter.add_steps(recipe);
  for (const auto& step : recipe.steps) {
    if (step.kind != delta::Step::Kind::gap) continue;
    std::vector<std::uint32_t> lengths;
    for (std::uint32_t i = 0; i < step.chunk_count; ++i)
      lengths.push_back(fresh.chunks[step.first_chunk + i].length_bytes);
    meter.add_pair(read_range(*old_file, step.old_offset, step.old_bytes),
                   read_range(*new_file, step.new_offset, step.new_bytes), step.old_offset, lengths);
  }
}

Bytes contents(const stdfs::path& path) {
  const auto file = open(path);
  return read_range(*file, 0, file->stat().size_bytes);
}

void add_tree(Meter& meter, const stdfs::path& old_root, const stdfs::path& new_root,
              const hash::QuickKey& key) {
  for (const auto& entry : stdfs::recursive_directory_iterator(new_root)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const auto old_path = old_root / stdfs::relative(entry.path(), new_root);
    if (!stdfs::is_regular_file(stdfs::symlink_status(old_path))) {
      std::cerr << "only new: " << entry.path() << "\n";
      continue;
    }
    if (stdfs::file_size(old_path) == entry.file_size() && contents(old_path) == contents(entry.path()))
      continue;
    add_file(meter, old_path, entry.path(), key);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3 && argc != 4) {
    std::cerr << "usage: delta_bytes OLD NEW [KEY]\n";
    return 1;
  }
  std::array<std::byte, hash::QuickKey::size_bytes> secret{};
  const hash::QuickKey key(secret);
  Meter meter(argc == 4 ? std::stoull(argv[3]) : 1);
  if (stdfs::is_directory(argv[1])) add_tree(meter, argv[1], argv[2], key);
  else add_file(meter, argv[1], argv[2], key);
  meter.print();
  return 0;
} catch (const std::exception& error) {
  std::cerr << "delta_bytes: " << error.what() << "\n";
  return 1;
}
