// SPDX-License-Identifier: Apache-2.0
// State of the receiving role: shared by its halves, what it tells and takes (receiver.cpp) and the end
// (receiver_end.cpp).
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/lent_access.hpp"
#include "sync/applier.hpp"
#include "sync/receiver.hpp"

namespace syncline::sync {

class Receiver {
 public:
  Receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options);
  ReceiverResult run();
  void salvage(const std::exception& cause);

 private:
  wire::Message next();
  void shake_hands();
  void open_area();
  void scan();
  wire::Roots take_roots();
  void tell_roots();
  void tell_partials();
  void tell_drift(DirNode& node, state::Reader& reader, bool whole);
  void tell_dir(DirNode& node, bool partial, const std::vector<const Entry*>& entries,
                const std::vector<const state::StoredEntry*>& gone);
  bool tells_drift() const { return (begin_.flags & wire::begin_drift) != 0; }
  wire::EntryInfo drift_info(const DirNode& node, const Entry& entry) const;
  void take_left(const wire::Left& left);
  void settle_drift(const wire::Finish& finish, const hash::Digest& root);
  void settle_drift(DirNode& node);
  bool is_left(const std::string& path);
  bool is_left_with_parents(const std::string& text);
  std::set<std::string> all_left() const;
  Likeness likeness(const wire::Finish& finish);
  bool agrees(const wire::Finish& finish, const hash::Digest& root);
  void answer(const wire::ListRequest& request);
  void answer(const wire::ManifestRequest& request);
  SharedManifest manifest_of(const std::string& path);
  void tell_manifest(const std::string& path, const manifest::Manifest& manifest);
  ReceiverResult serve();
  ReceiverResult finish(const wire::Finish& finish);
  void take_back_access();
  void restore_root_time();
  void refresh_left_dirs();
  std::optional<fs::Stat> stat_of_dir(const DirNode& node);
  Applier& applier();

  Replica& replica_;
  wire::Channel& channel_;
  const ReceiverOptions& options_;
  wire::Begin begin_;
  IdentityRules rules_;
  std::string peer_;
  bool in_step_ = false;
  bool from_records_ = false;  ///< the sender plans from what it remembers of us
  bool is_unlike_ = false;
  /// What the sender says that it leaves of what drifted here, with its version there.
  std::unordered_map<std::string, std::uint64_t> left_;
  bool is_left_known_ = false;
  /// Null where nothing is kept from us. Takes back what was lent when all that writes is gone.
  std::shared_ptr<fs::LentAccess> lent_;
  std::shared_ptr<fs::Dir> root_;  ///< the replica's, for changes
  std::unique_ptr<patch::Area> area_;
  std::unique_ptr<Applier> applier_;
  std::uint64_t area_written_bytes_ = 0;
  std::atomic<std::uint64_t> read_bytes_ = 0;
};

}  // namespace syncline::sync
