// SPDX-License-Identifier: Apache-2.0
// Which byte ranges of a file have been given already.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace syncline::patch {

/// A set of half-open ranges [begin, end). Neighbours are merged, so that a file written in order
/// is one range whatever its size.
class IntervalSet {
 public:
  /// Adds [begin, end). Returns true when a part of it had been added before.
  bool add(std::uint64_t begin, std::uint64_t end) {
    if (begin >= end) return false;
    bool overlapped = false;
    auto next = ranges_.upper_bound(begin);
    if (next != ranges_.begin()) {
      const auto before = std::prev(next);
      if (before->second >= begin) {
        overlapped = before->second > begin;
        begin = before->first;
        if (before->second > end) end = before->second;
        ranges_.erase(before);
      }
    }
    while (next != ranges_.end() && next->first <= end) {
      overlapped = overlapped || next->first < end;
      if (next->second > end) end = next->second;
      next = ranges_.erase(next);
    }
    ranges_.emplace_hint(next, begin, end);
    return overlapped;
  }

  /// Calls visit(begin, end) for each range, in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [begin, end] : ranges_) visit(begin, end);
  }

  /// Calls visit(begin, end) for each part of [0, size) that is not in the set, in order.
  template <class Visit>
  void for_each_gap(std::uint64_t size, Visit&& visit) const {
    std::uint64_t at = 0;
    for (const auto& [begin, end] : ranges_) {
      if (begin >= size) break;
      if (begin > at) visit(at, begin);
      at = end;
    }
    if (at < size) visit(at, size);
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

}  // namespace syncline::patch
