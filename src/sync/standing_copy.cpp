// SPDX-License-Identifier: Apache-2.0
// Round after round.
#include "sync/standing_copy.hpp"

#include <utility>

#include "sync/copy.hpp"

namespace syncline::sync {

StandingCopy::StandingCopy(const World& world, Dial dial, std::shared_ptr<watch::TreeWatch> source)
    : world_(world), dial_(std::move(dial)), source_(std::move(source)) {}

CopyReport StandingCopy::round(const CopyOptions& options, const CopyObserver& observer) {
  auto standing = std::exchange(standing_, nullptr);
  if (!standing) {
    standing = std::make_unique<Standing>();
    standing->source = source_;
  }
  auto report = is_remote(options)
                    ? run_remote_copy(world_, options, observer, dial_, standing.get())
                    : run_copy(world_, world_, options, observer, wire::make_pipe, standing.get());
  standing_ = std::move(standing);
  return report;
}

bool StandingCopy::is_stirred() {
  if (!standing_) return false;
  if (standing_->channel) return standing_->channel->has_input();
  return !standing_->replicas.stirred().empty();
}

}  // namespace syncline::sync
