// SPDX-License-Identifier: Apache-2.0
// Who made a database is told by an empty file `owners/HASH/NAME` beside it, when it was opened last by the
// database's own time.
#include "state/shelf.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "hash/digest.hpp"
#include "state/schema.hpp"
#include "state/snapshot.hpp"

namespace syncline::state {
namespace {

/// Of this process: a database that is being made is not removed by another session.
std::mutex& shelf_mutex() {
  static std::mutex mutex;
  return mutex;
}

struct Owned {
  std::string name;
  std::int64_t opened_at_ns = 0;
};

/// Least recently opened first; notes of databases that are gone go as well.
std::vector<Owned> owned_by(const fs::Dir& shelf, fs::Dir& notes) {
  std::vector<Owned> out;
  for (const auto& note : notes.list().entries) {
    if (const auto stat = shelf.stat_at(note.name)) out.push_back({note.name, stat->mtime_ns});
    else notes.unlink(note.name);
  }
  std::ranges::sort(out, {}, [](const Owned& one) { return std::pair(one.opened_at_ns, one.name); });
  return out;
}

/// With its snapshots. False where somebody has one of them open.
bool try_remove(fs::Dir& shelf, const std::string& dir, const std::string& name) {
  std::vector<std::string> names{name};
  for (int n = 1; n <= limits::state_snapshots_max; ++n)
    if (auto snapshot = snapshot_path(name, n); shelf.stat_at(snapshot + ".lock"))
      names.push_back(std::move(snapshot));
  std::vector<WriteLock> locks;
  try {
    for (const auto& one : names) locks.emplace_back(dir + '/' + one);
  } catch (const Error& error) {
    if (error.is(Errc::locked)) return false;
    throw;
  }
  // The lock last: whoever waits for it finds that it is another file.
  for (const auto& one : names) {
    remove_database_files(dir + '/' + one);
    shelf.unlink(one + ".lock");
  }
  return true;
}

}  // namespace

std::vector<std::string> make_room(fs::Fs& files, const std::string& dir, const std::string& name,
                                   const ShelfOwner& owner, std::int64_t now_ns) {
  const std::lock_guard one_at_a_time(shelf_mutex());
  const auto shelf = files.open_root(dir);
  if (shelf->stat_at(name)) {
    shelf->set_mtime_at(name, now_ns);
    return {};
  }
  const auto notes_dir = dir + "/owners/" + hash::blake3(as_bytes(owner.name)).hex().substr(0, 32);
  files.make_dirs(notes_dir, 0700);
  const auto notes = files.open_root(notes_dir);
  const auto owned = owned_by(*shelf, *notes);
  std::vector<std::string> removed;
  for (const auto& one : owned) {
    if (owned.size() - removed.size() < owner.states_max) break;
    if (!try_remove(*shelf, dir, one.name)) continue;
    notes->unlink(one.name);
    removed.push_back(one.name);
  }
  if (owned.size() - removed.size() >= owner.states_max)
    throw Error(Errc::locked, std::to_string(owned.size()) + " states of this client");
  try {
    notes->create(name);
  } catch (const Error& error) {
    if (!error.is_errno(EEXIST)) throw;
  }
  create_missing(dir + '/' + name);
  shelf->set_mtime_at(name, now_ns);
  return removed;
}

}  // namespace syncline::state
