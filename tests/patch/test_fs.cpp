// SPDX-License-Identifier: Apache-2.0
// The decorators behind make_test_fs().
#include "test_fs.hpp"

#include <utility>

namespace syncline::test {
namespace {

class TestFile final : public fs::File {
 public:
  TestFile(std::unique_ptr<fs::File> inner, const TestFsOptions& options)
      : inner_(std::move(inner)), options_(options) {}
  static const fs::File& unwrap(const fs::File& file) {
    const auto* wrapped = dynamic_cast<const TestFile*>(&file);
    return wrapped != nullptr ? *wrapped->inner_ : file;
  }

  fs::Stat stat() const override { return inner_->stat(); }
  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override {
    return inner_->pread(out, offset);
  }
  std::optional<fs::Extent> extent_at(std::uint64_t offset) const override {
    return inner_->extent_at(offset);
  }
  void pwrite(ByteView data, std::uint64_t offset) override { inner_->pwrite(data, offset); }
  void truncate(std::uint64_t size_bytes) override { inner_->truncate(size_bytes); }
  void preallocate(std::uint64_t offset, std::uint64_t length_bytes, bool keep_size) override {
    inner_->preallocate(offset, length_bytes, keep_size);
  }
  void punch(std::uint64_t offset, std::uint64_t length_bytes) override {
    inner_->punch(offset, length_bytes);
  }
  void copy_range(const fs::File& source, std::uint64_t source_offset, std::uint64_t offset,
                  std::uint64_t length_bytes) override {
    inner_->copy_range(unwrap(source), source_offset, offset, length_bytes);
  }
  bool clone_from(const fs::File& source) override {
    if (!options_.can_clone) return false;
    const auto size = source.stat().size_bytes;
    inner_->truncate(size);
    if (size > 0) inner_->copy_range(unwrap(source), 0, 0, size);
    return true;
  }
  std::optional<std::uint64_t> extent_count() const override { return inner_->extent_count(); }
  void set_mode(std::uint32_t mode) override { inner_->set_mode(mode); }
  void set_owner(std::uint32_t uid, std::uint32_t gid) override { inner_->set_owner(uid, gid); }
  void set_mtime(std::int64_t mtime_ns) override { inner_->set_mtime(mtime_ns); }
  std::vector<fs::XattrPair> xattrs() const override { return inner_->xattrs(); }
  void set_xattr(const std::string& name, ByteView value) override { inner_->set_xattr(name, value); }
  void remove_xattr(const std::string& name) override { inner_->remove_xattr(name); }
  void start_writeback() noexcept override {
    if (options_.writebacks != nullptr) ++*options_.writebacks;
  }
  void sync_data() override {}
  void sync() override {}
  bool try_lease() override {
    if (options_.leases_refused != nullptr && --*options_.leases_refused >= 0) return false;
    return options_.can_lease && inner_->try_lease();
  }

 private:
  std::unique_ptr<fs::File> inner_;
  TestFsOptions options_;
};

class TestDir final : public fs::Dir {
 public:
  TestDir(std::unique_ptr<fs::Dir> inner, const TestFsOptions& options)
      : inner_(std::move(inner)), options_(options) {}
  static fs::Dir& unwrap(fs::Dir& dir) {
    auto* wrapped = dynamic_cast<TestDir*>(&dir);
    return wrapped != nullptr ? *wrapped->inner_ : dir;
  }
  static const fs::Dir& unwrap(const fs::Dir& dir) { return unwrap(const_cast<fs::Dir&>(dir)); }

  fs::Stat stat() const override { return inner_->stat(); }
  fs::Listing list() const override { return inner_->list(); }
  std::vector<std::string> subdirs() const override { return inner_->subdirs(); }
  std::optional<fs::Stat> stat_at(const std::string& name) const override { return inner_->stat_at(name); }
  std::unique_ptr<fs::Dir> open_dir(const std::string& name) const override {
    return wrap(inner_->open_dir(name));
  }
  std::unique_ptr<fs::Dir> open_beneath(const RelPath& path) const override {
    return wrap(inner_->open_beneath(path));
  }
  std::unique_ptr<fs::File> open_read(const std::string& name, fs::Stat* opened) const override {
    return wrap(inner_->open_read(name, opened));
  }
  std::unique_ptr<fs::File> open_write(const std::string& name) const override {
    return wrap(inner_->open_write(name));
  }
  std::unique_ptr<fs::File> create(const std::string& name, std::uint32_t mode) override {
    return wrap(inner_->create(name, mode));
  }
  std::unique_ptr<fs::File> open_append(const std::string& name, std::uint32_t mode) override {
    return wrap(inner_->open_append(name, mode));
  }
  std::string read_link(const std::string& name) const override { return inner_->read_link(name); }
  std::vector<fs::XattrPair> xattrs_at(const std::string& name) const override {
    return inner_->xattrs_at(name);
  }
  void make_dir(const std::string& name, std::uint32_t mode) override { inner_->make_dir(name, mode); }
  void make_symlink(const std::string& name, const std::string& target) override {
    inner_->make_symlink(name, target);
  }
  void make_node(const std::string& name, fs::FileType type, std::uint32_t mode, std::uint32_t device_major,
                 std::uint32_t device_minor) override {
    inner_->make_node(name, type, mode, device_major, device_minor);
  }
  void make_link(const fs::Dir& from, const std::string& from_name, const std::string& name) override {
    inner_->make_link(unwrap(from), from_name, name);
  }
  void rename(const std::string& name, fs::Dir& to, const std::string& to_name) override {
    inner_->rename(name, unwrap(to), to_name);
  }
  void rename_new(const std::string& name, fs::Dir& to, const std::string& to_name) override {
    inner_->rename_new(name, unwrap(to), to_name);
  }
  void rename_exchange(const std::string& name, fs::Dir& to, const std::string& to_name) override {
    inner_->rename_exchange(name, unwrap(to), to_name);
  }
  void unlink(const std::string& name) override { inner_->unlink(name); }
  void remove_dir(const std::string& name) override { inner_->remove_dir(name); }
  void set_owner_at(const std::string& name, std::uint32_t uid, std::uint32_t gid) override {
    inner_->set_owner_at(name, uid, gid);
  }
  void set_mtime_at(const std::string& name, std::int64_t mtime_ns) override {
    inner_->set_mtime_at(name, mtime_ns);
  }
  void set_mode_at(const std::string& name, std::uint32_t mode) override { inner_->set_mode_at(name, mode); }
  void set_xattr_at(const std::string& name, const std::string& xattr, ByteView value) override {
    inner_->set_xattr_at(name, xattr, value);
  }
  void remove_xattr_at(const std::string& name, const std::string& xattr) override {
    inner_->remove_xattr_at(name, xattr);
  }
  void set_mode(std::uint32_t mode) override { inner_->set_mode(mode); }
  void set_owner(std::uint32_t uid, std::uint32_t gid) override { inner_->set_owner(uid, gid); }
  void set_mtime(std::int64_t mtime_ns) override { inner_->set_mtime(mtime_ns); }
  std::vector<fs::XattrPair> xattrs() const override { return inner_->xattrs(); }
  void set_xattr(const std::string& name, ByteView value) override { inner_->set_xattr(name, value); }
  void remove_xattr(const std::string& name) override { inner_->remove_xattr(name); }
  void sync() override {}
  void sync_filesystem() override {}
  bool has_reliable_syncfs() const override { return options_.reliable_syncfs; }
  std::uint64_t free_bytes() const override { return inner_->free_bytes(); }
  bool try_lock() override { return inner_->try_lock(); }

 private:
  std::unique_ptr<fs::Dir> wrap(std::unique_ptr<fs::Dir> dir) const {
    return std::make_unique<TestDir>(std::move(dir), options_);
  }
  std::unique_ptr<fs::File> wrap(std::unique_ptr<fs::File> file) const {
    return std::make_unique<TestFile>(std::move(file), options_);
  }

  std::unique_ptr<fs::Dir> inner_;
  TestFsOptions options_;
};

class TestFs final : public fs::Fs {
 public:
  TestFs(fs::Fs& inner, const TestFsOptions& options) : inner_(inner), options_(options) {}
  std::unique_ptr<fs::Dir> open_root(const std::string& path) override {
    return std::make_unique<TestDir>(inner_.open_root(path), options_);
  }
  std::optional<fs::Stat> stat_path(const std::string& path, bool follow) override {
    return inner_.stat_path(path, follow);
  }
  void make_dirs(const std::string& path, std::uint32_t mode) override { inner_.make_dirs(path, mode); }
  std::string real_path(const std::string& path) override { return inner_.real_path(path); }
  std::uint32_t effective_uid() const override { return inner_.effective_uid(); }

 private:
  fs::Fs& inner_;
  TestFsOptions options_;
};

}  // namespace

std::unique_ptr<fs::Fs> make_test_fs(fs::Fs& inner, const TestFsOptions& options) {
  return std::make_unique<TestFs>(inner, options);
}

}  // namespace syncline::test
