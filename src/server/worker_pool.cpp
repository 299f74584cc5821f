// SPDX-License-Identifier: Apache-2.0
// The pool's queue and its threads.
#include "server/worker_pool.hpp"

#include <utility>

namespace syncline::server {

void WorkerPool::post(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (finishing_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() > idle_count_ && threads_.size() < threads_max_) threads_.emplace_back([this] { work(); });
  wanted_.notify_one();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_count_;
    wanted_.wait(lock, [&] { return finishing_ || !jobs_.empty(); });
    --idle_count_;
    if (finishing_) return;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

void WorkerPool::finish() {
  std::vector<std::thread> threads;
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  {
    std::lock_guard lock(mutex_);
    finishing_ = true;
    dropped = std::exchange(jobs_, {});
    threads = std::exchange(threads_, {});
    wanted_.notify_all();
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace syncline::server
