// SPDX-License-Identifier: Apache-2.0
// Random directories and manifests for the tests of the state database.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "state/state.hpp"

namespace syncline::state {

inline bool operator==(const DirSummary& a, const DirSummary& b) {
  return a.fingerprint == b.fingerprint && a.shallow == b.shallow;
}
inline bool operator==(const DirRecord& a, const DirRecord& b) {
  return a.summary == b.summary && a.entries == b.entries;
}
inline bool operator==(const Agreement& a, const Agreement& b) {
  return a.own_root == b.own_root && a.peer_root == b.peer_root && a.options == b.options &&
         a.at_ns == b.at_ns;
}

class Sample {
 public:
  explicit Sample(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t number() { return engine_(); }
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  /// Small numbers as likely as large ones.
  std::uint64_t spread() { return engine_() >> below(64); }

  hash::Digest digest() {
    hash::Digest out;
    for (auto& byte : out.bytes) byte = static_cast<std::byte>(engine_());
    return out;
  }
  hash::QuickHash quick() { return {engine_(), engine_()}; }
  DirSummary summary() { return {quick(), digest()}; }

  manifest::Chunk chunk() {
    manifest::Chunk out{digest(), quick(), static_cast<std::uint32_t>(4096 + below(60 * 1024)), 1};
    if (one_in(20)) out.repeat_count = static_cast<std::uint32_t>(2 + spread() % 1'000'000);
    return out;
  }
  manifest::Manifest manifest(std::size_t chunk_count) {
    manifest::Manifest out;
    for (std::size_t k = 0; k < chunk_count; ++k) out.chunks.push_back(chunk());
    sum_up(out);
    return out;
  }
  static void sum_up(manifest::Manifest& manifest) {
    manifest.size_bytes = 0;
    for (const auto& chunk : manifest.chunks) manifest.size_bytes += chunk.total_bytes();
  }

  std::string name() {
    std::string out;
    const auto length = one_in(30) ? 255 : 1 + below(20);
    while (out.size() < length) {
      const auto letter = static_cast<char>(one_in(4) ? below(256) : 'a' + below(4));
      out += letter == '/' || letter == '\0' ? '_' : letter;
    }
    return out;
  }

  /// A plausible entry three times in four, anything that fits the types otherwise.
  StoredEntry entry(const std::string& name) {
    StoredEntry out;
    out.name = name;
    auto& stat = out.stat;
    const bool wild = one_in(4);
    stat.type = wild ? static_cast<fs::FileType>(1 + below(7)) : fs::FileType::regular;
    stat.mode = wild ? static_cast<std::uint32_t>(below(07777 + 1)) : 0644;
    stat.uid = wild ? static_cast<std::uint32_t>(number()) : 1000;
    stat.gid = wild ? static_cast<std::uint32_t>(number()) : 1000;
    stat.link_count = wild ? static_cast<std::uint32_t>(spread()) : 1;
    stat.size_bytes = wild ? spread() : below(100'000);
    stat.allocated_bytes = wild ? spread() : (stat.size_bytes + 4095) / 4096 * 4096;
    stat.mtime_ns = wild ? static_cast<std::int64_t>(number())
                         : static_cast<std::int64_t>((1'600'000'000 + below(100'000'000)) * 1'000'000'000);
    stat.ctime_ns =
        wild ? static_cast<std::int64_t>(number()) : ctime_ns_ += static_cast<std::int64_t>(below(200'000));
    stat.device = wild ? number() : 2050;
    stat.inode = wild ? number() : ++inode_;
    if (one_in(20)) stat.device_major = static_cast<std::uint32_t>(number());
    if (one_in(10)) out.xattr_digest = digest();
    if (stat.type == fs::FileType::symlink) out.link_target = std::string(1 + below(4095), 'x');
    if (!one_in(4)) out.content = digest();
    if (!one_in(4))
      out.only_chunk =
          one_in(8) ? chunk()
                    : manifest::Chunk{digest(), quick(), static_cast<std::uint32_t>(stat.size_bytes), 1};
    else out.manifest_id = static_cast<ManifestId>(spread() >> 1);
    if (one_in(10)) out.drift = StoredDrift{one_in(2), spread()};
    return out;
  }
  DirRecord dir(std::size_t entry_count) {
    DirRecord out{summary(), {}};
    std::vector<std::string> names;
    for (std::size_t k = 0; k < entry_count; ++k) names.push_back(name());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const auto& each : names) out.entries.push_back(entry(each));
    return out;
  }

 private:
  std::mt19937_64 engine_;
  std::uint64_t inode_ = 1'000'000;
  std::int64_t ctime_ns_ = 1'750'000'000'000'000'000;
};

/// Opens for writing and runs `change(writer)` in one transaction.
template <class Change>
void in_transaction(Database& database, Change change) {
  const auto writer = database.writer();
  change(*writer);
  writer->commit(false);
}

inline void put(Database& database, const std::string& key, const std::string& value) {
  in_transaction(database, [&](Writer& writer) { writer.put_value(key, as_bytes(value)); });
}

}  // namespace syncline::state
