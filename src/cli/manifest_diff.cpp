// SPDX-License-Identifier: Apache-2.0
// `syncline manifest diff`: changed ranges of two inputs, and the bytes a sync would send.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/exit_codes.hpp"
#include "cli/manifest_actions.hpp"
#include "cli/manifest_predict.hpp"

namespace syncline::cli {
namespace {

using manifest::EntryType;
using ItemMap = std::map<RelPath, Item>;

constexpr auto replace = Json::error_handler_t::replace;

struct Side {
  std::string name;
  std::unique_ptr<Source> source;
  ItemMap items;
};

Side load(const std::string& path, bool raw, Problems& problems) {
  Side side{path, open_source(path, raw, problems), {}};
  side.source->each(Want::manifests, [&](Item&& item) {
    auto key = item.path;
    side.items.insert_or_assign(std::move(key), std::move(item));
  });
  return side;
}

ChunkSet chunks_of(const Side& side) {
  ChunkSet out;
  for (const auto& [path, item] : side.items)
    if (item.manifest)
      for (const auto& chunk : item.manifest->chunks) out.insert(chunk.id);
  return out;
}

class Diff {
 public:
  Diff(Side& old, Side& fresh, const ManifestOptions& options, Console& console)
      : old_(old),
        fresh_(fresh),
        options_(options),
        out_(console.out),
        known_(chunks_of(old)),
        predictor_(known_, options.level) {}

  void run() {
    if (!options_.json) print_heads();
    for (auto& [path, item] : fresh_.items) {
      const auto before = old_.items.find(path);
      compare(before == old_.items.end() ? nullptr : &before->second, item);
    }
    for (const auto& [path, item] : old_.items)
      if (!fresh_.items.contains(path)) report_entry("deleted", item);
    options_.json ? print_json_summary() : print_summary();
  }

 private:
  void compare(const Item* before, const Item& item) {
    if (before != nullptr && before->type == item.type && item.type != EntryType::regular) {
      if (before->link_target != item.link_target) report_entry("changed", item);
      return;
    }
    if (item.type != EntryType::regular) return report_entry(before == nullptr ? "added" : "changed", item);
    if (!item.manifest) return report_entry("unknown", item);
    const bool had = before != nullptr && before->manifest.has_value();
    if (had && same_content(*before->manifest, *item.manifest)) {
      total_.new_bytes += item.size_bytes;
      total_.kept_bytes += item.size_bytes;
      return;
    }
    compare_files(had ? &*before->manifest : nullptr, item);
  }

  static bool same_content(const manifest::Manifest& a, const manifest::Manifest& b) {
    return a.size_bytes == b.size_bytes && a.root() == b.root();
  }

  void compare_files(const manifest::Manifest* before, const Item& item) {
    manifest::Manifest nothing;
    nothing.params = item.manifest->params;
    const auto old_file = before != nullptr ? old_.source->open(item.path) : nullptr;
    const auto new_file = fresh_.source->open(item.path);
    std::vector<ChangedRange> ranges;
    const auto result = predictor_.file(before != nullptr ? *before : nothing, old_file.get(), *item.manifest,
                                        new_file.get(), &ranges);
    total_.add(result);
    ++changed_files_;
    if (before != nullptr && before->params != item.manifest->params) params_differ_ = true;
    options_.json ? print_json(item, before, result, ranges) : print(item, before, result, ranges);
  }

  std::string name_of(const Item& item) const { return item.path.is_root() ? fresh_.name : item.path.text(); }

  void print_heads() {
    for (const auto& [mark, side] : {std::pair{"--- ", &old_}, {"+++ ", &fresh_}}) {
      out_ << mark << escape_name(side->name) << " (" << kind_name(side->source->kind()) << ")\n";
    }
  }

  void report_entry(const char* what, const Item& item) {
    ++other_changes_;
    if (options_.json) {
      Json record{{"type", what}};
      put_name(record, "path", name_of(item));
      record["entry"] = type_name(item.type);
      out_ << record.dump(-1, ' ', false, replace) << '\n';
    } else {
      out_ << what << ' ' << type_name(item.type) << ' ' << escape_name(name_of(item)) << '\n';
    }
  }

  void print(const Item& item, const manifest::Manifest* before, const Prediction& result,
             const std::vector<ChangedRange>& ranges) {
    out_ << (before != nullptr ? "changed " : "added ") << "file " << escape_name(name_of(item)) << ": "
         << counted(ranges.size(), "changed range") << ", " << counted(result.sent_bytes, "byte")
         << " to send\n";
    if (before == nullptr) return;
    for (const auto& range : ranges) {
      out_ << "  " << range.new_offset << ".." << range.new_offset + range.new_bytes << " (was "
           << range.old_offset << ".." << range.old_offset + range.old_bytes
           << "): " << grouped(range.literal_bytes) << " of " << counted(range.new_bytes, "byte") << " new\n";
    }
  }

  void print_json(const Item& item, const manifest::Manifest* before, const Prediction& result,
                  const std::vector<ChangedRange>& ranges) {
    Json record{{"type", before != nullptr ? "changed" : "added"}};
    put_name(record, "path", name_of(item));
    record["entry"] = type_name(item.type);
    record["sent_bytes"] = result.sent_bytes;
    record["ranges"] = Json::array();
    for (const auto& range : ranges)
      record["ranges"].push_back({{"new_offset", range.new_offset},
                                  {"new_bytes", range.new_bytes},
                                  {"old_offset", range.old_offset},
                                  {"old_bytes", range.old_bytes},
                                  {"literal_bytes", range.literal_bytes}});
    out_ << record.dump(-1, ' ', false, replace) << '\n';
  }

  void print_summary() {
    const auto line = [&](const char* label, std::uint64_t bytes) {
      if (bytes != 0)
        out_ << label << counted(bytes, "byte") << " ("
             << percent(static_cast<double>(bytes), static_cast<double>(total_.new_bytes)) << ")\n";
    };
    if (changed_files_ + other_changes_ == 0) out_ << "equal content\n";
    line("in place     ", total_.kept_bytes);
    line("moved        ", total_.moved_bytes);
    line("zeros        ", total_.zero_bytes);
    line("elsewhere    ", total_.elsewhere_bytes);
    line("changed      ", total_.changed_bytes);
    line("new bytes    ", total_.literal_bytes);
    out_ << "to send      " << (total_.searched ? "about " : "at most ")
         << counted(total_.sent_bytes, "byte");
    if (total_.searched)
      out_ << " (block sums " << grouped(total_.sum_bytes) << ", zstd -" << options_.level << ")";
    else out_ << " before compression (content of one side is not at hand: whole changed chunks are counted)";
    out_ << '\n';
    if (params_differ_) out_ << "note: chunk sizes differ, so no chunk can be compared\n";
  }

  void print_json_summary() {
    Json record{{"type", "summary"}};
    record["equal"] = changed_files_ + other_changes_ == 0;
    record["changed_files"] = changed_files_;
    record["other_changes"] = other_changes_;
    record["new_bytes"] = total_.new_bytes;
    record["kept_bytes"] = total_.kept_bytes;
    record["moved_bytes"] = total_.moved_bytes;
    record["zero_bytes"] = total_.zero_bytes;
    record["elsewhere_bytes"] = total_.elsewhere_bytes;
    record["changed_bytes"] = total_.changed_bytes;
    record["literal_bytes"] = total_.literal_bytes;
    record["sum_bytes"] = total_.sum_bytes;
    record["sent_bytes"] = total_.sent_bytes;
    record["searched"] = total_.searched;
    out_ << record.dump() << '\n';
  }

  Side& old_;
  Side& fresh_;
  const ManifestOptions& options_;
  std::ostream& out_;
  ChunkSet known_;
  Predictor predictor_;
  Prediction total_;
  std::uint64_t changed_files_ = 0;
  std::uint64_t other_changes_ = 0;
  bool params_differ_ = false;
};

}  // namespace

int diff_manifests(const ManifestOptions& options, Console& console) {
  Problems problems(console.err);
  auto old = load(options.first, options.raw, problems);
  auto fresh = load(options.second, options.raw, problems);
  if (old.source->is_single() != fresh.source->is_single())
    throw Error(Errc::usage, "a file cannot be compared with a directory: " + escape_name(options.first) +
                                 " and " + escape_name(options.second));
  Diff(old, fresh, options, console).run();
  return exit_code_of(problems);
}

}  // namespace syncline::cli
