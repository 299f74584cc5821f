// SPDX-License-Identifier: Apache-2.0
// Round after round.
#include "sync/standing_copy.hpp"

#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "sync/copy.hpp"
#include "sync/remote_place.hpp"

namespace syncline::sync {
namespace {

/// What the places that are here lead to, as they were typed; empty: it is not there.
std::map<std::string, std::string> real_places(const World& world, const CopyOptions& options) {
  std::map<std::string, std::string> out;
  for (const auto& typed : {options.sources.front(), options.destination}) {
    if (parse_remote(typed)) continue;
    try {
      out[typed] = world.files->real_path(typed);
    } catch (const Error& error) {
      if (error.is_errno(ENOENT) || error.is_errno(ENOTDIR)) out[typed] = "";
      // The round itself meets anything else.
    }
  }
  return out;
}

}  // namespace

StandingCopy::StandingCopy(const World& world, Dial dial, std::shared_ptr<watch::TreeWatch> source)
    : world_(world), dial_(std::move(dial)), source_(std::move(source)) {}

CopyReport StandingCopy::round(const CopyOptions& options, const CopyObserver& observer) {
  if (options.root_guard == RootGuard::take) far_source_.id = {}, places_.clear();
  const auto places = real_places(world_, options);
  if (options.root_guard == RootGuard::keep) check_places(places);
  note_places(places);
  try {
    auto report = make_round(options, observer);
    note_places(real_places(world_, options));
    return report;
  } catch (const Error& error) {
    if (error.is(Errc::replaced)) far_source_.begins_afresh = true;
    throw;
  }
}

/// What is remembered of a directory is found by its real path. A link that leads elsewhere by now, or that
/// is gone, would have another one begin there as if it had never been in step.
void StandingCopy::check_places(const std::map<std::string, std::string>& now) const {
  for (const auto& [typed, real] : now) {
    const auto known = places_.find(typed);
    if (known != places_.end() && known->second != real)
      throw Error(Errc::replaced, "'" + escape_name(typed) + "'");
  }
}

/// The first that was there counts: what a link leads to after a round is not what the round was with.
void StandingCopy::note_places(const std::map<std::string, std::string>& now) {
  for (const auto& [typed, real] : now)
    if (!real.empty()) places_.try_emplace(typed, real);
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
