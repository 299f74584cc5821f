// SPDX-License-Identifier: Apache-2.0
// A tree that is followed, wherever it is.
#pragma once

#include <chrono>
#include <cstdint>

namespace syncline::watch {

/// What tells that it is time for another copy. For one thread but for wake().
class SourceWatch {
 public:
  struct News {
    bool written = false;   ///< to a file that is open still
    bool complete = false;  ///< anything else
  };
  virtual ~SourceWatch() = default;
  /// What has changed; waits for it at most so long, or until a signal comes.
  virtual News take(std::chrono::milliseconds limit) = 0;
  /// Ends a take() that waits, or the next one; from any thread.
  virtual void wake() noexcept = 0;
  /// Of what take() has seen: somebody is in the middle of writing a file, and has begun that after the last
  /// let_writers_go().
  virtual bool is_writing() const = 0;
  virtual void let_writers_go() = 0;
  /// The next copy is to look at everything, and relies on nothing that was seen before.
  virtual void refresh() = 0;
  /// The path leads to the directory that is watched: not so when a file system was unmounted there. True
  /// where only the copy itself finds that out.
  virtual bool root_is_there() const = 0;
  /// Whatever the path leads to now is watched from here on; whether it may be copied the copy finds out.
  /// False where it leads nowhere.
  virtual bool take_root() = 0;
  /// Something was mounted or unmounted below the root since the last call, or since it was watched: no event
  /// tells that, and the next copy is to look at everything.
  virtual bool look_for_mounts() = 0;
  /// False where changes may go unnoticed: the system's limit of watches was reached, here or there.
  virtual bool is_complete() const = 0;
  /// How often the system has lost events, as far as is known here: everything is looked at again each time.
  virtual std::uint64_t overflow_count() const { return 0; }
};

}  // namespace syncline::watch
