// SPDX-License-Identifier: Apache-2.0
// The decorators behind FaultFs.
#include "support/fault_fs.hpp"

#include <unistd.h>

#include <csignal>
#include <mutex>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace syncline::test {
namespace {

constexpr std::uint64_t every = ~std::uint64_t{0};

struct Fault {
  std::string op;  ///< empty: `first` and `last` count all calls, else those of this operation
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< inclusive
  Moment moment = Moment::before;
  std::function<void()> action;
  std::uint64_t op_calls = 0;
};

std::function<void()> throwing(int error_number) {
  return [error_number] { throw Error(error_number, "injected fault"); };
}

std::function<void()> killing() {
  return [] {
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  };
}

}  // namespace

struct FaultState {
  explicit FaultState(Counted counted_calls) : counted(counted_calls) {}

  struct Hit {
    Moment moment = Moment::before;
    std::function<void()> action;
  };

  void add(Fault fault) {
    const std::lock_guard lock(mutex);
    faults.push_back(std::move(fault));
  }

  Hit enter(const char* op, const std::string& detail, bool mutating) {
    if (!mutating && counted == Counted::mutating) return {};
    const std::lock_guard lock(mutex);
    ++count;
    trace.push_back(detail.empty() ? std::string(op) : std::string(op) + " " + detail);
    Hit hit;
    for (auto& fault : faults) {
      if (!fault.op.empty() && fault.op != op) continue;
      const auto number = fault.op.empty() ? count : ++fault.op_calls;
      if (number < fault.first || number > fault.last || hit.action) continue;
      ++struck;
      hit = {fault.moment, fault.action};
    }
    return hit;
  }

  /// Before a call that has no number: only a fault that names the operation strikes.
  void enter_uncounted(const char* op) {
    std::function<void()> action;
    {
      const std::lock_guard lock(mutex);
      for (auto& fault : faults) {
        if (fault.op != op || ++fault.op_calls < fault.first || fault.op_calls > fault.last) continue;
        ++struck;
        action = fault.action;
      }
    }
    if (action) action();
  }

  /// Makes one call with its fault, if any. `torn` does a part of it.
  template <class Call, class Torn>
  auto run(const char* op, const std::string& detail, bool mutating, Call&& call, Torn&& torn) {
    const Hit hit = enter(op, detail, mutating);
    if (hit.action && hit.moment == Moment::torn) torn();
    if (hit.action && hit.moment != Moment::after) hit.action();
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      if (hit.action && hit.moment == Moment::after) hit.action();
    } else {
      auto result = call();
      if (hit.action && hit.moment == Moment::after) hit.action();
      return result;
    }
  }
  template <class Call>
  auto read(const char* op, const std::string& detail, Call&& call) {
    return run(op, detail, false, call, [] {});
  }
  template <class Call>
  auto change(const char* op, const std::string& detail, Call&& call) {
    return run(op, detail, true, call, [] {});
  }

  mutable std::mutex mutex;
  const Counted counted;
  std::vector<Fault> faults;
  std::uint64_t count = 0;
  std::uint64_t struck = 0;
  std::vector<std::string> trace;
};

namespace {

using State = std::shared_ptr<FaultState>;

/// About half. From a sector on up to a sector boundary of the file: neither a kill nor a power cut
/// tears a sector, and recovery may rely on that.
std::uint64_t torn_length(std::uint64_t offset, std::uint64_t length_bytes) {
  constexpr std::uint64_t sector_bytes = 512;
  if (length_bytes < sector_bytes) return length_bytes / 2;
  const auto end = (offset + length_bytes / 2) / sector_bytes * sector_bytes;
  return end > offset ? end - offset : 0;
}

std::string range_text(const std::string& name, std::uint64_t offset, std::uint64_t length_bytes) {
  return name + " @" + std::to_string(offset) + " +" + std::to_string(length_bytes);
}

class FaultFile final : public fs::File {
 public:
  FaultFile(std::unique_ptr<fs::File> inner, State state, std::string name)
      : inner_(std::move(inner)), state_(std::move(state)), name_(std::move(name)) {}

  /// Calls between two files must see the real ones.
  static const fs::File& unwrap(const fs::File& file) {
    const auto* wrapped = dynamic_cast<const FaultFile*>(&file);
    return wrapped != nullptr ? *wrapped->inner_ : file;
  }

  fs::Stat stat() const override {
    return state_->read("stat", name_, [&] { return inner_->stat(); });
  }
  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override {
    return state_->read("pread", range_text(name_, offset, out.size()),
                        [&] { return inner_->pread(out, offset); });
  }
  std::optional<fs::Extent> extent_at(std::uint64_t offset) const override {
    return state_->read("extent_at", name_, [&] { return inner_->extent_at(offset); });
  }
  void pwrite(ByteView data, std::uint64_t offset) override {
    state_->run(
        "pwrite", range_text(name_, offset, data.size()), true, [&] { inner_->pwrite(data, offset); },
        [&] { inner_->pwrite(data.first(torn_length(offset, data.size())), offset); });
  }
  std::size_t append(ByteView data) override {
    return state_->run(
        "append", name_ + " +" + std::to_string(data.size()), true, [&] { return inner_->append(data); },
        [&] { (void)inner_->append(data.first(data.size() / 2)); });
  }
  void truncate(std::uint64_t size_bytes) override {
    state_->change("truncate", name_, [&] { inner_->truncate(size_bytes); });
  }
  void preallocate(std::uint64_t offset, std::uint64_t length_bytes, bool keep_size) override {
    state_->change("preallocate", range_text(name_, offset, length_bytes),
                   [&] { inner_->preallocate(offset, length_bytes, keep_size); });
  }
  void punch(std::uint64_t offset, std::uint64_t length_bytes) override {
    state_->change("punch", range_text(name_, offset, length_bytes),
                   [&] { inner_->punch(offset, length_bytes); });
  }
  void copy_range(const fs::File& source, std::uint64_t source_offset, std::uint64_t offset,
                  std::uint64_t length_bytes) override {
    const auto& from = unwrap(source);
    state_->run(
        "copy_range", range_text(name_, offset, length_bytes), true,
        [&] { inner_->copy_range(from, source_offset, offset, length_bytes); },
        [&] { inner_->copy_range(from, source_offset, offset, torn_length(offset, length_bytes)); });
  }
  bool clone_from(const fs::File& source) override {
    return state_->change("clone_from", name_, [&] { return inner_->clone_from(unwrap(source)); });
  }
  std::optional<std::uint64_t> extent_count() const override { return inner_->extent_count(); }
  void set_mode(std::uint32_t mode) override {
    state_->change("set_mode", name_, [&] { inner_->set_mode(mode); });
  }
  void set_owner(std::uint32_t uid, std::uint32_t gid) override {
    state_->change("set_owner", name_, [&] { inner_->set_owner(uid, gid); });
  }
  void set_mtime(std::int64_t mtime_ns) override {
    state_->change("set_mtime", name_, [&] { inner_->set_mtime(mtime_ns); });
  }
  std::vector<fs::XattrPair> xattrs() const override {
    return state_->read("xattrs", name_, [&] { return inner_->xattrs(); });
  }
  void set_xattr(const std::string& name, ByteView value) override {
    state_->change("set_xattr", name_, [&] { inner_->set_xattr(name, value); });
  }
  void remove_xattr(const std::string& name) override {
    state_->change("remove_xattr", name_, [&] { inner_->remove_xattr(name); });
  }
  void start_writeback() noexcept override { inner_->start_writeback(); }
  void sync_data() override {
    state_->change("sync_data", name_, [&] { inner_->sync_data(); });
  }
  void sync() override {
    state_->change("sync", name_, [&] { inner_->sync(); });
  }
  bool try_lease() override { return inner_->try_lease(); }

 private:
  std::unique_ptr<fs::File> inner_;
  State state_;
  std::string name_;
};

class FaultDir final : public fs::Dir {
 public:
  FaultDir(std::unique_ptr<fs::Dir> inner, State state)
      : inner_(std::move(inner)), state_(std::move(state)) {}

  static fs::Dir& unwrap(fs::Dir& dir) {
    auto* wrapped = dynamic_cast<FaultDir*>(&dir);
    return wrapped != nullptr ? *wrapped->inner_ : dir;
  }
  static const fs::Dir& unwrap(const fs::Dir& dir) { return unwrap(const_cast<fs::Dir&>(dir)); }

  fs::Stat stat() const override {
    return state_->read("stat", "", [&] { return inner_->stat(); });
  }
  fs::Listing list() const override {
    return state_->read("list", "", [&] { return inner_->list(); });
  }
  std::vector<std::string> subdirs() const override {
    return state_->read("subdirs", "", [&] { return inner_->subdirs(); });
  }
  std::optional<fs::Stat> stat_at(const std::string& name) const override {
    return state_->read("stat_at", name, [&] { return inner_->stat_at(name); });
  }
  std::unique_ptr<fs::Dir> open_dir(const std::string& name) const override {
    return state_->read("open_dir", name, [&] { return wrap(inner_->open_dir(name)); });
  }
  std::unique_ptr<fs::Dir> open_beneath(const RelPath& path) const override {
    return state_->read("open_beneath", path.text(), [&] { return wrap(inner_->open_beneath(path)); });
  }
  std::unique_ptr<fs::File> open_read(const std::string& name, fs::Stat* opened) const override {
    return state_->read("open_read", name, [&] { return wrap(inner_->open_read(name, opened), name); });
  }
  std::unique_ptr<fs::File> open_write(const std::string& name) const override {
    return state_->read("open_write", name, [&] { return wrap(inner_->open_write(name), name); });
  }
  std::unique_ptr<fs::File> create(const std::string& name, std::uint32_t mode) override {
    return state_->change("create", name, [&] { return wrap(inner_->create(name, mode), name); });
  }
  std::unique_ptr<fs::File> open_append(const std::string& name, std::uint32_t mode) override {
    return state_->change("open_append", name, [&] { return wrap(inner_->open_append(name, mode), name); });
  }
  std::string read_link(const std::string& name) const override {
    return state_->read("read_link", name, [&] { return inner_->read_link(name); });
  }
  std::vector<fs::XattrPair> xattrs_at(const std::string& name) const override {
    return state_->read("xattrs_at", name, [&] { return inner_->xattrs_at(name); });
  }

  void make_dir(const std::string& name, std::uint32_t mode) override {
    state_->change("make_dir", name, [&] { inner_->make_dir(name, mode); });
  }
  void make_symlink(const std::string& name, const std::string& target) override {
    state_->change("make_symlink", name, [&] { inner_->make_symlink(name, target); });
  }
  void make_node(const std::string& name, fs::FileType type, std::uint32_t mode, std::uint32_t device_major,
                 std::uint32_t device_minor) override {
    state_->change("make_node", name,
                   [&] { inner_->make_node(name, type, mode, device_major, device_minor); });
  }
  void make_link(const fs::Dir& from, const std::string& from_name, const std::string& name) override {
    state_->change("make_link", from_name + " -> " + name,
                   [&] { inner_->make_link(unwrap(from), from_name, name); });
  }
  void rename(const std::string& name, fs::Dir& to, const std::string& to_name) override {
    state_->change("rename", name + " -> " + to_name, [&] { inner_->rename(name, unwrap(to), to_name); });
  }
  void rename_new(const std::string& name, fs::Dir& to, const std::string& to_name) override {
    state_->change("rename_new", name + " -> " + to_name,
                   [&] { inner_->rename_new(name, unwrap(to), to_name); });
  }
  void rename_exchange(const std::string& name, fs::Dir& to, const std::string& to_name) override {
    state_->change("rename_exchange", name + " -> " + to_name,
                   [&] { inner_->rename_exchange(name, unwrap(to), to_name); });
  }
  void unlink(const std::string& name) override {
    state_->change("unlink", name, [&] { inner_->unlink(name); });
  }
  void remove_dir(const std::string& name) override {
    state_->change("remove_dir", name, [&] { inner_->remove_dir(name); });
  }

  void set_owner_at(const std::string& name, std::uint32_t uid, std::uint32_t gid) override {
    state_->change("set_owner_at", name, [&] { inner_->set_owner_at(name, uid, gid); });
  }
  void set_mtime_at(const std::string& name, std::int64_t mtime_ns) override {
    state_->change("set_mtime_at", name, [&] { inner_->set_mtime_at(name, mtime_ns); });
  }
  void set_mode_at(const std::string& name, std::uint32_t mode) override {
    state_->change("set_mode_at", name, [&] { inner_->set_mode_at(name, mode); });
  }
  void set_xattr_at(const std::string& name, const std::string& xattr, ByteView value) override {
    state_->change("set_xattr_at", name, [&] { inner_->set_xattr_at(name, xattr, value); });
  }
  void remove_xattr_at(const std::string& name, const std::string& xattr) override {
    state_->change("remove_xattr_at", name, [&] { inner_->remove_xattr_at(name, xattr); });
  }
  void set_mode(std::uint32_t mode) override {
    state_->change("set_mode", ".", [&] { inner_->set_mode(mode); });
  }
  void set_owner(std::uint32_t uid, std::uint32_t gid) override {
    state_->change("set_owner", ".", [&] { inner_->set_owner(uid, gid); });
  }
  void set_mtime(std::int64_t mtime_ns) override {
    state_->change("set_mtime", ".", [&] { inner_->set_mtime(mtime_ns); });
  }
  std::vector<fs::XattrPair> xattrs() const override {
    return state_->read("xattrs", ".", [&] { return inner_->xattrs(); });
  }
  void set_xattr(const std::string& name, ByteView value) override {
    state_->change("set_xattr", ".", [&] { inner_->set_xattr(name, value); });
  }
  void remove_xattr(const std::string& name) override {
    state_->change("remove_xattr", ".", [&] { inner_->remove_xattr(name); });
  }

  void sync() override {
    state_->change("sync", ".", [&] { inner_->sync(); });
  }
  void sync_filesystem() override {
    state_->change("sync_filesystem", "", [&] { inner_->sync_filesystem(); });
  }
  bool has_reliable_syncfs() const override { return inner_->has_reliable_syncfs(); }
  std::uint64_t free_bytes() const override {
    return state_->read("free_bytes", "", [&] { return inner_->free_bytes(); });
  }
  bool try_lock() override {
    state_->enter_uncounted("try_lock");
    return inner_->try_lock();
  }

 private:
  std::unique_ptr<fs::Dir> wrap(std::unique_ptr<fs::Dir> dir) const {
    return std::make_unique<FaultDir>(std::move(dir), state_);
  }
  std::unique_ptr<fs::File> wrap(std::unique_ptr<fs::File> file, const std::string& name) const {
    return std::make_unique<FaultFile>(std::move(file), state_, name);
  }

  std::unique_ptr<fs::Dir> inner_;
  State state_;
};

}  // namespace

FaultFs::FaultFs(fs::Fs& inner, Counted counted)
    : inner_(inner), state_(std::make_shared<FaultState>(counted)) {}
FaultFs::~FaultFs() = default;

void FaultFs::fail_at(std::uint64_t k, int error_number, Moment moment) {
  state_->add({"", k, k, moment, throwing(error_number)});
}
void FaultFs::fail_from(std::uint64_t k, int error_number, Moment moment) {
  state_->add({"", k, every, moment, throwing(error_number)});
}
void FaultFs::fail_op(const std::string& op, int error_number, std::uint64_t nth, Moment moment) {
  state_->add({op, nth, nth, moment, throwing(error_number)});
}
void FaultFs::fail_every(const std::string& op, int error_number, Moment moment) {
  state_->add({op, 1, every, moment, throwing(error_number)});
}
void FaultFs::kill_at(std::uint64_t k, Moment moment) { state_->add({"", k, k, moment, killing()}); }
void FaultFs::call_at(std::uint64_t k, std::function<void()> action, Moment moment) {
  state_->add({"", k, k, moment, std::move(action)});
}
void FaultFs::call_op(const std::string& op, std::function<void()> action, std::uint64_t nth, Moment moment) {
  state_->add({op, nth, nth, moment, std::move(action)});
}

void FaultFs::reset() {
  const std::lock_guard lock(state_->mutex);
  state_->faults.clear();
  state_->trace.clear();
  state_->count = state_->struck = 0;
}
std::uint64_t FaultFs::count() const {
  const std::lock_guard lock(state_->mutex);
  return state_->count;
}
std::uint64_t FaultFs::struck() const {
  const std::lock_guard lock(state_->mutex);
  return state_->struck;
}
std::vector<std::string> FaultFs::trace() const {
  const std::lock_guard lock(state_->mutex);
  return state_->trace;
}

std::unique_ptr<fs::Dir> FaultFs::open_root(const std::string& path) {
  return state_->read("open_root", path, [&]() -> std::unique_ptr<fs::Dir> {
    return std::make_unique<FaultDir>(inner_.open_root(path), state_);
  });
}
std::optional<fs::Stat> FaultFs::stat_path(const std::string& path, bool follow) {
  return state_->read("stat_path", path, [&] { return inner_.stat_path(path, follow); });
}
void FaultFs::make_dirs(const std::string& path, std::uint32_t mode) {
  state_->change("make_dirs", path, [&] { inner_.make_dirs(path, mode); });
}
std::string FaultFs::real_path(const std::string& path) {
  return state_->read("real_path", path, [&] { return inner_.real_path(path); });
}
std::uint32_t FaultFs::effective_uid() const { return inner_.effective_uid(); }

}  // namespace syncline::test
