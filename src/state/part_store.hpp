// SPDX-License-Identifier: Apache-2.0
// Reading parts, and replacing one list of parts by another while writing only what differs.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "state/rows.hpp"
#include "state/sqlite.hpp"

namespace syncline::state {

/// Reads parts of one connection.
class PartReader {
 public:
  explicit PartReader(Connection& connection);
  /// Calls `use` with each body in order, checked against its digest. Throws Error(corrupt) naming
  /// `owner` where one is missing or damaged.
  void each(const PartList& parts, const std::string& owner,
            const std::function<void(ByteView body, std::uint32_t item_count)>& use);

 private:
  Connection* connection_;
  Statement select_;
};

/// Writes parts of one connection.
class PartWriter {
 public:
  explicit PartWriter(Connection& connection);
  void erase(const PartList& parts);

  std::int64_t insert(ByteView body);
  void update(std::int64_t part_id, ByteView body);
  void erase(std::int64_t part_id);

  /// The number that the next new part gets. Numbers are never used twice.
  std::int64_t next_id = 1;

 private:
  Statement insert_;
  Statement update_;
  Statement erase_;
};

/// Takes the parts of a new version one by one; those that the old version had keep their rows. The
/// rest go into the old version's other rows (a row that stays where it is costs the fewest pages),
/// then into new ones. Holds the bodies of changed parts only.
class PartReplacement {
 public:
  PartReplacement(PartWriter& writer, const PartList& old);
  void add(Bytes&& body, std::uint32_t item_count);
  /// Writes what changed, erases what is left of the old version.
  PartList finish();

 private:
  struct Pending {
    std::size_t index;
    Bytes body;
  };
  PartWriter& writer_;
  std::multimap<PartDigest, std::int64_t> old_;
  PartList fresh_;
  std::vector<Pending> pending_;
};

}  // namespace syncline::state
