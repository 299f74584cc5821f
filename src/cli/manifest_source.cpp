// SPDX-License-Identifier: Apache-2.0
// Telling inputs apart; files, saved manifests and tree exports.
#include "cli/manifest_source.hpp"

#include <algorithm>
#include <ostream>

#include "chunk/chunker.hpp"
#include "cli/exit_codes.hpp"
#include "cli/stop_signals.hpp"

namespace syncline::cli {
namespace {

constexpr std::uint64_t saved_bytes_max = std::uint64_t{16} << 30;
constexpr std::uint64_t two_threads_bytes = 8 << 20;  // below, a second thread costs more than it saves
constexpr std::string_view sqlite_magic{"SQLite format 3\0", 16};
constexpr std::size_t application_id_offset = 68;
constexpr std::string_view state_application_id = "SLst";

Error cancelled() { return Error(Errc::cancelled, "manifest"); }

SourceKind kind_of(const fs::File& file) {
  std::array<std::byte, application_id_offset + 4> start{};
  const auto length = file.pread(start, 0);
  const auto text = as_text(ByteView(start).first(length));
  if (text.starts_with(manifest::manifest_magic)) return SourceKind::saved_manifest;
  if (text.starts_with(manifest::tree_magic)) return SourceKind::tree_export;
  if (text.starts_with(sqlite_magic) && text.ends_with(state_application_id))
    return SourceKind::state_database;
  return SourceKind::file;
}

class FileSource final : public Source {
 public:
  explicit FileSource(const std::string& path) {
    std::tie(dir_, name_) = open_parent(path);
    open({});
  }
  SourceKind kind() const override { return SourceKind::file; }
  void each(Want want, const std::function<void(Item&&)>& use) override {
    const auto file = open({});
    const auto stat = file->stat();
    Item item;
    item.mode = stat.mode;
    item.size_bytes = stat.size_bytes;
    item.mtime_ns = stat.mtime_ns;
    if (want == Want::manifests) item.manifest = manifest_of(*file);
    use(std::move(item));
  }
  std::unique_ptr<fs::File> open(const RelPath&) override { return dir_->open_read(name_); }

 private:
  std::unique_ptr<fs::Dir> dir_;
  std::string name_;
};

Item item_of(manifest::TreeEntry&& entry) {
  Item item;
  item.path = std::move(entry.path);
  item.type = entry.type;
  item.mode = entry.mode;
  item.mtime_ns = entry.mtime_ns;
  item.link_target = std::move(entry.link_target);
  if (item.type != manifest::EntryType::regular) return item;
  item.size_bytes = entry.manifest.size_bytes;
  item.manifest = std::move(entry.manifest);
  return item;
}

class SavedSource final : public Source {
 public:
  SavedSource(const std::string& path, SourceKind kind)
      : kind_(kind), data_(read_whole(path, saved_bytes_max)) {}
  SourceKind kind() const override { return kind_; }
  void each(Want, const std::function<void(Item&&)>& use) override {
    if (kind_ == SourceKind::tree_export) {
      for (auto& entry : manifest::decode_tree(data_)) use(item_of(std::move(entry)));
      return;
    }
    Item item;
    item.manifest = manifest::decode_local(data_);
    item.size_bytes = item.manifest->size_bytes;
    use(std::move(item));
  }
  std::unique_ptr<fs::File> open(const RelPath&) override { return nullptr; }

 private:
  SourceKind kind_;
  Bytes data_;
};

}  // namespace

void Problems::add(const std::exception& error) {
  const auto failure = explain(error);
  add(failure.subject, failure.cause);
}

void Problems::add(const std::string& subject, const std::string& cause) {
  ++count_;
  err_ << "syncline: " << subject << (subject.empty() ? "" : ": ") << cause << "; the rest goes on"
       << std::endl;
}

const char* kind_name(SourceKind kind) {
  switch (kind) {
    case SourceKind::file: return "file";
    case SourceKind::directory: return "directory";
    case SourceKind::saved_manifest: return "saved manifest";
    case SourceKind::tree_export: return "tree export";
    case SourceKind::state_database: return "state database";
  }
  return "";
}

std::unique_ptr<Source> open_source(const std::string& path, bool raw, Problems& problems) {
  const auto stat = fs::linux_fs().stat_path(path, true);
  if (!stat) throw Error(ENOENT, escape_name(path));
  if (stat->type == fs::FileType::directory) return directory_source(path, problems);
  if (stat->type != fs::FileType::regular)
    throw Error(Errc::usage, escape_name(path) + " is neither a file nor a directory");
  if (raw) return file_source(path);
  const auto [dir, name] = open_parent(path);
  const auto kind = kind_of(*dir->open_read(name));
  if (kind == SourceKind::file) return file_source(path);
  if (kind == SourceKind::state_database) return database_source(path, problems);
  return saved_source(path, kind);
}

std::unique_ptr<Source> file_source(const std::string& path) { return std::make_unique<FileSource>(path); }

std::unique_ptr<Source> saved_source(const std::string& path, SourceKind kind) {
  return std::make_unique<SavedSource>(path, kind);
}

std::pair<std::unique_ptr<fs::Dir>, std::string> open_parent(const std::string& path) {
  const auto real = fs::linux_fs().real_path(path);
  const auto slash = real.rfind('/');
  return {fs::linux_fs().open_root(slash == 0 ? "/" : real.substr(0, slash)), real.substr(slash + 1)};
}

manifest::Manifest manifest_of(const fs::File& file) {
  // Nothing here outlives the command, so the keyed digests need no secret.
  static const hash::QuickKey key{std::array<std::byte, hash::QuickKey::size_bytes>{}};
  const auto size = file.stat().size_bytes;
  return chunk::import_file(file, size, manifest::params_for_size(size), key,
                            size < two_threads_bytes ? 1 : 2, [](std::uint64_t) {
                              if (stop_requested()) throw cancelled();
                            });
}

Bytes read_whole(const std::string& path, std::uint64_t bytes_max) {
  const auto [dir, name] = open_parent(path);
  const auto file = dir->open_read(name);
  const auto size = file->stat().size_bytes;
  if (size > bytes_max) throw Error(Errc::limit_exceeded, escape_name(path));
  Bytes data(static_cast<std::size_t>(size));
  data.resize(file->pread(data, 0));
  return data;
}

}  // namespace syncline::cli
