// SPDX-License-Identifier: Apache-2.0
// Where a running watch writes down how things stand, and finds what is asked of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/world.hpp"
#include "syncline/copy.hpp"
#include "watch/standing.hpp"

namespace syncline::watch {

/// An entry that could not be brought over.
struct FailingEntry {
  std::string side;
  std::string cause;
  std::int64_t since_ns = 0;  ///< the first of the rounds in a row in which it failed
};

/// A round that came to its end, but for entries that fail and what is held.
struct Completed {
  std::int64_t begun_ns = 0;
  std::int64_t at_ns = 0;
};

/// Both sides were equal.
struct Proof {
  std::int64_t begun_ns = 0;  ///< whatever was changed before this is at the other side
  std::int64_t at_ns = 0;
  std::string root;  ///< hex digest of the destination's tree
  bool is_alike = true;  ///< but for what stays there and is not the source's
};

struct LastFailure {
  std::int64_t at_ns = 0;
  std::string path;  ///< empty: of no entry
  std::string cause;
};

/// What a round has not brought over yet, or did not when it failed.
struct Missing {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// What guards keep back. All 0: deletions above --max-delete.
struct Held {
  std::uint64_t deletions = 0;
  std::uint64_t changes = 0;
  bool everything = false;  ///< SRC or DST is not the directory that it was
};

/// The same by name.
struct HeldView {
  bool is_holding = false;
  Held held;
  HeldPlan plan;
};

/// The watch is over, for a reason that nobody has wished for.
struct Ended {
  std::int64_t at_ns = 0;
  int exit_code = 0;
  std::string cause;
};

/// Everything at one moment.
struct BoardView {
  Standing::State state = Standing::State::copying;
  std::string watched_by;  ///< "inotify" or "fanotify"; empty: nothing is watched yet
  bool is_degraded = false;
  std::uint64_t overflow_count = 0;  ///< how often events were lost
  bool is_rescanning = false;        ///< and no round has ended well since
  std::optional<std::chrono::milliseconds> retry_in;
  std::optional<Proof> proof;
  std::optional<Completed> completed;
  std::optional<LastFailure> failure;
  std::optional<std::string> stopped_by;  ///< why the last round, or the one under way again, brought nothing
  std::optional<Missing> missing;          ///< not known before a destination was compared with
  std::optional<std::int64_t> changed_ns;  ///< of the first change that is not known to be at the other side
  bool is_touched = false;                 ///< something has changed since the last completed round began
  bool is_holding = false;                 ///< a guard keeps something back
  Held held;
  std::optional<Ended> ended;
  std::uint64_t failing_count = 0;
  std::uint64_t failing_unnamed = 0;                          ///< of these, beyond limits::board_failures_max
  std::vector<std::pair<std::string, FailingEntry>> failing;  ///< the first of them by path
};

/// Between the loop that follows a tree, which is one thread, and those who ask, which may be any. Paths are
/// relative to the source's directory.
class Board {
 public:
  explicit Board(Clock& clock);
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  // Of the loop.
  /// While it lives, `wake` is called, from any thread, when a round is wanted. It must neither throw nor
  /// call the board.
  class Awake {
   public:
    Awake(Board* board, std::function<void()> wake);
    ~Awake();
    Awake(const Awake&) = delete;
    Awake& operator=(const Awake&) = delete;

   private:
    Board* const board_;
  };
  void watched_by(const std::string& how);
  /// The system has lost events, so often by now.
  void overflowed(std::uint64_t count);
  /// Something in the tree has changed.
  void changed();
  bool is_round_wanted() const;
  /// What was asked for until now is served by the round that begins; what comes later is not. To be called
  /// before the changes so far are read.
  void take_requests();
  /// The copy begins, with all changes that were noted.
  void begin_round();
  /// With take_requests(): this one makes what a guard held before.
  bool is_approved() const;
  /// Or this one takes SRC and DST as they are now, with guards for what is in them.
  bool is_root_approved() const;
  void error(const ErrorEvent& event);
  void progress(const ProgressEvent& event);
  void failed(const std::string& path, const std::string& cause);  ///< all of it
  void report(CopyReport report);
  void end_round(Attempt::Result result);
  void stand(const Standing& standing);
  /// Nothing more comes; the cause is that of the last failure.
  void end(int exit_code);

  // Of those who ask.
  BoardView view(std::size_t failing_max = 0) const;
  /// Of the last round that came to its end.
  HeldView held() const;
  /// Of the entry, or of the nearest one above it that fails.
  std::optional<std::pair<std::string, FailingEntry>> failing(const std::string& path) const;
  /// A round that begins from now on is to come at once. Returns the ticket for is_proven().
  std::uint64_t want_round();
  /// Such a round has ended with both sides equal.
  bool is_proven(std::uint64_t ticket) const;
  /// The next round comes at once and makes what is held, which is returned, or takes SRC and DST as they are
  /// now; nothing where nothing is held, and nothing happens then.
  std::optional<Held> approve();
  /// Ends a wait of the loop, which then asks whether it is to go on.
  void wake();
  /// `on_news` is called, by any thread, after the standing or a proof is a new one. It must neither throw
  /// nor call the board. An empty one ends that.
  void listen(std::function<void()> on_news);

 private:
  using Failures = std::map<std::string, FailingEntry>;
  void note_failure(LastFailure failure);
  void merge_failures(bool is_complete);
  void take_held();
  void news();

  Clock& clock_;
  mutable std::mutex mutex_;
  std::function<void()> wake_, on_news_;
  Standing standing_;
  std::string watched_by_;
  std::uint64_t overflow_count_ = 0;
  bool is_rescanning_ = false;
  std::optional<std::chrono::steady_clock::time_point> retry_at_;
  std::optional<Proof> proof_;
  std::optional<Completed> completed_;
  std::optional<LastFailure> failure_;
  std::optional<std::string> stopped_by_;
  std::optional<Missing> missing_;
  std::optional<std::int64_t> changed_ns_, changed_in_round_ns_;
  bool was_complete_ = false;  ///< the last round, and none has begun since
  Failures failing_, failing_in_round_;
  std::uint64_t failing_more_ = 0, failing_more_in_round_ = 0;  ///< beyond limits::board_failures_max
  std::optional<CopyReport> report_;                            ///< of this round
  std::int64_t round_begun_ns_ = 0;
  bool is_holding_ = false;
  Held held_;
  HeldPlan held_plan_;
  std::optional<Ended> ended_;
  enum class Approval { none, held, root };
  bool is_wanted_ = false;
  Approval approval_ = Approval::none;                      ///< for the next round
  Approval approved_ = Approval::none;                      ///< of this one
  std::uint64_t requested_ = 0, claimed_ = 0, proven_ = 0;  ///< the last ticket that was given, of this
                                                            ///< round, that is served
};

}  // namespace syncline::watch
