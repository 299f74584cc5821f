// SPDX-License-Identifier: Apache-2.0
// Threads for sessions: as many as are busy at a time, up to a limit.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace syncline::server {

/// Thread-safe. A job must not throw.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads_max) : threads_max_(threads_max) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// finish().
  ~WorkerPool() { finish(); }

  /// Never blocks; a job that finds no thread waits its turn. Dropped after finish().
  void post(std::function<void()> job);
  /// Waits for the jobs that have begun; those that have not are dropped.
  void finish();

 private:
  void work();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_count_ = 0;
  bool finishing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace syncline::server
