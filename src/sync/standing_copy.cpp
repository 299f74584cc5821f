// SPDX-License-Identifier: Apache-2.0
// Round after round.
#include "sync/standing_copy.hpp"

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "sync/copy.hpp"
#include "sync/remote_place.hpp"

namespace syncline::sync {
namespace {

/// Nothing where it is on another machine, or not there.
std::optional<std::string> real_place(const World& world, const std::string& typed) {
  if (parse_remote(typed)) return std::nullopt;
  try {
    return world.files->real_path(typed);
  } catch (const Error&) {
    return std::nullopt;  // the round itself meets that
  }
}

}  // namespace

StandingCopy::StandingCopy(const World& world, Dial dial, std::shared_ptr<watch::TreeWatch> source)
    : world_(world), dial_(std::move(dial)), source_(std::move(source)) {}

CopyReport StandingCopy::round(const CopyOptions& options, const CopyObserver& observer) {
  if (options.root_guard == RootGuard::take) far_source_.id = {};
  if (options.root_guard == RootGuard::keep) check_places(options);
  try {
    auto report = make_round(options, observer);
    note_places(options);
    return report;
  } catch (const Error& error) {
    if (error.is(Errc::replaced)) far_source_.begins_afresh = true;
    throw;
  }
}

/// What is remembered of a directory is found by its real path. A link that leads elsewhere by now would have
/// another one begin there as if it had never been in step.
void StandingCopy::check_places(const CopyOptions& options) const {
  for (const auto& typed : {options.sources.front(), options.destination}) {
    const auto known = places_.find(typed);
    if (known == places_.end()) continue;
    const auto now = real_place(world_, typed);
    if (now && *now != known->second) throw Error(Errc::replaced, "'" + escape_name(typed) + "'");
  }
}

void StandingCopy::note_places(const CopyOptions& options) {
  for (const auto& typed : {options.sources.front(), options.destination})
    if (auto now = real_place(world_, typed)) places_.insert_or_assign(typed, std::move(*now));
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
