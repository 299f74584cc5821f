// SPDX-License-Identifier: Apache-2.0
// What an Area and the files on their way through it share.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "patch/journal.hpp"
#include "patch/patch.hpp"
#include "patch/temp.hpp"

namespace syncline::patch {

/// Which name a change is for.
struct Entry {
  std::shared_ptr<fs::Dir> parent;
  RelPath path;
  FilePlan plan;

  std::string name() const { return std::string(path.name()); }
};

/// A committed-to-be change of an open, leased target.
struct InplaceChange {
  std::unique_ptr<fs::File> target;
  Transaction transaction;
};

/// Something that is complete and waits for the commit. Exactly one of `temp` and `inplace` is set.
struct Pending {
  std::uint64_t token = 0;
  Entry entry;
  std::unique_ptr<TempFile> temp;
  bool has_content = true;  ///< false for an entry of place()
  /// That it got by being created with it: looked at in the end, as another thread may move the umask.
  std::optional<std::uint32_t> created_mode;
  std::optional<fs::Stat> written;  ///< of the temporary file, when it was complete
  std::unique_ptr<InplaceChange> inplace;
  std::optional<Outcome::Kept> kept;

  std::exception_ptr error;
  std::optional<fs::Stat> stat;
};

struct Core {
  Core(std::shared_ptr<fs::Dir> root_dir, std::shared_ptr<fs::Dir> area_dir,
       std::shared_ptr<fs::Dir> temp_dir, const AreaOptions& area_options, Random& random);

  const std::shared_ptr<fs::Dir> root;
  const std::shared_ptr<fs::Dir> area;
  const AreaOptions options;
  const bool reliable_syncfs;
  std::atomic<std::uint64_t> written_bytes{0};
  std::atomic<std::size_t> gathered_bytes{0};  ///< of all files under way, for larger writes
  TempSpace temps;
  Journal journal;

  bool durable() const { return options.durability != Durability::none; }
  void enqueue(Pending item);
  std::vector<Pending> take_pending();
  bool wants_commit() const;
  std::size_t pending_count() const;

 private:
  bool keeps_open(std::size_t queued_count) const;

  mutable std::mutex mutex_;
  std::vector<Pending> pending_;
  std::uint64_t pending_bytes_ = 0;
  bool has_inplace_ = false;
};

}  // namespace syncline::patch
