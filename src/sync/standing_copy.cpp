// SPDX-License-Identifier: Apache-2.0
// Round after round.
#include "sync/standing_copy.hpp"

#include <utility>

#include "sync/copy.hpp"

namespace syncline::sync {

StandingCopy::StandingCopy(const World& world, Dial dial, std::shared_ptr<watch::TreeWatch> source)
    : world_(world), dial_(std::move(dial)), source_(std::move(source)) {}

CopyReport StandingCopy::round(const CopyOptions& options, const CopyObserver& observer) {
  if (options.root_guard == RootGuard::take) far_source_.id = {};
  try {
    return make_round(options, observer);
  } catch (const Error& error) {
    if (error.is(Errc::replaced)) far_source_.begins_afresh = true;
    throw;
  }
}

CopyReport StandingCopy::make_round(const CopyOptions& options, const CopyObserver& observer) {
  ++round_count_;
  on_news(nullptr);
  auto standing = std::exchange(standing_, nullptr);
  if (!standing) {
    standing = std::make_unique<Standing>();
    standing->source = source_;
    standing->far_source = &far_source_;
  }
  auto report = is_remote(options)
                    ? run_remote_copy(world_, options, observer, dial_, standing.get())
                    : run_copy(world_, world_, options, observer, wire::make_pipe, standing.get());
  far_source_.begins_afresh = false;
  standing_ = std::move(standing);
  return report;
}

bool StandingCopy::is_stirred() {
  return has_news() || (standing_ && !standing_->replicas.take_stirred().empty());
}

void StandingCopy::begin_afresh() {
  standing_.reset();
  far_source_.begins_afresh = true;
}

void StandingCopy::on_news(std::function<void()> ready) {
  if (standing_ && standing_->channel) standing_->channel->on_input(std::move(ready));
}

}  // namespace syncline::sync
