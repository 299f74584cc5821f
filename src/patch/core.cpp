// SPDX-License-Identifier: Apache-2.0
// The queue of finished files.
#include "patch/core.hpp"

#include <utility>

#include "base/limits.hpp"
#include "patch/batch.hpp"

namespace syncline::patch {
namespace {

// Pending entries hold their parent directory open, and where syncfs cannot be used each file too.
constexpr std::size_t open_parents_max = 256;
constexpr std::size_t open_files_max = 128;

std::uint64_t random_number(Random& random) {
  std::uint64_t out = 0;
  random.fill({reinterpret_cast<std::byte*>(&out), sizeof out});
  return out;
}

}  // namespace

Core::Core(std::shared_ptr<fs::Dir> root_dir, std::shared_ptr<fs::Dir> area_dir,
           std::shared_ptr<fs::Dir> temp_dir, const AreaOptions& area_options, Random& random)
    : root(std::move(root_dir)),
      area(std::move(area_dir)),
      options(area_options),
      reliable_syncfs(area->has_reliable_syncfs()),
      temps(std::move(temp_dir), random),
      journal(root, area,
              {area_options.durability != Durability::none, area_options.journal_bytes_max,
               random_number(random)},
              written_bytes) {}

bool Core::keeps_open(std::size_t queued_count) const {
  if (options.durability != Durability::batch) return false;
  return !reliable_syncfs || queued_count < small_batch_count;
}

void Core::enqueue(Pending item) {
  const std::lock_guard lock(mutex_);
  if (item.temp && item.temp->is_open() && !keeps_open(pending_.size())) item.temp->close();
  pending_bytes_ += item.entry.plan.new_bytes;
  has_inplace_ = has_inplace_ || item.inplace != nullptr;
  pending_.push_back(std::move(item));
}

std::vector<Pending> Core::take_pending() {
  const std::lock_guard lock(mutex_);
  pending_bytes_ = 0;
  has_inplace_ = false;
  return std::exchange(pending_, {});
}

bool Core::wants_commit() const {
  const std::lock_guard lock(mutex_);
  // A leased target makes everybody wait who wants to open it: patch it soon.
  if (has_inplace_) return true;
  if (!reliable_syncfs && options.durability == Durability::batch && pending_.size() >= open_files_max)
    return true;
  const auto files_max = durable() ? limits::commit_files_max : limits::commit_files_unsynced_max;
  return pending_.size() >= files_max || pending_bytes_ >= limits::commit_bytes_max ||
         (!pending_.empty() && temps.parent_count() >= open_parents_max);
}

std::size_t Core::pending_count() const {
  const std::lock_guard lock(mutex_);
  return pending_.size();
}

}  // namespace syncline::patch
