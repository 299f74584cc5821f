// SPDX-License-Identifier: Apache-2.0
// When what has changed is to be copied.
#pragma once

#include <chrono>
#include <optional>

namespace syncline::watch {

/// A change that is complete (a closed file, a rename, a deletion) is due after a short moment that gathers
/// what comes with it; while somebody is in the middle of writing a file only after a longer one, for that
/// may be the same save. A file that is still being written is due once nothing was written for a while, or
/// when it has gone on for too long. The moments are limits::settle_*.
class Settle {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  void complete(Moment now) { complete_.note(now); }
  void written(Moment now) { written_.note(now); }
  /// Nothing where nothing has changed since taken().
  std::optional<Moment> due(bool is_writing = false) const;
  /// What was noted so far is looked at now.
  void taken() { complete_ = written_ = {}; }

 private:
  struct Run {
    std::optional<Moment> first, last;
    void note(Moment now);
    std::optional<Moment> due(std::chrono::milliseconds quiet, std::chrono::milliseconds longest) const;
  };

  Run complete_, written_;
};

}  // namespace syncline::watch
