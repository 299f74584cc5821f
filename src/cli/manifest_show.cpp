// SPDX-License-Identifier: Apache-2.0
// `syncline manifest show`, `export` and `save`: what is in a manifest, for people, programs and files.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/exit_codes.hpp"
#include "cli/manifest_actions.hpp"
#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

using manifest::EntryType;
using manifest::Manifest;

constexpr int offset_columns = 15;
constexpr int length_columns = 9;

std::string right(const std::string& text, std::size_t columns) {
  return text.size() >= columns ? text : std::string(columns - text.size(), ' ') + text;
}

void print_chunks(const Manifest& manifest, std::ostream& out) {
  out << right("offset", offset_columns) << right("length", length_columns) << "  id\n";
  std::uint64_t offset = 0;
  for (const auto& chunk : manifest.chunks) {
    out << right(std::to_string(offset), offset_columns)
        << right(std::to_string(chunk.length_bytes), length_columns) << "  " << chunk.id.hex();
    if (chunk.repeat_count != 1) out << " x " << grouped(chunk.repeat_count);
    out << '\n';
    offset += chunk.total_bytes();
  }
}

void print_manifest(const Manifest& manifest, std::ostream& out) {
  const auto& params = manifest.params;
  out << "  " << counted(manifest.size_bytes, "byte") << ", " << counted(manifest.chunks.size(), "record")
      << " of " << params.min_bytes << ".." << params.max_bytes << " bytes, " << params.avg_bytes
      << " aimed at\n"
      << "  root " << manifest.root().hex() << '\n';
  if (!manifest.chunks.empty()) print_chunks(manifest, out);
}

void print_item(const Item& item, const std::string& input, std::ostream& out) {
  out << escape_name(item.path.is_root() ? input : item.path.text());
  if (item.type == EntryType::directory) out << '/';
  if (item.type == EntryType::symlink) out << " -> " << escape_name(item.link_target);
  if (item.type == EntryType::regular && !item.manifest) out << " (content not recorded)";
  if (item.type > EntryType::symlink) out << " (" << type_name(item.type) << ")";
  out << '\n';
  if (item.manifest) print_manifest(*item.manifest, out);
}

Json chunk_list(const Manifest& manifest) {
  Json list = Json::array();
  std::uint64_t offset = 0;
  for (const auto& chunk : manifest.chunks) {
    list.push_back({{"offset", offset},
                    {"length", chunk.length_bytes},
                    {"repeat", chunk.repeat_count},
                    {"id", chunk.id.hex()}});
    offset += chunk.total_bytes();
  }
  return list;
}

Json json_of(const Item& item, const std::string& input) {
  Json record;
  record["type"] = type_name(item.type);
  put_name(record, "path", item.path.is_root() ? input : item.path.text());
  record["mode"] = item.mode;
  record["mtime_ns"] = item.mtime_ns;
  if (item.type == EntryType::symlink) put_name(record, "link_target", item.link_target);
  if (item.type != EntryType::regular) return record;
  record["size"] = item.size_bytes;
  if (!item.manifest) return record;
  const auto& params = item.manifest->params;
  record["root"] = item.manifest->root().hex();
  record["algorithm"] = "blake3-256";
  record["params"] = {{"min", params.min_bytes}, {"avg", params.avg_bytes}, {"max", params.max_bytes}};
  record["chunks"] = chunk_list(*item.manifest);
  return record;
}

/// Under a temporary name first, so that a reader of OUT sees all or nothing.
void write_file(const std::string& path, ByteView data) {
  const auto slash = path.rfind('/');
  const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
  const auto dir = fs::linux_fs().open_root(slash == std::string::npos ? "."
                                            : slash == 0               ? "/"
                                                                       : path.substr(0, slash));
  const auto temp = ".syncline-save-" + hash::blake3(data).hex().substr(0, 16);
  if (dir->stat_at(temp)) dir->unlink(temp);
  const auto file = dir->create(temp);
  try {
    file->pwrite(data, 0);
    file->set_mode(0644);
    file->sync();
    dir->rename(temp, *dir, name);
  } catch (...) {
    dir->unlink(temp);
    throw;
  }
}

Bytes saved_form(Source& source) {
  std::vector<manifest::TreeEntry> entries;
  source.each(Want::manifests, [&](Item&& item) {
    // A database may not know the content of a file; the export then leaves the file out.
    if (item.type == EntryType::regular && !item.manifest) return;
    manifest::TreeEntry entry{std::move(item.path),        item.type, item.mode, item.mtime_ns,
                              std::move(item.link_target), {}};
    if (item.manifest) entry.manifest = std::move(*item.manifest);
    entries.push_back(std::move(entry));
  });
  if (source.is_single()) return manifest::encode(entries.at(0).manifest);
  std::ranges::sort(entries, {}, [](const auto& entry) -> const std::string& { return entry.path.text(); });
  return manifest::encode_tree(entries);
}

}  // namespace

int show_manifest(const ManifestOptions& options, Console& console) {
  if (options.json) return export_manifest(options, console);
  Problems problems(console.err);
  const auto source = open_source(options.first, options.raw, problems);
  if (!source->is_single())
    console.out << kind_name(source->kind()) << ' ' << escape_name(options.first) << '\n';
  source->each(Want::manifests, [&](Item&& item) { print_item(item, options.first, console.out); });
  return exit_code_of(problems);
}

int export_manifest(const ManifestOptions& options, Console& console) {
  Problems problems(console.err);
  const auto source = open_source(options.first, options.raw, problems);
  constexpr auto replace = Json::error_handler_t::replace;
  source->each(Want::manifests, [&](Item&& item) {
    console.out << json_of(item, options.first).dump(-1, ' ', false, replace) << '\n';
  });
  return exit_code_of(problems);
}

int save_manifest(const ManifestOptions& options, Console& console) {
  Problems problems(console.err);
  const auto source = open_source(options.first, options.raw, problems);
  const auto data = saved_form(*source);
  write_file(options.second, data);
  if (options.json) {
    Json record{{"type", "saved"}, {"bytes", data.size()}};
    put_name(record, "path", options.second);
    console.out << record.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    console.out << escape_name(options.second) << ": " << counted(data.size(), "byte") << '\n';
  }
  return exit_code_of(problems);
}

}  // namespace syncline::cli
