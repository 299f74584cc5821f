// SPDX-License-Identifier: Apache-2.0
// What the receiver tells of its directories, held to what it was asked for and to a bound.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sync/plan.hpp"

namespace syncline::sync {

struct ListingRules {
  /// Names that the sender's tree lacks matter: for what is deleted, and beside records. Else they are let
  /// go as they come.
  bool keeps_extra = true;
  bool knows_drift = false;                    ///< entries tell whether they have drifted
  std::uint64_t extra_bytes_max = UINT64_MAX;  ///< in memory, of what such names take together
  /// Of each directory among the entries that are kept; `ours` is what our tree has under its path.
  std::function<void(const std::string& path, const wire::EntryInfo& entry, const DirNode* ours)> on_dir;
  /// Of each entry that our tree lacks.
  std::function<void(std::string path)> on_extra = {};
};

/// Fills a RemoteDirs. An entry that our own tree has costs what our own costs; what it has not is counted.
/// Everything throws Error: protocol for what was not asked for, malformed for what is no listing,
/// limit_exceeded.
class ListingIntake {
 public:
  ListingIntake(const Tree& tree, RemoteDirs& dirs, ListingRules rules)
      : tree_(tree), dirs_(dirs), rules_(std::move(rules)) {}

  /// The receiver's drift comes next: any directory, each once.
  void expect_drift();
  /// The answer to a request comes next: these directories, whole, in this order; some may be left out. They
  /// must outlive it.
  void expect(const std::vector<std::string>& dirs);
  /// One listing, or a further part of the one before.
  void take(wire::Listing listing);
  /// No more will come of what is expected.
  void finish();
  std::uint64_t extra_bytes() const { return extra_bytes_; }

 private:
  void open(const wire::Listing& listing);
  void take_entries(std::vector<wire::EntryInfo>& entries);
  void take_absent(wire::EntryInfo& entry, bool ours);
  void take_gone(std::vector<std::string>& names);
  void take_unknown(std::vector<std::string>& names);
  bool is_ours(const std::string& name);
  void charge(std::size_t bytes);

  const Tree& tree_;
  RemoteDirs& dirs_;
  ListingRules rules_;
  const std::vector<std::string>* asked_ = nullptr;  ///< none: drift
  std::size_t next_asked_ = 0;
  // The directory that is being told.
  std::string path_;
  RemoteDir* dir_ = nullptr;
  const DirNode* node_ = nullptr;
  std::size_t next_entry_ = 0;  ///< of the node: both sides are in order
  std::string last_name_;
  std::uint64_t extra_bytes_ = 0;
};

}  // namespace syncline::sync
