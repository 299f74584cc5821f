// SPDX-License-Identifier: Apache-2.0
// `syncline manifest verify`: whether files still are what a manifest says, and where they first differ.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cli/exit_codes.hpp"
#include "cli/manifest_actions.hpp"
#include "cli/stop_signals.hpp"

namespace syncline::cli {
namespace {

using manifest::EntryType;

struct Mismatch {
  std::string what;  ///< "content", "size", "missing", "extra", "type", "target"
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// One chunk of `file` against its id; reuses `buffer`. False also where the file ends before it.
bool chunk_matches(const fs::File& file, std::uint64_t offset, const manifest::Chunk& chunk, Bytes& buffer) {
  buffer.resize(chunk.length_bytes);
  return file.pread(buffer, offset) == buffer.size() && hash::blake3(buffer) == chunk.id;
}

/// The first range of `file` that differs, chunk by chunk in order; at the end, the size.
std::optional<Mismatch> first_difference(const manifest::Manifest& manifest, const fs::File& file) {
  Bytes buffer;
  std::uint64_t offset = 0;
  const auto size = file.stat().size_bytes;
  for (const auto& chunk : manifest.chunks) {
    for (std::uint32_t k = 0; k < chunk.repeat_count; ++k, offset += chunk.length_bytes) {
      if (stop_requested()) throw Error(Errc::cancelled, "manifest verify");
      if (chunk_matches(file, offset, chunk, buffer)) continue;
      const auto end = offset + chunk.length_bytes;
      if (size <= offset || (size < end && offset == size))
        return Mismatch{"size", size, manifest.size_bytes - size};
      return Mismatch{"content", offset, chunk.length_bytes};
    }
  }
  if (size > manifest.size_bytes) return Mismatch{"size", manifest.size_bytes, size - manifest.size_bytes};
  return std::nullopt;
}

class Verification {
 public:
  Verification(Source& expected, Source& actual, const ManifestOptions& options, Console& console,
               Problems& problems)
      : expected_(expected), actual_(actual), options_(options), out_(console.out), problems_(problems) {}

  int run() {
    std::map<RelPath, Item> present;
    actual_.each(Want::names, [&](Item&& item) {
      auto path = item.path;
      present.emplace(std::move(path), std::move(item));
    });
    expected_.each(Want::manifests, [&](Item&& item) {
      const auto found = present.find(item.path);
      check(item, found == present.end() ? nullptr : &found->second);
      if (found != present.end()) present.erase(found);
    });
    for (const auto& [path, item] : present) report(item, {"extra"});
    finish();
    if (mismatches_ > 0) return exit_code::mismatch;
    return exit_code_of(problems_);
  }

 private:
  void check(const Item& item, const Item* found) {
    ++checked_;
    if (found == nullptr) return report(item, {"missing"});
    if (found->type != item.type) return report(item, {"type"});
    if (item.type == EntryType::symlink && found->link_target != item.link_target)
      return report(item, {"target"});
    if (item.type != EntryType::regular) return;
    if (!item.manifest) {
      problems_.add(shown(item), "its content is not recorded");
      return;
    }
    bytes_ += item.manifest->size_bytes;
    try {
      if (const auto bad = first_difference(*item.manifest, *actual_.open(item.path))) report(item, *bad);
    } catch (const Error& error) {
      if (error.is(Errc::cancelled)) throw;
      problems_.add(shown(item), error.code().message());
    }
  }

  std::string raw_name(const Item& item) const {
    return item.path.is_root() ? options_.second : options_.second + "/" + item.path.text();
  }
  std::string shown(const Item& item) const { return escape_name(raw_name(item)); }

  void report(const Item& item, const Mismatch& bad) {
    ++mismatches_;
    const bool range = bad.what == "content" || bad.what == "size";
    if (options_.json) {
      Json record{{"type", "mismatch"}};
      put_name(record, "path", raw_name(item));
      record["what"] = bad.what;
      if (range) record["offset"] = bad.offset, record["bytes"] = bad.bytes;
      out_ << record.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
      return;
    }
    out_ << shown(item) << ": " << sentence(item, bad) << '\n';
  }

  static std::string sentence(const Item& item, const Mismatch& bad) {
    if (bad.what == "content")
      return "bytes " + std::to_string(bad.offset) + ".." + std::to_string(bad.offset + bad.bytes) +
             " differ first";
    if (bad.what == "size" && item.manifest && bad.offset < item.manifest->size_bytes)
      return "ends at " + std::to_string(bad.offset) + ", " + counted(bad.bytes, "byte") + " short";
    if (bad.what == "size")
      return counted(bad.bytes, "byte") + " too long, from " + std::to_string(bad.offset);
    if (bad.what == "missing") return "is missing";
    if (bad.what == "extra") return std::string("is not in the manifest (") + type_name(item.type) + ")";
    if (bad.what == "target") return "points elsewhere";
    return "is not a " + std::string(type_name(item.type));
  }

  void finish() {
    if (options_.json) {
      out_ << Json{{"type", "summary"},
                   {"ok", mismatches_ == 0},
                   {"entries", checked_},
                   {"bytes", bytes_},
                   {"mismatches", mismatches_}}
                  .dump()
           << '\n';
    } else if (mismatches_ == 0 && problems_.count() == 0) {
      out_ << escape_name(options_.second) << ": "
           << (checked_ == 1 ? "1 entry, " : grouped(checked_) + " entries, ") << counted(bytes_, "byte")
           << ": as in the manifest\n";
    }
  }

  Source& expected_;
  Source& actual_;
  const ManifestOptions& options_;
  std::ostream& out_;
  Problems& problems_;
  std::uint64_t checked_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t mismatches_ = 0;
};

}  // namespace

int verify_manifest(const ManifestOptions& options, Console& console) {
  Problems problems(console.err);
  const auto expected = open_source(options.first, false, problems);
  if (expected->kind() == SourceKind::file || expected->kind() == SourceKind::directory)
    throw Error(
        Errc::usage,
        escape_name(options.first) +
            " is no saved manifest, tree export or state database: 'syncline manifest save' makes one");
  const auto actual = open_source(options.second, true, problems);
  if (expected->is_single() != actual->is_single())
    throw Error(Errc::usage, escape_name(options.first) + " is a " + kind_name(expected->kind()) + ", but " +
                                 escape_name(options.second) + " is a " + kind_name(actual->kind()));
  return Verification(*expected, *actual, options, console, problems).run();
}

}  // namespace syncline::cli
