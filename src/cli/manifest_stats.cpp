// SPDX-License-Identifier: Apache-2.0
// `syncline manifest stats`: chunk sizes, repetition, zeros and compressibility of an input.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unordered_map>
#include <unordered_set>

#include "cli/manifest_actions.hpp"
#include "cli/manifest_sample.hpp"

namespace syncline::cli {
namespace {

constexpr std::size_t bars_max = 16;
constexpr int bar_columns = 40;

struct Stats {
  std::uint64_t files = 0, directories = 0, others = 0, unknown = 0;
  std::uint64_t bytes = 0, unique_bytes = 0;
  std::uint64_t chunks = 0, unique_chunks = 0;
  std::uint64_t zero_bytes = 0, zero_runs = 0, zero_run_bytes_max = 0;
  std::map<std::uint32_t, std::uint64_t> lengths;  ///< chunks by size in bytes
  std::vector<SamplePlace> places;
};

/// Gathers, one item at a time.
class Collector {
 public:
  explicit Collector(Stats& stats) : stats_(stats) {}

  void add(const Item& item) {
    using manifest::EntryType;
    if (item.type == EntryType::directory) ++stats_.directories;
    else if (item.type != EntryType::regular) ++stats_.others;
    else if (!item.manifest) ++stats_.unknown;
    else add_file(item.path, *item.manifest);
  }

 private:
  void add_file(const RelPath& path, const manifest::Manifest& manifest) {
    ++stats_.files;
    stats_.places.push_back({path, stats_.bytes, manifest.size_bytes});
    stats_.bytes += manifest.size_bytes;
    std::uint64_t run = 0;
    for (const auto& chunk : manifest.chunks) {
      add_chunk(chunk);
      // Zeros come in chunks of full length, and as a rest at the end of the file.
      const bool candidate =
          chunk.length_bytes == manifest.params.max_bytes || &chunk == &manifest.chunks.back();
      run = candidate && is_zeros(chunk) ? run + chunk.total_bytes() : end_run(run);
    }
    end_run(run);
  }

  void add_chunk(const manifest::Chunk& chunk) {
    stats_.chunks += chunk.repeat_count;
    stats_.lengths[chunk.length_bytes] += chunk.repeat_count;
    if (!seen_.insert(chunk.id).second) return;
    ++stats_.unique_chunks;
    stats_.unique_bytes += chunk.length_bytes;
  }

  std::uint64_t end_run(std::uint64_t bytes) {
    if (bytes == 0) return 0;
    ++stats_.zero_runs;
    stats_.zero_bytes += bytes;
    stats_.zero_run_bytes_max = std::max(stats_.zero_run_bytes_max, bytes);
    return 0;
  }

  bool is_zeros(const manifest::Chunk& chunk) {
    auto [place, fresh] = zero_ids_.try_emplace(chunk.length_bytes);
    if (fresh) place->second = hash::blake3(Bytes(chunk.length_bytes));
    return place->second == chunk.id;
  }

  Stats& stats_;
  std::unordered_set<hash::ChunkId, hash::DigestHasher> seen_;
  std::unordered_map<std::uint32_t, hash::Digest> zero_ids_;
};

struct Bar {
  std::uint32_t from = 0;  ///< bytes, inclusive
  std::uint32_t to = 0;
  std::uint64_t count = 0;
};

/// Bars of equal width between the smallest and the largest chunk.
std::vector<Bar> histogram(const std::map<std::uint32_t, std::uint64_t>& lengths) {
  if (lengths.empty()) return {};
  const auto largest = lengths.rbegin()->first;
  const auto width = std::bit_ceil(std::max<std::uint32_t>(1, largest / bars_max));
  std::vector<Bar> bars;
  for (const auto& [length, count] : lengths) {
    const auto from = (length - 1) / width * width + 1;
    while (bars.empty() || bars.back().from < from) {
      const auto next = bars.empty() ? from : bars.back().to + 1;
      bars.push_back({next, next + width - 1, 0});
    }
    bars.back().count += count;
  }
  return bars;
}

/// `share` of the full width in eighths of a column.
std::string drawn_bar(double share) {
  static constexpr std::array<const char*, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto left = static_cast<int>(share * bar_columns * 8 + 0.5);
  if (share > 0 && left == 0) left = 1;
  std::string out;
  for (; left >= 8; left -= 8) out += "█";
  return out + eighths[static_cast<std::size_t>(left)];
}

void print_histogram(const Stats& stats, std::ostream& out) {
  const auto bars = histogram(stats.lengths);
  std::uint64_t most = 0;
  for (const auto& bar : bars) most = std::max(most, bar.count);
  out << "chunk sizes in bytes\n";
  for (const auto& bar : bars) {
    char label[64];
    std::snprintf(label, sizeof label, "%8u..%-8u %12s  ", bar.from, bar.to, grouped(bar.count).c_str());
    out << label << drawn_bar(static_cast<double>(bar.count) / static_cast<double>(most)) << '\n';
  }
}

double ratio(std::uint64_t whole, std::uint64_t part) {
  return part == 0 ? 1.0 : static_cast<double>(whole) / static_cast<double>(part);
}

std::string two_decimals(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

void print(const Stats& stats, const std::optional<CompressedSample>& compressed, std::ostream& out) {
  const auto share = [&](std::uint64_t part) {
    return percent(static_cast<double>(part), static_cast<double>(stats.bytes));
  };
  out << "files         " << grouped(stats.files) << ", " << counted(stats.bytes, "byte") << '\n';
  if (stats.directories + stats.others > 0)
    out << "other entries " << grouped(stats.directories) << " directories, " << grouped(stats.others)
        << " other\n";
  if (stats.unknown > 0) out << "not recorded  " << counted(stats.unknown, "file") << '\n';
  out << "chunks        " << grouped(stats.chunks) << ", mean "
      << (stats.chunks == 0 ? "0" : grouped(stats.bytes / stats.chunks)) << " bytes\n"
      << "unique        " << grouped(stats.unique_chunks) << ", " << counted(stats.unique_bytes, "byte")
      << " (" << share(stats.unique_bytes) << ")\n"
      << "dedupe ratio  " << two_decimals(ratio(stats.bytes, stats.unique_bytes)) << '\n'
      << "zero runs     " << grouped(stats.zero_runs) << ", " << counted(stats.zero_bytes, "byte") << " ("
      << share(stats.zero_bytes) << "), longest " << grouped(stats.zero_run_bytes_max) << '\n';
  if (compressed) {
    const auto ratio_of = [&](std::uint64_t bytes) {
      return two_decimals(ratio(compressed->raw_bytes, bytes));
    };
    out << "compressible  zstd -1 " << ratio_of(compressed->level1_bytes) << ", zstd -3 "
        << ratio_of(compressed->level3_bytes)
        << (compressed->raw_bytes < stats.bytes
                ? " (of a sample of " + counted(compressed->raw_bytes, "byte") + ")"
                : "")
        << '\n';
  }
  if (stats.chunks > 0) print_histogram(stats, out);
}

Json json_of(const Stats& stats, const std::optional<CompressedSample>& compressed) {
  Json out{{"type", "stats"}};
  out["files"] = stats.files;
  out["directories"] = stats.directories;
  out["other_entries"] = stats.others;
  out["files_not_recorded"] = stats.unknown;
  out["bytes"] = stats.bytes;
  out["chunks"] = stats.chunks;
  out["unique_chunks"] = stats.unique_chunks;
  out["unique_bytes"] = stats.unique_bytes;
  out["dedupe_ratio"] = ratio(stats.bytes, stats.unique_bytes);
  out["zero_runs"] = stats.zero_runs;
  out["zero_bytes"] = stats.zero_bytes;
  out["zero_run_bytes_max"] = stats.zero_run_bytes_max;
  if (compressed)
    out["compressed"] = {{"sample_bytes", compressed->raw_bytes},
                         {"level1_bytes", compressed->level1_bytes},
                         {"level3_bytes", compressed->level3_bytes}};
  out["histogram"] = Json::array();
  for (const auto& bar : histogram(stats.lengths))
    out["histogram"].push_back({{"from", bar.from}, {"to", bar.to}, {"chunks", bar.count}});
  return out;
}

bool has_content(const Source& source) {
  return source.kind() == SourceKind::file || source.kind() == SourceKind::directory;
}

}  // namespace

int manifest_stats(const ManifestOptions& options, Console& console) {
  Problems problems(console.err);
  const auto source = open_source(options.first, options.raw, problems);
  Stats stats;
  Collector collector(stats);
  source->each(Want::manifests, [&](Item&& item) { collector.add(item); });
  std::optional<CompressedSample> compressed;
  if (has_content(*source) && options.sample_bytes > 0 && stats.bytes > 0)
    compressed = compress_sample(*source, stats.places, options.sample_bytes);
  if (options.json) console.out << json_of(stats, compressed).dump() << '\n';
  else print(stats, compressed, console.out);
  return exit_code_of(problems);
}

}  // namespace syncline::cli
