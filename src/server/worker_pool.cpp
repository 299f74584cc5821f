// SPDX-License-Identifier: Apache-2.0
// The queue and who works on it.
#include "server/worker_pool.hpp"

#include <utility>

namespace syncline::server {

void WorkerPool::post(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (finishing_) return;
  jobs_.push_back(std::move(job));
  if (idle_.empty()) {
    if (threads_.size() == threads_max_) return;
    idle_.push_back(threads_.size());
    threads_.emplace_back();
  }
  const auto thread = idle_.back();
  threads_[thread] = KeptThread("session", [this, thread] { work(thread); });
  idle_.pop_back();
}

void WorkerPool::work(std::size_t thread) {
  std::unique_lock lock(mutex_);
  while (!finishing_ && !jobs_.empty()) {
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds may post, or wait for who posts
    lock.lock();
  }
  idle_.push_back(thread);
}

void WorkerPool::finish() {
  std::vector<KeptThread> threads;
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
    dropped = std::exchange(jobs_, {});
    threads = std::exchange(threads_, {});
  }
  threads.clear();
}

}  // namespace syncline::server
