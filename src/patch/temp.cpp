// SPDX-License-Identifier: Apache-2.0
// Names, creation and removal of temporary files.
#include "patch/temp.hpp"

#include <array>
#include <cerrno>
#include <limits>

#include "base/error.hpp"
#include "patch/patch.hpp"

namespace syncline::patch {
namespace {

constexpr std::string_view temp_prefix = ".syncline-tmp-";
constexpr std::string_view shelf_infix = "dir-";
constexpr std::uint32_t private_dir_mode = 0700;
constexpr std::uint32_t permission_bits = 0777;  ///< set-id bits come last: chown(2) clears them

std::string random_prefix(Random& random) {
  std::array<std::byte, 6> bytes;
  random.fill(bytes);
  std::string out(temp_prefix);
  for (const auto byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += digits[std::to_integer<std::size_t>(byte >> 4)];
    out += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return out + "-";
}

}  // namespace

bool is_temp_name(std::string_view name) { return name.starts_with(temp_prefix); }

void TempFile::remove() noexcept {
  if (!dir_) return;
  try {
    file_.reset();
    dir_->unlink(name_);
  } catch (const std::exception&) {}
  dir_.reset();
}

TempSpace::TempSpace(std::shared_ptr<fs::Dir> dir, Random& random)
    : dir_(std::move(dir)), prefix_(random_prefix(random)) {
  TempFile probe(dir_, name_of(++counter_), nullptr);
  created_ = dir_->create(probe.name(), permission_bits)->stat();
  allowed_mode_ = created_.mode;
  constexpr std::uint32_t others = 0077;
  is_private_ = (dir_->stat().mode & others) == 0;
  created_.mtime_ns = std::numeric_limits<std::int64_t>::min();  // differs from any wanted one
  device_ = created_.device;
}

ParentFacts TempSpace::facts_of(const std::shared_ptr<fs::Dir>& parent) {
  const std::lock_guard lock(mutex_);
  if (const auto found = parents_.find(parent.get()); found != parents_.end()) return found->second.facts;
  const auto stat = parent->stat();
  ParentFacts facts{stat.device, std::nullopt};
  constexpr std::uint32_t set_group_id = 02000;
  if (stat.mode & set_group_id) facts.inherited_gid = stat.gid;
  parents_.emplace(parent.get(), Known{parent, facts});
  return facts;
}

std::size_t TempSpace::parent_count() const {
  const std::lock_guard lock(mutex_);
  return parents_.size();
}

void TempSpace::forget_parents() {
  const std::lock_guard lock(mutex_);
  parents_.clear();
}

TempSpace::Place TempSpace::next_place(const std::shared_ptr<fs::Dir>& parent) {
  const auto number = ++counter_;
  const auto facts = facts_of(parent);
  const bool is_inside = facts.device == device_;
  return {is_inside ? shelf_of(number) : parent, name_of(number), facts, is_inside};
}

std::shared_ptr<fs::Dir> TempSpace::shelf_of(std::uint64_t number) {
  if (number <= unshelved_count) return dir_;
  const auto index = number % shelf_count;
  const std::lock_guard lock(mutex_);
  auto& shelf = shelves_.at(index);
  if (!shelf) shelf = make_shelf(index);
  return shelf;
}

/// A new one, so that nobody has given it attributes that its files would inherit. Where it is not to be had
/// (a full disk, too many open files), there is room in the directory itself.
std::shared_ptr<fs::Dir> TempSpace::make_shelf(std::size_t index) const {
  try {
    const auto name = prefix_ + std::string(shelf_infix) + std::to_string(index);
    dir_->make_dir(name, private_dir_mode);
    return dir_->open_dir(name);
  } catch (const Error&) {
    return dir_;
  }
}

/// The private one unless the file's owner, group and mode bits are all there is to its permissions, and
/// owner and group are ours from the start: else somebody could read it for a moment who must not.
std::uint32_t TempSpace::mode_for(const fs::Metadata& wanted, const ParentFacts& facts) const {
  const bool has_acl = wanted.xattrs && !wanted.xattrs->empty();
  const bool ours = wanted.uid.value_or(created_.uid) == created_.uid &&
                    wanted.gid.value_or(facts.inherited_gid.value_or(created_.gid)) == created_.gid;
  return wanted.mode && is_private_ && ours && !has_acl ? *wanted.mode & permission_bits : private_file_mode;
}

std::unique_ptr<TempFile> TempSpace::create(const std::shared_ptr<fs::Dir>& parent,
                                            const fs::Metadata* wanted) {
  auto place = next_place(parent);
  const auto mode =
      place.is_inside && wanted != nullptr ? mode_for(*wanted, place.parent) : private_file_mode;
  auto file = place.dir->create(place.name, mode);
  return std::make_unique<TempFile>(std::move(place.dir), std::move(place.name), std::move(file),
                                    place.is_inside ? std::optional(mode) : std::nullopt);
}

std::unique_ptr<TempFile> TempSpace::reserve_name(const std::shared_ptr<fs::Dir>& parent) {
  auto place = next_place(parent);
  return std::make_unique<TempFile>(std::move(place.dir), std::move(place.name), nullptr);
}

fs::Stat TempSpace::created_stat(TempFile& temp) const {
  auto stat = created_;
  if (temp.mode()) {
    stat.mode = *temp.mode() & allowed_mode_;
    return stat;
  }
  stat = temp.file().stat();
  stat.mtime_ns = created_.mtime_ns;
  return stat;
}

std::shared_ptr<fs::Dir> open_or_make_dir(fs::Dir& parent, const std::string& name) {
  if (!parent.stat_at(name)) {
    try {
      parent.make_dir(name, private_dir_mode);
    } catch (const Error& error) {
      if (!error.is_errno(EEXIST)) throw;
    }
  }
  return parent.open_dir(name);
}

bool remove_if_empty(fs::Dir& parent, const std::string& name) {
  try {
    parent.remove_dir(name);
    return true;
  } catch (const Error& error) {
    if (!error.is_errno(ENOTEMPTY) && !error.is_errno(EEXIST) && !error.is_errno(ENOENT)) throw;
    return error.is_errno(ENOENT);
  }
}

std::vector<std::shared_ptr<fs::Dir>> temp_dirs(const std::shared_ptr<fs::Dir>& temp_dir) {
  std::vector<std::shared_ptr<fs::Dir>> out{temp_dir};
  for (const auto& name : temp_dir->subdirs()) {
    if (!is_temp_name(name)) continue;
    try {
      out.push_back(temp_dir->open_dir(name));
    } catch (const Error& error) {
      if (!error.is_errno(EACCES)) throw;
    }
  }
  return out;
}

void remove_shelves(fs::Dir& temp_dir) {
  for (const auto& name : temp_dir.subdirs()) {
    if (!is_temp_name(name)) continue;
    try {
      remove_if_empty(temp_dir, name);
    } catch (const Error& error) {
      if (!error.is_errno(EACCES) && !error.is_errno(EPERM)) throw;
    }
  }
}

}  // namespace syncline::patch
