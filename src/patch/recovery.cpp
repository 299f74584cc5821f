// SPDX-License-Identifier: Apache-2.0
// Redo, discard, or keep beside: one decision for each transaction of the journal.
#include "patch/recovery.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/limits.hpp"
#include "patch/conflict_name.hpp"
#include "patch/identity.hpp"
#include "patch/journal.hpp"
#include "patch/journal_scan.hpp"
#include "patch/partial.hpp"
#include "patch/refused.hpp"

namespace syncline::patch {
namespace {

constexpr std::size_t compare_bytes = 256 * limits::kib;

bool is_gone(const Error& error) {
  return error.is_errno(ENOENT) || error.is_errno(ENOTDIR) || error.is_errno(ELOOP);
}

bool same_bytes(const fs::File& a, const fs::File& b, std::uint64_t size_bytes) {
  Bytes left(compare_bytes);
  Bytes right(compare_bytes);
  for (std::uint64_t at = 0; at < size_bytes; at += compare_bytes) {
    const auto got = a.pread(left, at);
    if (b.pread(right, at) != got || std::memcmp(left.data(), right.data(), got) != 0) return false;
  }
  return true;
}

/// A file as the transaction found it, if it is still there.
struct Target {
  std::shared_ptr<fs::Dir> parent;
  std::string name;
  std::unique_ptr<fs::File> file;
  fs::Stat stat;
};

class Redo {
 public:
  Redo(fs::Dir& root, TempSpace& temps, const fs::File& journal, std::uint64_t generation, bool durable,
       Recovery& recovery)
      : root_(root), temps_(temps), reader_(journal, generation), durable_(durable), recovery_(recovery) {}

  void redo(const Transaction& transaction);
  void check_untouched(const Transaction& transaction);
  void keep_arrived(const Transaction& transaction, fs::Dir& area);

 private:
  std::optional<Target> open(const Transaction& transaction, bool for_writing) const;
  void patch(Target& target, const Transaction& transaction);
  std::string keep_beside(Target& target, const Transaction& transaction);
  std::string give_name(Target& target, TempFile& temp);

  fs::Dir& root_;
  TempSpace& temps_;
  JournalReader reader_;
  bool durable_;
  Recovery& recovery_;
  std::atomic<std::uint64_t> written_bytes_{0};
};

/// Nothing when the name leads to another file now, or nowhere. The device number is not compared:
/// it may change with a restart. The inode and the bytes are what counts.
std::optional<Target> Redo::open(const Transaction& transaction, bool for_writing) const {
  const auto& begin = transaction.begin;
  const auto path = RelPath::parse(begin.path);
  try {
    Target target;
    target.parent = root_.open_beneath(path.parent());
    target.name = std::string(path.name());
    const auto found = target.parent->stat_at(target.name);
    if (!found || found->type != fs::FileType::regular || found->inode != begin.inode) return std::nullopt;
    target.file =
        for_writing ? target.parent->open_write(target.name) : target.parent->open_read(target.name);
    target.stat = target.file->stat();
    if (target.stat.inode != begin.inode) return std::nullopt;
    return target;
  } catch (const Error& error) {
    if (is_gone(error)) return std::nullopt;
    throw;
  }
}

void Redo::redo(const Transaction& transaction) {
  const auto& begin = transaction.begin;
  auto target = open(transaction, true);
  const bool known_size =
      target && (target->stat.size_bytes == begin.base_bytes || target->stat.size_bytes == begin.new_bytes);
  if (known_size && count_sectors(*target->file, transaction, reader_).foreign_count == 0) {
    patch(*target, transaction);
    ++recovery_.redone_count;
    return;
  }
  // Without the old file the journal's bytes alone make no version that could be kept.
  auto kept = target ? keep_beside(*target, transaction) : std::string();
  recovery_.foreign_paths.push_back(begin.path);
  recovery_.kept_as.push_back(std::move(kept));
}

/// Writes all sectors, also those that read as the new ones: after a failed write-back the cache
/// shows bytes that the disk never got.
void Redo::patch(Target& target, const Transaction& transaction) {
  auto& file = *target.file;
  reserve_for_patch(file, target.stat, transaction, reader_);
  patch_target(file, target.stat, transaction, reader_, written_bytes_);
  if (durable_) file.sync_data();
  try {
    fs::apply_metadata(file, transaction.finish.metadata, nullptr);
  } catch (const Error& error) {
    // The content is what must not stay half; the next sync sees the old mtime and sets the rest.
    if (!is_refused(error)) throw;
  }
  if (durable_) file.sync();
}

/// The complete new version under a name of its own; returns its path.
std::string Redo::keep_beside(Target& target, const Transaction& transaction) {
  auto temp = temps_.create(target.parent);
  auto& file = temp->file();
  build_new_version(file, *target.file, transaction, reader_, written_bytes_);
  try {
    fs::apply_metadata(file, transaction.finish.metadata, nullptr);
  } catch (const Error& error) {
    if (!is_refused(error)) throw;
  }
  if (durable_) file.sync();
  auto name = give_name(target, *temp);
  if (durable_) target.parent->sync();
  const auto parent = RelPath::parse(transaction.begin.path).parent();
  return parent.child(name).text();
}

/// Takes the first free conflict name, or one that already holds these bytes: an interrupted
/// recovery that runs again must not keep the same version twice.
std::string Redo::give_name(Target& target, TempFile& temp) {
  const auto size = temp.file().stat().size_bytes;
  for (unsigned number = 1; number <= limits::conflict_seq_max; ++number) {
    auto name = conflict_name(target.name, "local", number);
    const auto found = target.parent->stat_at(name);
    if (found && found->type == fs::FileType::regular && found->size_bytes == size) {
      const auto kept = target.parent->open_read(name);
      if (same_bytes(*kept, temp.file(), size)) return name;
    }
    if (found) continue;
    try {
      temp.dir().rename_new(temp.name(), *target.parent, name);
      temp.renamed();
      return name;
    } catch (const Error& error) {
      if (!error.is_errno(EEXIST)) throw;
    }
  }
  throw Error(EEXIST, "keep a version of '" + escape_name(target.name) + "'");
}

/// A transaction without a commit never came near its target. If the target is half of one all the
/// same, it is the commit record that is lost, and the file a mix.
void Redo::check_untouched(const Transaction& transaction) {
  const auto& begin = transaction.begin;
  const auto target = open(transaction, false);
  if (!target) return;
  const auto& stat = target->stat;
  if (stat.size_bytes == begin.base_bytes && stat.mtime_ns == begin.base_mtime_ns &&
      stat.ctime_ns == begin.base_ctime_ns)
    return;
  const auto counts = count_sectors(*target->file, transaction, reader_);
  if (counts.new_count > 0 && counts.old_count > 0)
    throw Error(Errc::corrupt, "journal .syncline/journal: lost the commit of '" + escape_name(begin.path) +
                                   "', which is half patched");
}

/// A full disk, most likely, is no reason to stop: this serves only to spare bytes.
void Redo::keep_arrived(const Transaction& transaction, fs::Dir& area) {
  try {
    const auto target = open(transaction, false);
    if (target && keep_partial(*target->file, transaction, reader_, area)) ++recovery_.partial_files_kept;
  } catch (const Error&) {
    // Nothing is left of the attempt.
  }
}

}  // namespace

std::uint64_t remove_dead_temps(fs::Dir& temp_dir) {
  std::uint64_t count = 0;
  const auto listing = temp_dir.list();
  for (const auto& entry : listing.entries) {
    if (entry.stat.type == fs::FileType::directory) continue;  // none of ours
    temp_dir.unlink(entry.name);
    ++count;
  }
  return count;
}

void recover_journal(fs::Dir& root, fs::Dir& area, TempSpace& temps, bool durable, Recovery& recovery) {
  const auto found = area.stat_at(journal_name);
  if (!found) return;
  {
    const auto journal = area.open_read(journal_name);
    const auto content = scan_journal(*journal);
    Redo redo(root, temps, *journal, content.generation, durable, recovery);
    for (const auto& transaction : content.unfinished) redo.check_untouched(transaction);
    for (const auto& transaction : content.committed) redo.redo(transaction);
    for (const auto* given_up : {&content.unfinished, &content.left})
      for (const auto& transaction : *given_up) redo.keep_arrived(transaction, area);
    recovery.discarded_count += content.unfinished.size() + content.left.size();
  }
  area.unlink(journal_name);
  // Its records must not come back with a power cut when the files have moved on.
  if (durable) area.sync();
}

}  // namespace syncline::patch
