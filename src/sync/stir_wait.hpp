// SPDX-License-Identifier: Apache-2.0
// What a look for news has found out about when to look again.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "watch/tree_watch.hpp"

namespace syncline::sync {

struct StirWait {
  using Moment = std::chrono::steady_clock::time_point;

  std::vector<std::shared_ptr<watch::TreeWatch>> trees;  ///< any change in them is worth a look
  Moment end;                                            ///< then in any case
  void until(Moment moment) { end = std::min(end, moment); }
};

}  // namespace syncline::sync
