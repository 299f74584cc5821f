// SPDX-License-Identifier: Apache-2.0
// Names, creation and removal of temporary files.
#include "patch/temp.hpp"

#include <array>
#include <limits>

#include "base/error.hpp"
#include "patch/patch.hpp"

namespace syncline::patch {
namespace {

constexpr std::string_view temp_prefix = ".syncline-tmp-";
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
  TempFile probe(dir_, next_name(), nullptr);
  created_ = dir_->create(probe.name(), permission_bits)->stat();
  allowed_mode_ = created_.mode;
  constexpr std::uint32_t others = 0077;
  is_private_ = (dir_->stat().mode & others) == 0;
  created_.mtime_ns = std::numeric_limits<std::int64_t>::min();  // differs from any wanted one
  device_ = created_.device;
}

std::string TempSpace::next_name() { return prefix_ + std::to_string(++counter_); }

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

const std::shared_ptr<fs::Dir>& TempSpace::place_for(const std::shared_ptr<fs::Dir>& parent) {
  return facts_of(parent).device == device_ ? dir_ : parent;
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
  const auto facts = facts_of(parent);
  const bool own = facts.device == device_;
  const auto& dir = own ? dir_ : parent;
  const auto mode = own && wanted != nullptr ? mode_for(*wanted, facts) : private_file_mode;
  auto name = next_name();
  auto file = dir->create(name, mode);
  return std::make_unique<TempFile>(dir, std::move(name), std::move(file), mode);
}

std::unique_ptr<TempFile> TempSpace::reserve_name(const std::shared_ptr<fs::Dir>& parent) {
  return std::make_unique<TempFile>(place_for(parent), next_name(), nullptr);
}

fs::Stat TempSpace::created_stat(TempFile& temp) const {
  auto stat = created_;
  if (&temp.dir() == dir_.get()) {
    stat.mode = temp.mode() & allowed_mode_;
    return stat;
  }
  stat = temp.file().stat();
  stat.mtime_ns = created_.mtime_ns;
  return stat;
}

}  // namespace syncline::patch
