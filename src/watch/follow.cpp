// SPDX-License-Identifier: Apache-2.0
// The loop: wait, settle, copy, and again.
#include "watch/follow.hpp"

#include <algorithm>
#include <utility>

namespace syncline::watch {
namespace {

using Moment = Settle::Moment;
using std::chrono::milliseconds;

class Follower {
 public:
  Follower(Clock& clock, SourceWatch& source, const FollowOptions& options, const FollowHooks& hooks)
      : clock_(clock),
        options_(options),
        hooks_(hooks),
        source_(source),
        awake_(hooks.board, [this] { source_.wake(); }),
        next_(clock.steady()) {}

  int run() {
    while (!hooks_.cancelled()) {
      const auto now = clock_.steady();
      const auto at = due();  // once: a request may come at any moment
      if (at > now) {
        note(source_.take(
            std::clamp(std::chrono::ceil<milliseconds>(at - now), milliseconds(0), limits::watch_tick)));
        look_for_overflow();
        look_for_root();
      } else if (const auto code = attempt()) {
        return *code;
      }
    }
    return 0;
  }

 private:
  /// When the next copy begins. A failure is not repeated sooner because something changes, but when it is
  /// asked for.
  Moment due() const {
    if (hooks_.board != nullptr && hooks_.board->is_round_wanted()) return Moment::min();
    const auto settled = settle_.due(source_.is_writing());
    return settled && !is_failing_ ? std::min(std::max(*settled, not_before_), next_) : next_;
  }

  void note(const SourceWatch::News& news) {
    const auto now = clock_.steady();
    if (hooks_.board != nullptr && (news.complete || news.written)) hooks_.board->changed();
    if (news.complete) settle_.complete(now);
    if (news.written) settle_.written(now);
  }

  /// The exit code where that is the end.
  std::optional<int> attempt() {
    const auto board = hooks_.board;
    if (board != nullptr) {
      board->take_requests();
      note(source_.take(milliseconds(0)));  // what was done before somebody asked is seen by now
      board->begin_round();
    }
    if (!source_.root_is_there() && !source_.take_root()) {
      wait_for_root();
      if (board != nullptr) board->end_round(Attempt::Result::failed);
      return std::nullopt;
    }
    // From time to time in any case nothing that was seen before is relied on.
    if (clock_.steady() >= rescan_at_) source_.refresh();
    source_.let_writers_go();
    const auto begun = clock_.steady();
    settle_.taken();
    tell(Standing::State::copying);
    is_overflow_told_ = false;
    const auto done = hooks_.copy();
    look_for_overflow();
    rescan_at_ = begun + (source_.is_complete() ? options_.rescan : limits::watch_rescan_degraded);
    using enum Attempt::Result;
    note_failure(done, begun);
    if (done.result == ended) return done.exit_code;
    if (done.result == in_step || done.result == held) {
      retry_ = limits::watch_retry_first;
      next_ = rescan_at_;
      tell(done.result == held ? Standing::State::holding : Standing::State::in_step);
    } else {
      const bool is_blocked = done.result == blocked;
      const auto longest = is_blocked ? limits::watch_retry_blocked_max : limits::watch_retry_max;
      const auto wait =
          std::min(longest, std::exchange(retry_, std::min(retry_ * 2, limits::watch_retry_max)));
      next_ = clock_.steady() + wait;
      if (is_blocked) tell(Standing::State::blocked);
      else tell(Standing::State::behind, wait);
    }
    if (board != nullptr) board->end_round(done.result);
    return std::nullopt;
  }

  /// Where more is lost before anything was looked at again it is counted, and not told again.
  void look_for_overflow() {
    if (source_.overflow_count() == overflow_count_) return;
    overflow_count_ = source_.overflow_count();
    if (hooks_.board != nullptr) hooks_.board->overflowed(overflow_count_);
    if (!std::exchange(is_overflow_told_, true) && hooks_.on_overflow) hooks_.on_overflow();
  }

  /// One that a change may mend is repeated after the next one; but such a try looks at everything, and where
  /// a lot changes they must not be all that is done.
  void note_failure(const Attempt& done, Moment begun) {
    using enum Attempt::Result;
    is_failing_ = (done.result == failed && !done.is_about_source) || done.result == blocked;
    const auto now = clock_.steady();
    const auto pause = std::max<Moment::duration>(limits::watch_retry_first, now - begun);
    not_before_ = done.result == failed ? now + pause : Moment::min();
  }

  /// What is mounted over it or below it, or that it is moved, no event tells. Whether the copy may go on
  /// with what is there now, it knows itself.
  void look_for_root() {
    const auto now = clock_.steady();
    if (now < look_at_) return;
    look_at_ = now + limits::watch_root_look;
    if (!source_.root_is_there()) next_ = now;
    else if (source_.look_for_mounts()) note({.complete = true});
    else if (!is_failing_ && !is_settling() && hooks_.is_stirred && hooks_.is_stirred()) next_ = now;
  }

  /// A copy is to come soon in any case, and not in the middle of what comes before it.
  bool is_settling() const { return settle_.due() || source_.is_writing(); }

  void wait_for_root() {
    is_failing_ = true;
    next_ = clock_.steady() + limits::watch_retry_first;
    settle_.taken();
    tell(Standing::State::blocked, std::nullopt, true);
  }

  void tell(Standing::State state, std::optional<milliseconds> retry_in = std::nullopt,
            bool is_away = false) {
    const Standing standing{state, retry_in, !source_.is_complete(), is_away};
    if (told_ == standing) return;
    told_ = standing;
    if (hooks_.board != nullptr) hooks_.board->stand(standing);
    hooks_.tell(standing);
  }

  Clock& clock_;
  const FollowOptions& options_;
  const FollowHooks& hooks_;
  SourceWatch& source_;
  Board::Awake awake_;
  Settle settle_;
  Moment next_;  ///< whatever changes or not
  Moment rescan_at_ = Moment::max();
  Moment look_at_ = Moment::min();  ///< for the root
  Moment not_before_ = Moment::min();  ///< though something changes
  milliseconds retry_ = limits::watch_retry_first;
  std::uint64_t overflow_count_ = 0;
  bool is_overflow_told_ = false;
  bool is_failing_ = false;
  std::optional<Standing> told_;
};

}  // namespace

int follow(Clock& clock, SourceWatch& source, const FollowOptions& options, const FollowHooks& hooks) {
  return Follower(clock, source, options, hooks).run();
}

}  // namespace syncline::watch
