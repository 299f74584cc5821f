// SPDX-License-Identifier: Apache-2.0
// The batch protocol, step by step.
#include "patch/batch.hpp"

#include <algorithm>
#include <cerrno>

#include "base/kept_thread.hpp"
#include "patch/identity.hpp"
#include "patch/refused.hpp"
#include "patch/rewrite.hpp"

namespace syncline::patch {
namespace {

constexpr std::size_t sync_threads_max = 16;

[[noreturn]] void throw_foreign(const Entry& entry) {
  throw Error(Errc::foreign, "'" + escape_name(entry.path.text()) + "'");
}

/// Runs sync(i) for i in [0, count), the waiting for the disk in parallel. Returns the first error.
template <class Sync>
std::exception_ptr sync_each(std::size_t count, Sync&& sync) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < count;) {
      try {
        sync(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
      }
    }
  };
  std::vector<KeptThread> threads;
  for (std::size_t i = 1; i < std::min(count, sync_threads_max); ++i) threads.emplace_back("sync", work);
  work();
  threads.clear();
  return first;
}

/// Somebody has changed or replaced it since it has its name.
bool is_touched(const fs::Stat& written, const fs::Stat& found) {
  return written.inode != found.inode || written.device != found.device ||
         written.size_bytes != found.size_bytes || written.mtime_ns != found.mtime_ns;
}

}  // namespace

Batch::Batch(std::shared_ptr<Core> core, std::vector<Pending> items)
    : shared_core_(std::move(core)), core_(*shared_core_), items_(std::move(items)) {}

template <class Step>
void Batch::attempt(Pending& item, Step&& step) {
  if (item.error) return;
  try {
    step();
  } catch (...) {
    item.error = std::current_exception();
  }
}

void Batch::fail_all(const std::exception_ptr& error) {
  for (auto& item : items_)
    if (!item.error) item.error = error;
}

std::vector<Pending*> Batch::live_inplace() {
  std::vector<Pending*> out;
  for (auto& item : items_)
    if (item.inplace && !item.error) out.push_back(&item);
  return out;
}

std::vector<Outcome> Batch::run(const Foresee& foresee) {
  check_inplace_targets();
  if (foresee) tell(foresee);
  choose_sync();
  if (stabilise()) {
    for (auto& item : items_) publish(item);
    make_durable();
    complete_inplace();
  }
  std::vector<Outcome> outcomes;
  for (auto& item : items_) {
    if (item.temp) attempt(item, [&] { take_stat(item); });
    outcomes.push_back({item.token, item.error ? std::nullopt : item.stat, item.error, std::move(item.kept)});
  }
  return outcomes;
}

void Batch::tell(const Foresee& foresee) const {
  std::vector<Foreseen> out;
  out.reserve(items_.size());
  for (const auto& item : items_) {
    if (item.error) continue;
    Foreseen one{item.token, 0, item.entry.plan.new_bytes};
    if (item.inplace) one.inode = item.inplace->transaction.begin.inode;
    else if (item.written) one.inode = item.written->inode;
    out.push_back(one);
  }
  foresee(out);
}

void Batch::choose_sync() {
  if (!is_batch_durable() || !core_.reliable_syncfs) return;
  const auto is_temp = [](const Pending& item) { return item.temp != nullptr; };
  // The directories above a new file may be new themselves; only syncfs is sure to cover them.
  const auto is_new = [](const Pending& item) { return !item.entry.plan.expected; };
  use_syncfs_ = std::ranges::count_if(items_, is_temp) > std::ptrdiff_t{small_batch_count} ||
                std::ranges::any_of(items_, is_new) || std::ranges::any_of(items_, [&](const Pending& item) {
                  return item.temp && item.has_content && !item.temp->is_open();
                });
}

void Batch::check_inplace_targets() {
  for (auto& item : items_) {
    if (!item.inplace) continue;
    const auto jid = item.inplace->transaction.jid;
    attempt(item, [&] {
      const auto& entry = item.entry;
      const auto named = entry.parent->stat_at(entry.name());
      if (!named || !same_identity(*named, *entry.plan.expected)) throw_foreign(entry);
      if (!same_identity(item.inplace->target->stat(), *entry.plan.expected)) throw_foreign(entry);
      if (!item.inplace->target->try_lease()) become_rewrite(item);
    });
    if (item.error || !item.inplace) core_.journal.abort(jid);
  }
}

/// Somebody waits to open the target, or got in after waiting long enough.
void Batch::become_rewrite(Pending& item) {
  const auto change = std::move(item.inplace);
  const auto& transaction = change->transaction;
  auto temp = core_.temps.create(item.entry.parent);
  build_new_version(temp->file(), *change->target, transaction, core_.journal.reader(), core_.written_bytes);
  IntervalSet covered;
  covered.add(0, transaction.begin.new_bytes);
  RewriteWrite rewrite(shared_core_, item.entry, std::move(temp), std::move(change->target),
                       TempContent::partly, std::move(covered));
  item = rewrite.complete(transaction.finish.metadata, item.token);
}

/// First barriers. Nothing that bears a name has been touched so far, so a failure costs nothing.
bool Batch::stabilise() {
  auto inplace = live_inplace();
  try {
    sync_temps();
  } catch (...) {
    for (auto* item : inplace) core_.journal.abort(item->inplace->transaction.jid);
    fail_all(std::current_exception());
    return false;
  }
  if (inplace.empty()) return true;
  std::vector<std::uint64_t> jids;
  jids.reserve(inplace.size());
  for (const auto* item : inplace) jids.push_back(item->inplace->transaction.jid);
  try {
    core_.journal.commit(jids);
  } catch (...) {
    fail_all(std::current_exception());
    return false;
  }
  return true;
}

void Batch::sync_temps() {
  if (!is_batch_durable()) return;
  std::vector<Pending*> temps;
  for (auto& item : items_)
    if (item.temp && item.has_content && !item.error) temps.push_back(&item);
  if (temps.empty()) return;
  if (use_syncfs_) return sync_filesystems();
  const auto error = sync_each(temps.size(), [&](std::size_t i) { temps[i]->temp->file().sync(); });
  if (error) std::rethrow_exception(error);
}

/// One syncfs for each file system that the batch touches; the root's is synced through the
/// descriptor of `.syncline`, which was open before any of the writes and so hears of every error.
void Batch::sync_filesystems() {
  std::set<std::uint64_t> others;
  bool own = false;
  for (const auto& item : items_) {
    const auto device = core_.temps.facts_of(item.entry.parent).device;
    if (device == core_.temps.device()) own = true;
    else if (others.insert(device).second) item.entry.parent->sync_filesystem();
  }
  if (own) core_.area->sync_filesystem();
}

void Batch::publish(Pending& item) {
  attempt(item, [&] {
    if (item.inplace) publish_inplace(item);
    else publish_temp(item);
  });
}

void Batch::publish_temp(Pending& item) {
  const auto& entry = item.entry;
  auto& temp = *item.temp;
  const auto name = entry.name();
  if (!entry.plan.expected) {
    try {
      temp.dir().rename_new(temp.name(), *entry.parent, name);
    } catch (const Error& error) {
      if (error.is_errno(EEXIST)) throw_foreign(entry);
      throw;
    }
    return temp.renamed();
  }
  const auto current = entry.parent->stat_at(name);
  if (!current) throw_foreign(entry);
  if (!item.has_content) {
    // A hard link to the file that has this name already: rename(2) does nothing then.
    const auto made = temp.dir().stat_at(temp.name());
    if (made && made->device == current->device && made->inode == current->inode) return temp.remove();
  }
  if (!same_identity(*current, *entry.plan.expected)) throw_foreign(entry);
  if (entry.plan.keep && keep_old(item)) return temp.renamed();
  temp.dir().rename(temp.name(), *entry.parent, name);
  temp.renamed();
}

/// The old version has another name before the new one takes its own. True where it had to be moved away for
/// that: then the new one is in its place already.
bool Batch::keep_old(Pending& item) {
  const auto& entry = item.entry;
  const auto name = entry.name();
  const auto kept = keep_linked(*entry.parent, name, *entry.plan.keep);
  item.kept = Outcome::Kept{kept.name, std::nullopt};
  if (!kept.is_moved) return false;
  try {
    item.temp->dir().rename_new(item.temp->name(), *entry.parent, name);
    return true;
  } catch (const Error& error) {
    if (error.is_errno(EEXIST)) throw_foreign(entry);
    entry.plan.keep->dir->rename_new(kept.name, *entry.parent, name);
    item.kept.reset();
    throw;
  }
}

void Batch::publish_inplace(Pending& item) {
  auto& target = *item.inplace->target;
  const auto& transaction = item.inplace->transaction;
  const auto reader = core_.journal.reader();
  const auto& expected = *item.entry.plan.expected;
  try {
    reserve_for_patch(target, expected, transaction, reader);
  } catch (...) {
    const auto error = std::current_exception();
    // Reserving moves the mtime although no byte was changed.
    attempt(item, [&] { target.set_mtime(expected.mtime_ns); });
    item.error = nullptr;
    core_.journal.revoke(transaction.jid);
    std::rethrow_exception(error);
  }
  try {
    patch_target(target, expected, transaction, reader, core_.written_bytes);
  } catch (...) {
    core_.journal.keep(1);
    throw;
  }
}

/// The next one: names and patched data. The batch is in force for readers already; after a
/// failure here nobody is told so, and what was patched is redone by the next run.
void Batch::make_durable() {
  if (!core_.durable()) return;
  auto inplace = live_inplace();
  std::exception_ptr error;
  try {
    if (use_syncfs_) sync_filesystems();
    else sync_parents();
  } catch (...) {
    error = std::current_exception();
  }
  const auto target_error =
      sync_each(inplace.size(), [&](std::size_t i) { inplace[i]->inplace->target->sync_data(); });
  if (!error) error = target_error;
  if (!error) return;
  core_.journal.keep(inplace.size());
  fail_all(error);
}

void Batch::sync_parents() {
  std::set<const fs::Dir*> synced;
  std::set<std::string> above;
  for (const auto& item : items_) {
    if (item.error || item.inplace) continue;
    if (item.kept && synced.insert(item.entry.plan.keep->dir.get()).second) item.entry.plan.keep->dir->sync();
    if (synced.insert(item.entry.parent.get()).second) item.entry.parent->sync();
    if (item.entry.plan.expected) continue;
    // Directories on the way may be as new as the file.
    for (auto path = item.entry.path.parent(); !path.is_root();) {
      path = path.parent();
      if (!above.insert(path.text()).second) break;
      core_.root->open_beneath(path)->sync();
    }
  }
}

/// Two more, for patched files only: the mtime says "this is the new version", so
/// it comes after the data; the checkpoint says "never redo this", so it comes after both.
void Batch::complete_inplace() {
  std::vector<Pending*> inplace;
  for (auto* item : live_inplace())
    if (set_metadata(*item)) inplace.push_back(item);
  if (inplace.empty()) return;
  std::exception_ptr error;
  if (core_.durable())
    error = sync_each(inplace.size(), [&](std::size_t i) { inplace[i]->inplace->target->sync(); });
  if (error) {
    core_.journal.keep(inplace.size());
    return fail_all(error);
  }
  std::vector<std::uint64_t> jids;
  jids.reserve(inplace.size());
  for (const auto* item : inplace) jids.push_back(item->inplace->transaction.jid);
  try {
    core_.journal.checkpoint(jids);
  } catch (...) {
    return fail_all(std::current_exception());
  }
  for (auto* item : inplace) attempt(*item, [&] { item->stat = item->inplace->target->stat(); });
}

/// False when the change has to be redone.
bool Batch::set_metadata(Pending& item) {
  auto& target = *item.inplace->target;
  try {
    const auto current = target.stat();
    fs::apply_metadata(target, item.inplace->transaction.finish.metadata, &current);
  } catch (const Error& error) {
    item.error = std::current_exception();
    // The content is whole, and doing it again would be refused again.
    if (is_refused(error)) return true;
    core_.journal.keep(1);
    return false;
  }
  return true;
}

void Batch::take_stat(Pending& item) {
  const auto& entry = item.entry;
  const auto look = [&] {
    item.stat =
        item.temp->is_open() ? std::optional(item.temp->file().stat()) : entry.parent->stat_at(entry.name());
    if (!item.stat) throw_foreign(entry);
  };
  look();
  if (item.written && is_touched(*item.written, *item.stat)) {
    item.stat = item.written;
    item.created_mode.reset();
  }
  if (item.kept) item.kept->stat = entry.plan.keep->dir->stat_at(item.kept->name);
  if (!item.created_mode || item.stat->mode == *item.created_mode) return;
  entry.parent->set_mode_at(entry.name(), *item.created_mode);
  look();
}

}  // namespace syncline::patch
