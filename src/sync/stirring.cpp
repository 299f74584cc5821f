// SPDX-License-Identifier: Apache-2.0
// One wait for all that is watched.
#include "sync/stirring.hpp"

namespace syncline::sync {

Stirring::Stirring(WarmReplicas& warm, FollowedSources& sources) : warm_(warm), sources_(sources) {
  warm_.on_kept([this] { wake(); });
  sources_.on_followed([this] { wake(); });
}

Stirring::~Stirring() {
  warm_.on_kept(nullptr);
  sources_.on_followed(nullptr);
}

std::vector<std::uint64_t> Stirring::take(StirWait& wait) {
  auto out = warm_.take_due(wait);
  try {
    const auto more = sources_.take_due(wait);
    out.insert(out.end(), more.begin(), more.end());
  } catch (const std::exception&) {
    if (out.empty()) throw;  // else those are told first
  }
  return out;
}

std::vector<std::uint64_t> Stirring::wait(std::chrono::milliseconds limit) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto end = now() + limit;
  StirWait wait{{}, end};
  if (auto out = take(wait); !out.empty()) return out;
  std::vector<int> descriptors;
  for (const auto& tree : wait.trees) descriptors.push_back(tree->descriptor());
  waker_.wait(descriptors, std::chrono::ceil<std::chrono::milliseconds>(wait.end - now()));
  wait = {{}, end};
  return take(wait);
}

}  // namespace syncline::sync
