// SPDX-License-Identifier: Apache-2.0
// Quiet moments.
#include "watch/settle.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace syncline::watch {

void Settle::Run::note(Moment now) {
  if (!first) first = now;
  last = now;
}

std::optional<Settle::Moment> Settle::Run::due(std::chrono::milliseconds quiet,
                                               std::chrono::milliseconds longest) const {
  if (!first) return std::nullopt;
  return std::min(*last + quiet, *first + longest);
}

std::optional<Settle::Moment> Settle::due(bool is_writing) const {
  const auto complete = complete_.due(is_writing ? limits::settle_complete_max : limits::settle_complete,
                                      limits::settle_complete_max);
  const auto written = written_.due(limits::settle_written, limits::settle_written_max);
  if (complete && written) return std::min(*complete, *written);
  return complete ? complete : written;
}

}  // namespace syncline::watch
