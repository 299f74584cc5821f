// SPDX-License-Identifier: Apache-2.0
// The `.syncline/` directory: opening, locking, starting files, and leaving no trace.
#include <cerrno>
#include <thread>
#include <utility>

#include "base/limits.hpp"
#include "patch/batch.hpp"
#include "patch/core.hpp"
#include "patch/identity.hpp"
#include "patch/inplace.hpp"
#include "patch/partial.hpp"
#include "patch/patch.hpp"
#include "patch/recovery.hpp"
#include "patch/rewrite.hpp"

namespace syncline::patch {
namespace {

const std::string area_name = ".syncline";
const std::string temp_dir_name = "tmp";

[[noreturn]] void throw_foreign(const RelPath& path) {
  throw Error(Errc::foreign, "'" + escape_name(path.text()) + "'");
}

bool is_errno_of(const Error& error, std::initializer_list<int> numbers) {
  for (const int number : numbers)
    if (error.is_errno(number)) return true;
  return false;
}

/// Journals and temporary files are believed, so nobody else may be able to put some there.
void check_private(const fs::Dir& dir, const fs::Stat& root, std::uint32_t own_uid) {
  const auto stat = dir.stat();
  const bool trusted_owner = stat.uid == own_uid || stat.uid == 0 || stat.uid == root.uid;
  constexpr std::uint32_t others_may_write = 0022;
  if (!trusted_owner || (stat.mode & others_may_write) != 0)
    throw Error(EPERM, "use the directory '.syncline', which others can write to");
}

/// A default ACL of the root must not reach the temporary files: they get the metadata of their
/// source, and the rest would be left over.
void drop_default_acl(fs::Dir& dir) {
  constexpr std::string_view default_acl = "system.posix_acl_default";
  for (const auto& pair : dir.xattrs())
    if (pair.name == default_acl) dir.remove_xattr(pair.name);
}

/// The locked `.syncline/`. Another process may remove the directory between opening and locking.
std::shared_ptr<fs::Dir> lock_area(fs::Dir& root) {
  constexpr int attempts = 100;
  for (int i = 0; i < attempts; ++i) {
    std::shared_ptr<fs::Dir> area;
    try {
      area = open_or_make_dir(root, area_name);
    } catch (const Error& error) {
      if (error.is_errno(ENOENT)) continue;  // removed since it was made
      throw;
    }
    if (!area->try_lock()) break;
    const auto named = root.stat_at(area_name);
    if (named && named->inode == area->stat().inode) return area;
  }
  throw Error(Errc::locked, "'.syncline'");
}

class AreaImpl final : public Area {
 public:
  AreaImpl(std::shared_ptr<Core> core, Recovery recovery)
      : core_(std::move(core)), recovery_(std::move(recovery)) {}

  const Recovery& recovery() const override { return recovery_; }
  std::unique_ptr<FileWrite> begin(std::shared_ptr<fs::Dir> parent, const RelPath& path,
                                   const FilePlan& plan) override;
  void place(std::shared_ptr<fs::Dir> parent, const RelPath& path, const std::optional<fs::Stat>& expected,
             const std::function<void(fs::Dir& dir, const std::string& name)>& make, std::uint64_t token,
             const std::optional<Keep>& keep) override;
  bool wants_commit() const override { return core_->wants_commit(); }
  std::vector<Outcome> commit(const Foresee& foresee) override;
  std::uint64_t written_bytes() const override { return core_->written_bytes; }
  std::vector<std::uint32_t> partials() const override;
  std::unique_ptr<fs::File> open_partial(std::uint32_t number) const override;
  void drop_partials() override;
  void close_clean() override;

 private:
  Strategy choose(const FilePlan& plan, const TargetFacts& facts) const;
  std::unique_ptr<FileWrite> begin_clone(Entry& entry, std::unique_ptr<fs::File>& basis);
  std::unique_ptr<fs::File> open_leased(const Entry& entry) const;
  std::unique_ptr<fs::File> open_basis(const Entry& entry) const;
  std::unique_ptr<FileWrite> begin_rewrite(Entry entry, std::unique_ptr<fs::File> basis);

  std::shared_ptr<Core> core_;
  Recovery recovery_;
  std::mutex commit_mutex_;
  std::atomic<bool> can_clone_{true};  ///< until a try shows that it cannot
};

Strategy AreaImpl::choose(const FilePlan& plan, const TargetFacts& facts) const {
  const auto& options = core_->options;
  return choose_strategy(options.update, plan, facts, {options.small_bytes, options.journal_bytes_max});
}

std::unique_ptr<FileWrite> AreaImpl::begin(std::shared_ptr<fs::Dir> parent, const RelPath& path,
                                           const FilePlan& plan) {
  Entry entry{std::move(parent), path, plan};
  if (!plan.expected) return begin_rewrite(std::move(entry), nullptr);
  const auto current = entry.parent->stat_at(entry.name());
  if (!current || !same_identity(*current, *plan.expected)) throw_foreign(path);
  if (current->type != fs::FileType::regular) {
    if (!plan.replace_other_type) throw_foreign(path);
    return begin_rewrite(std::move(entry), nullptr);
  }

  TargetFacts facts{can_clone_, std::nullopt, current->link_count, true};
  std::unique_ptr<fs::File> basis;
  if (choose(plan, facts) == Strategy::clone) {
    basis = open_basis(entry);
    if (basis) facts.extent_count = basis->extent_count();
    if (basis && choose(plan, facts) == Strategy::clone) {
      if (auto file = begin_clone(entry, basis)) return file;
      can_clone_ = false;
    }
    facts.can_clone = false;
  }
  if (choose(plan, facts) == Strategy::inplace) {
    basis.reset();  // a lease needs that nobody has it open, ourselves included
    if (auto target = open_leased(entry))
      return std::make_unique<InplaceWrite>(core_, std::move(entry), std::move(target));
  }
  if (!basis) basis = open_basis(entry);
  return begin_rewrite(std::move(entry), std::move(basis));
}

std::unique_ptr<FileWrite> AreaImpl::begin_rewrite(Entry entry, std::unique_ptr<fs::File> basis) {
  const auto* metadata = std::exchange(entry.plan.metadata, nullptr);
  auto temp = core_->temps.create(entry.parent, entry.plan.expected ? nullptr : metadata);
  return std::make_unique<RewriteWrite>(core_, std::move(entry), std::move(temp), std::move(basis),
                                        TempContent::empty);
}

std::unique_ptr<FileWrite> AreaImpl::begin_clone(Entry& entry, std::unique_ptr<fs::File>& basis) {
  auto temp = core_->temps.create(entry.parent);
  if (!temp->file().clone_from(*basis)) return nullptr;
  return std::make_unique<RewriteWrite>(core_, std::move(entry), std::move(temp), std::move(basis),
                                        TempContent::cloned);
}

/// Null when it may not be written to, or somebody has it open.
std::unique_ptr<fs::File> AreaImpl::open_leased(const Entry& entry) const {
  const auto& plan = entry.plan;
  if (!core_->journal.has_room(plan.changed_bytes + plan.matched_moved_bytes)) return nullptr;
  std::unique_ptr<fs::File> target;
  try {
    target = entry.parent->open_write(entry.name());
  } catch (const Error& error) {
    if (is_errno_of(error, {EACCES, EPERM, ETXTBSY, EROFS})) return nullptr;
    throw;
  }
  if (!same_identity(target->stat(), *plan.expected)) throw_foreign(entry.path);
  for (int attempt = 1; !target->try_lease(); ++attempt) {
    const bool is_worth_waiting = plan.expected->size_bytes >= limits::lease_retry_file_bytes_min;
    if (!is_worth_waiting || attempt == limits::lease_attempts_max) return nullptr;
    std::this_thread::sleep_for(limits::lease_pause);
  }
  return target;
}

/// Null when it may not be read: then nothing can be copied from it.
std::unique_ptr<fs::File> AreaImpl::open_basis(const Entry& entry) const {
  std::unique_ptr<fs::File> basis;
  try {
    basis = entry.parent->open_read(entry.name());
  } catch (const Error& error) {
    if (is_errno_of(error, {EACCES, EPERM})) return nullptr;
    if (error.is_errno(ENOENT)) throw_foreign(entry.path);
    throw;
  }
  if (!same_identity(basis->stat(), *entry.plan.expected)) throw_foreign(entry.path);
  return basis;
}

void AreaImpl::place(std::shared_ptr<fs::Dir> parent, const RelPath& path,
                     const std::optional<fs::Stat>& expected,
                     const std::function<void(fs::Dir& dir, const std::string& name)>& make,
                     std::uint64_t token, const std::optional<Keep>& keep) {
  Pending item;
  item.token = token;
  item.has_content = false;
  item.entry = {std::move(parent), path, {}};
  item.entry.plan.expected = expected;
  item.entry.plan.keep = keep;
  item.temp = core_->temps.reserve_name(item.entry.parent);
  make(item.temp->dir(), item.temp->name());
  core_->enqueue(std::move(item));
}

std::vector<Outcome> AreaImpl::commit(const Foresee& foresee) {
  const std::lock_guard lock(commit_mutex_);
  auto items = core_->take_pending();
  if (items.empty()) return {};
  auto outcomes = Batch(core_, std::move(items)).run(foresee);
  core_->temps.forget_parents();
  return outcomes;
}

std::vector<std::uint32_t> AreaImpl::partials() const {
  std::vector<std::uint32_t> out;
  if (!core_->area->stat_at(partial_dir_name)) return out;
  const auto dir = core_->area->open_dir(partial_dir_name);
  for (std::uint32_t number = 0; number < limits::partial_count_max; ++number)
    if (const auto stat = dir->stat_at(std::to_string(number)); stat && stat->type == fs::FileType::regular)
      out.push_back(number);
  return out;
}

std::unique_ptr<fs::File> AreaImpl::open_partial(std::uint32_t number) const {
  return core_->area->open_dir(partial_dir_name)->open_read(std::to_string(number));
}

void AreaImpl::drop_partials() {
  if (!core_->area->stat_at(partial_dir_name)) return;
  remove_dead_temps(*core_->area->open_dir(partial_dir_name));
  core_->area->remove_dir(partial_dir_name);
}

void AreaImpl::close_clean() {
  core_->journal.remove();
  if (!remove_if_empty(*core_->area, temp_dir_name)) {
    // Shelves, or a temporary file that could not be removed at its time.
    const std::shared_ptr<fs::Dir> temp_dir = core_->area->open_dir(temp_dir_name);
    for (const auto& dir : temp_dirs(temp_dir)) remove_dead_temps(*dir);
    remove_shelves(*temp_dir);
    remove_if_empty(*core_->area, temp_dir_name);
  }
  remove_if_empty(*core_->root, area_name);
}

}  // namespace

std::unique_ptr<Area> Area::open(std::shared_ptr<fs::Dir> root, const AreaOptions& options, Random& random) {
  auto area = lock_area(*root);
  std::shared_ptr<fs::Dir> temp_dir = open_or_make_dir(*area, temp_dir_name);
  drop_default_acl(*area);
  drop_default_acl(*temp_dir);
  auto core = std::make_shared<Core>(std::move(root), area, temp_dir, options, random);
  const auto root_stat = core->root->stat();
  check_private(*area, root_stat, core->temps.own_uid());
  check_private(*temp_dir, root_stat, core->temps.own_uid());
  Recovery recovery;
  for (const auto& dir : temp_dirs(temp_dir)) {
    recovery.partial_files_kept += keep_partials(*dir, *area);
    recovery.temp_files_removed += remove_dead_temps(*dir);
  }
  remove_shelves(*temp_dir);
  recover_journal(*core->root, *area, core->temps, core->durable(), recovery);
  return std::make_unique<AreaImpl>(std::move(core), std::move(recovery));
}

}  // namespace syncline::patch
