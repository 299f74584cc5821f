// SPDX-License-Identifier: Apache-2.0
// The commit of a batch: what is synced, renamed and patched, in which order.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "patch/core.hpp"

namespace syncline::patch {

/// Below so many files each is synced by itself: syncfs also flushes what other programs wrote.
inline constexpr std::size_t small_batch_count = 8;

/// One run of the protocol (each arrow is a barrier; without durability there are none):
///
///   temporary files, journal -> commit record -> renames, patches
///     -> metadata of patched files -> checkpoint
///
/// so that no name ever leads to data that is not on the disk, and nothing is reported that a
/// power cut can take back. A failed barrier fails the whole batch.
class Batch {
 public:
  Batch(std::shared_ptr<Core> core, std::vector<Pending> items);
  std::vector<Outcome> run(const Foresee& foresee);

 private:
  bool is_batch_durable() const { return core_.options.durability == Durability::batch; }
  template <class Step>
  void attempt(Pending& item, Step&& step);
  void fail_all(const std::exception_ptr& error);
  void check_inplace_targets();
  void tell(const Foresee& foresee) const;
  void become_rewrite(Pending& item);
  void choose_sync();
  bool stabilise();
  void sync_temps();
  void sync_filesystems();
  void publish(Pending& item);
  void publish_temp(Pending& item);
  bool keep_old(Pending& item);
  void publish_inplace(Pending& item);
  void make_durable();
  void sync_parents();
  void complete_inplace();
  bool set_metadata(Pending& item);
  void take_stat(Pending& item);
  std::vector<Pending*> live_inplace();

  std::shared_ptr<Core> shared_core_;
  Core& core_;
  std::vector<Pending> items_;
  bool use_syncfs_ = false;
};

}  // namespace syncline::patch
