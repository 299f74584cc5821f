// SPDX-License-Identifier: Apache-2.0
// A directory that tries again with more of its owner's bits, and the list of those that have them.
#include "fs/lent_access.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"

namespace syncline::fs {
namespace {

// As access(2) asks for them, of a directory's owner.
constexpr std::uint32_t may_read = 0400;
constexpr std::uint32_t may_write = 0200;
constexpr std::uint32_t may_enter = 0100;
constexpr std::uint32_t may_change = may_write | may_enter;

constexpr std::size_t loans_max = 64;

LentAccess::Id id_of(const Stat& stat) { return {stat.device, stat.inode}; }

}  // namespace

class LendingDir final : public Dir {
 public:
  LendingDir(std::shared_ptr<LentAccess> access, std::shared_ptr<Dir> inner)
      : access_(std::move(access)), inner_(std::move(inner)) {}

  Stat stat() const override { return inner_->stat(); }
  Listing list() const override { return inner_->list(); }
  std::vector<std::string> subdirs() const override { return inner_->subdirs(); }
  std::optional<Stat> stat_at(const std::string& name) const override {
    return entering([&] { return inner_->stat_at(name); });
  }
  std::unique_ptr<Dir> open_dir(const std::string& name) const override;
  std::unique_ptr<Dir> open_beneath(const RelPath& path) const override;
  std::unique_ptr<File> open_read(const std::string& name, Stat* opened) const override {
    return entering([&] { return inner_->open_read(name, opened); });
  }
  std::unique_ptr<File> open_write(const std::string& name) const override {
    return entering([&] { return inner_->open_write(name); });
  }
  std::unique_ptr<File> create(const std::string& name, std::uint32_t mode) override {
    return changing([&] { return inner_->create(name, mode); });
  }
  std::unique_ptr<File> open_append(const std::string& name, std::uint32_t mode) override {
    return changing([&] { return inner_->open_append(name, mode); });
  }
  std::string read_link(const std::string& name) const override {
    return entering([&] { return inner_->read_link(name); });
  }
  std::vector<XattrPair> xattrs_at(const std::string& name) const override {
    return entering([&] { return inner_->xattrs_at(name); });
  }
  void make_dir(const std::string& name, std::uint32_t mode) override {
    changing([&] { inner_->make_dir(name, mode); });
  }
  void make_symlink(const std::string& name, const std::string& target) override {
    changing([&] { inner_->make_symlink(name, target); });
  }
  void make_node(const std::string& name, FileType type, std::uint32_t mode, std::uint32_t device_major,
                 std::uint32_t device_minor) override {
    changing([&] { inner_->make_node(name, type, mode, device_major, device_minor); });
  }
  void make_link(const Dir& from, const std::string& from_name, const std::string& name) override;
  void rename(const std::string& name, Dir& to, const std::string& to_name) override {
    moving(name, to, nullptr, [&](Dir& there) { inner_->rename(name, there, to_name); });
  }
  void rename_new(const std::string& name, Dir& to, const std::string& to_name) override {
    moving(name, to, nullptr, [&](Dir& there) { inner_->rename_new(name, there, to_name); });
  }
  void rename_exchange(const std::string& name, Dir& to, const std::string& to_name) override {
    moving(name, to, &to_name, [&](Dir& there) { inner_->rename_exchange(name, there, to_name); });
  }
  void unlink(const std::string& name) override {
    changing([&] { inner_->unlink(name); });
  }
  void remove_dir(const std::string& name) override {
    changing([&] { inner_->remove_dir(name); });
  }

  void set_owner_at(const std::string& name, std::uint32_t uid, std::uint32_t gid) override {
    entering([&] { inner_->set_owner_at(name, uid, gid); });
  }
  void set_mtime_at(const std::string& name, std::int64_t mtime_ns) override {
    entering([&] { inner_->set_mtime_at(name, mtime_ns); });
  }
  void set_mode_at(const std::string& name, std::uint32_t mode) override;
  void set_xattr_at(const std::string& name, const std::string& xattr, ByteView value) override {
    entering([&] { inner_->set_xattr_at(name, xattr, value); });
  }
  void remove_xattr_at(const std::string& name, const std::string& xattr) override {
    entering([&] { inner_->remove_xattr_at(name, xattr); });
  }
  void set_mode(std::uint32_t mode) override;
  void set_owner(std::uint32_t uid, std::uint32_t gid) override { inner_->set_owner(uid, gid); }
  void set_mtime(std::int64_t mtime_ns) override { inner_->set_mtime(mtime_ns); }
  std::vector<XattrPair> xattrs() const override { return inner_->xattrs(); }
  void set_xattr(const std::string& name, ByteView value) override { inner_->set_xattr(name, value); }
  void remove_xattr(const std::string& name) override { inner_->remove_xattr(name); }
  void sync() override { inner_->sync(); }
  void sync_filesystem() override { inner_->sync_filesystem(); }
  bool has_reliable_syncfs() const override { return inner_->has_reliable_syncfs(); }
  std::uint64_t free_bytes() const override { return inner_->free_bytes(); }
  std::uint64_t file_system_id() const override { return inner_->file_system_id(); }
  bool try_lock() override { return inner_->try_lock(); }

 private:
  /// Calls `call`, and after an EACCES once more if `lend` (under the mutex) says that it may go better. The
  /// mutex is held meanwhile, so that no other thread takes back what was lent for this.
  template <class Call, class Lend>
  auto retried(Call&& call, Lend&& lend) const -> decltype(call()) {
    try {
      return call();
    } catch (const Error& error) {
      if (!error.is_errno(EACCES)) throw;
      const std::lock_guard lock(access_->mutex_);
      bool has_lent = false;
      try {
        has_lent = lend();
      } catch (const Error&) {
        // What the call itself said is what counts.
      }
      if (!has_lent) throw;
      struct Trim {
        LentAccess& access;
        ~Trim() { access.return_oldest(loans_max); }
      } trim{*access_};
      return call();
    }
  }
  template <class Call>
  auto entering(Call&& call) const -> decltype(call()) {
    return retried(call, [&] { return access_->lend(inner_, may_enter); });
  }
  template <class Call>
  auto changing(Call&& call) const -> decltype(call()) {
    return retried(call, [&] { return access_->lend(inner_, may_change); });
  }
  template <class Call>
  void moving(const std::string& name, Dir& to, const std::string* exchanged, Call&& call);
  std::unique_ptr<Dir> lending(std::unique_ptr<Dir> dir) const { return access_->lending(std::move(dir)); }

  std::shared_ptr<LentAccess> access_;
  std::shared_ptr<Dir> inner_;
};

std::unique_ptr<Dir> LendingDir::open_dir(const std::string& name) const {
  return lending(retried([&] { return inner_->open_dir(name); },
                         [&] {
                           const bool entered = access_->lend(inner_, may_enter);
                           return access_->lend_below(*inner_, name, may_read) || entered;
                         }));
}

/// Which of them is closed only going there tells.
std::unique_ptr<Dir> LendingDir::open_beneath(const RelPath& path) const {
  if (path.is_root())
    return lending(retried([&] { return inner_->open_beneath(path); },
                           [&] { return access_->lend(inner_, may_read | may_enter); }));
  try {
    return lending(inner_->open_beneath(path));
  } catch (const Error& error) {
    if (!error.is_errno(EACCES)) throw;
  }
  std::unique_ptr<Dir> at;
  for (const auto part : path.components())
    at = at ? at->open_dir(std::string(part)) : open_dir(std::string(part));
  return at;
}

void LendingDir::make_link(const Dir& from, const std::string& from_name, const std::string& name) {
  const auto* lending = dynamic_cast<const LendingDir*>(&from);
  const Dir& there = lending != nullptr ? *lending->inner_ : from;
  retried([&] { inner_->make_link(there, from_name, name); },
          [&] {
            const bool lent = access_->lend(inner_, may_change);
            return (lending != nullptr && access_->lend(lending->inner_, may_enter)) || lent;
          });
}

/// A directory that comes to be in another one is written to itself: its ".." changes.
template <class Call>
void LendingDir::moving(const std::string& name, Dir& to, const std::string* exchanged, Call&& call) {
  auto* other = dynamic_cast<LendingDir*>(&to);
  Dir& there = other != nullptr ? *other->inner_ : to;
  const auto lend = [&] {
    bool lent = access_->lend(inner_, may_change);
    if (other == nullptr) return lent;
    lent = access_->lend(other->inner_, may_change) || lent;
    if (id_of(inner_->stat()) == id_of(there.stat())) return lent;
    lent = access_->lend_below(*inner_, name, may_write) || lent;
    return (exchanged != nullptr && access_->lend_below(there, *exchanged, may_write)) || lent;
  };
  retried([&] { call(there); }, lend);
}

void LendingDir::set_mode_at(const std::string& name, std::uint32_t mode) {
  entering([&] { inner_->set_mode_at(name, mode); });
  const std::lock_guard lock(access_->mutex_);
  if (access_->loans_.empty()) return;
  if (const auto found = inner_->stat_at(name)) access_->settle(*found);
}

void LendingDir::set_mode(std::uint32_t mode) {
  const std::lock_guard lock(access_->mutex_);
  inner_->set_mode(mode);
  if (!access_->loans_.empty()) access_->settle(inner_->stat());
}

LentAccess::~LentAccess() { take_back(); }

std::unique_ptr<Dir> LentAccess::lending(std::shared_ptr<Dir> inner) {
  return std::make_unique<LendingDir>(shared_from_this(), std::move(inner));
}

bool LentAccess::has_lent(const Stat& stat) const {
  return std::ranges::find(loans_, id_of(stat), &Loan::id) != loans_.end();
}

/// Of a directory that was like `before`: asks for more, and remembers what it was.
void LentAccess::open_up(const std::shared_ptr<Dir>& dir, const Stat& before, std::uint32_t needed) {
  lent_.insert(id_of(before));
  auto loan = std::ranges::find(loans_, id_of(before), &Loan::id);
  if (loan == loans_.end()) loan = loans_.insert(loan, {dir, id_of(before), before.mode, before.mode});
  dir->set_mode(before.mode | needed);
  loan->lent_mode = dir->stat().mode;  // without set-group-id, where the group is not one of ours
}

/// True where a call that has failed for want of `needed` may go better now, thanks to this one or to another
/// thread.
bool LentAccess::lend(const std::shared_ptr<Dir>& dir, std::uint32_t needed) {
  const auto stat = dir->stat();
  if (stat.uid != own_uid_) return false;
  if ((stat.mode & needed) == needed) return has_lent(stat);
  open_up(dir, stat, needed);
  return true;
}

/// The same for a directory that is not open yet, and can be afterwards.
bool LentAccess::lend_below(Dir& parent, const std::string& name, std::uint32_t needed) {
  const auto stat = parent.stat_at(name);
  if (!stat || stat->type != FileType::directory || stat->uid != own_uid_) return false;
  if ((stat->mode & needed) == needed) return has_lent(*stat);
  if ((stat->mode & may_read) != 0) return lend(std::shared_ptr<Dir>(parent.open_dir(name)), needed);
  // By its name, which another directory may have taken by now: that must not be opened to anybody else.
  constexpr std::uint32_t others = 0077;
  parent.set_mode_at(name, (stat->mode & ~others) | may_read);
  std::shared_ptr<Dir> dir = parent.open_dir(name);
  if (id_of(dir->stat()) != id_of(*stat)) return false;
  open_up(dir, *stat, needed | may_read);
  return true;
}

void LentAccess::settle(const Stat& stat) {
  std::erase_if(loans_, [&](const Loan& loan) { return loan.id == id_of(stat); });
}

void LentAccess::return_oldest(std::size_t left) {
  while (loans_.size() > left) {
    const Loan loan = std::move(loans_.front());
    loans_.pop_front();
    try {
      // Given another mode by anybody: that one counts.
      if (loan.dir->stat().mode == loan.lent_mode) loan.dir->set_mode(loan.mode);
    } catch (const std::exception&) {
      // The owner's bits stay; the next run that compares modes sets them.
    }
  }
}

std::set<LentAccess::Id> LentAccess::take_back() noexcept {
  const std::lock_guard lock(mutex_);
  return_oldest(0);
  return std::exchange(lent_, {});
}

}  // namespace syncline::fs
