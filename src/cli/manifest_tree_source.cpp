// SPDX-License-Identifier: Apache-2.0
// Directories and state databases as input of `syncline manifest`.
#include <algorithm>
#include <set>

#include "cli/manifest_source.hpp"
#include "state/state.hpp"

namespace syncline::cli {
namespace {

using manifest::EntryType;

manifest::EntryType type_of(const fs::Stat& stat) {
  static_assert(static_cast<int>(EntryType::regular) == static_cast<int>(fs::FileType::regular));
  static_assert(static_cast<int>(EntryType::block_device) == static_cast<int>(fs::FileType::block_device));
  return static_cast<EntryType>(stat.type);
}

Item item_of(RelPath path, const fs::Stat& stat) {
  Item item;
  item.path = std::move(path);
  item.type = type_of(stat);
  item.mode = stat.mode;
  item.mtime_ns = stat.mtime_ns;
  if (item.type == EntryType::regular) item.size_bytes = stat.size_bytes;
  return item;
}

class DirectorySource final : public Source {
 public:
  DirectorySource(const std::string& path, Problems& problems)
      : path_(path), root_(fs::linux_fs().open_root(path)), problems_(problems) {}
  SourceKind kind() const override { return SourceKind::directory; }

  void each(Want want, const std::function<void(Item&&)>& use) override { walk(*root_, {}, want, use); }

  std::unique_ptr<fs::File> open(const RelPath& path) override {
    return root_->open_beneath(path.parent())->open_read(std::string(path.name()));
  }

 private:
  void walk(const fs::Dir& dir, const RelPath& path, Want want, const std::function<void(Item&&)>& use) {
    const auto listing = dir.list();
    for (const auto& unknown : listing.unknown)
      problems_.add(shown(path.child(unknown.name)), std::generic_category().message(unknown.error_number));
    for (const auto& entry : listing.entries) {
      // The service directory of a destination is no part of its content.
      if (path.is_root() && entry.name == ".syncline") continue;
      try {
        visit(dir, entry, path.child(entry.name), want, use);
      } catch (const Error& error) {
        if (error.is(Errc::cancelled)) throw;
        problems_.add(shown(path.child(entry.name)), error.code().message());
      }
    }
  }

  void visit(const fs::Dir& dir, const fs::DirEntry& entry, const RelPath& path, Want want,
             const std::function<void(Item&&)>& use) {
    auto item = item_of(path, entry.stat);
    if (item.type == EntryType::symlink) item.link_target = dir.read_link(entry.name);
    if (item.type == EntryType::regular && want == Want::manifests) {
      item.manifest = manifest_of(*dir.open_read(entry.name));
      item.size_bytes = item.manifest->size_bytes;
    }
    const bool enter = item.type == EntryType::directory;
    use(std::move(item));
    if (enter) walk(*dir.open_dir(entry.name), path, want, use);
  }

  std::string shown(const RelPath& path) const { return escape_name(path_ + "/" + path.text()); }

  std::string path_;
  std::unique_ptr<fs::Dir> root_;
  Problems& problems_;
};

/// The tree that a state database remembers. Directories whose parent does not name them are listed
/// below "#NUMBER", so that nothing that is stored stays unseen.
class DatabaseSource final : public Source {
 public:
  DatabaseSource(const std::string& path, Problems& problems)
      : database_(state::Database::open(path, true)), reader_(database_->reader()), problems_(problems) {
    if (const auto root = database_->value("root"); root && root->size() == 16) {
      ByteReader in(*root);
      root_device_ = in.u64();
      root_inode_ = in.u64();
    }
  }
  SourceKind kind() const override { return SourceKind::state_database; }

  void each(Want, const std::function<void(Item&&)>& use) override {
    const auto all = reader_->dirs();
    left_ = {all.begin(), all.end()};
    walk(state::dir_id(root_device_, root_inode_, root_device_), {}, use);
    while (!left_.empty()) {
      const auto id = *left_.begin();
      walk(id, RelPath().child("#" + std::to_string(id)), use);
    }
  }

  std::unique_ptr<fs::File> open(const RelPath&) override { return nullptr; }

 private:
  void walk(state::DirId id, const RelPath& path, const std::function<void(Item&&)>& use) {
    if (left_.erase(id) == 0) return;
    try {
      const auto record = reader_->dir(id);
      if (!record) return;
      for (const auto& entry : record->entries) {
        const auto child = path.child(entry.name);
        auto item = item_of(child, entry.stat);
        item.link_target = entry.link_target;
        if (item.type == EntryType::regular) item.manifest = stored_manifest(entry);
        const bool enter = item.type == EntryType::directory;
        use(std::move(item));
        if (enter) walk(state::dir_id(entry.stat.device, entry.stat.inode, root_device_), child, use);
      }
    } catch (const Error& error) {
      if (!error.is(Errc::corrupt)) throw;
      problems_.add(error);
    }
  }

  std::optional<manifest::Manifest> stored_manifest(const state::StoredEntry& entry) {
    if (entry.manifest_id != 0) return reader_->manifest(entry.manifest_id);
    if (!entry.only_chunk && !(entry.content && entry.stat.size_bytes == 0)) return std::nullopt;
    manifest::Manifest out{manifest::params_for_size(entry.stat.size_bytes), entry.stat.size_bytes, {}};
    if (entry.only_chunk) out.chunks.push_back(*entry.only_chunk);
    return out;
  }

  std::unique_ptr<state::Database> database_;
  std::unique_ptr<state::Reader> reader_;
  std::set<state::DirId> left_;
  std::uint64_t root_device_ = 0;
  std::uint64_t root_inode_ = 0;
  Problems& problems_;
};

}  // namespace

std::unique_ptr<Source> directory_source(const std::string& path, Problems& problems) {
  return std::make_unique<DirectorySource>(path, problems);
}

std::unique_ptr<Source> database_source(const std::string& path, Problems& problems) {
  return std::make_unique<DatabaseSource>(path, problems);
}

}  // namespace syncline::cli
