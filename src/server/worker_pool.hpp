// SPDX-License-Identifier: Apache-2.0
// Jobs of sessions: as many at a time as there may be threads, the others in turn.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "base/kept_thread.hpp"

namespace syncline::server {

/// Thread-safe. A job must not throw.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads_max) : threads_max_(threads_max) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// finish().
  ~WorkerPool() { finish(); }

  /// Never blocks; a job that finds no thread waits its turn. Dropped after finish(). Throws
  /// std::system_error where no thread is to be had; the job waits for the next one then.
  void post(std::function<void()> job);
  /// Waits for the jobs that have begun; those that have not are dropped.
  void finish();

 private:
  void work(std::size_t thread);

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::deque<std::function<void()>> jobs_;
  bool finishing_ = false;
  std::vector<KeptThread> threads_;
  std::vector<std::size_t> idle_;  ///< of threads_: those whose work is over
};

}  // namespace syncline::server
