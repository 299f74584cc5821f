// SPDX-License-Identifier: Apache-2.0
// One network thread: its event loop, and what must end when it does. Internal to src/net.
#pragma once

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <thread>
#include <utility>

namespace syncline::net {

/// Something with operations outstanding on a network thread.
class Running {
 public:
  virtual ~Running() = default;
  /// On the network thread, once at most: ends all operations, so that the loop runs out of work.
  virtual void stop_running() = 0;
};

class IoThread {
 public:
  IoThread();
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  asio::io_context& context() { return context_; }
  /// Is the caller a network thread, of whatever IoThreads? Such a one must not wait for another.
  static bool is_current();

  /// Runs `work` on the thread; false, and nothing happens, once the thread has stopped. What was taken on is
  /// run: nothing stays behind in the loop to keep its owner alive.
  template <class Work>
  bool post(Work&& work) {
    std::lock_guard lock(mutex_);
    if (stopped_) return false;
    asio::post(context_, std::forward<Work>(work));
    return true;
  }

  /// On the thread. False when it is stopping: nothing new may begin.
  bool attach(Running& running);
  void detach(Running& running) { running_.erase(&running); }

  /// On the thread: space for what was read and is not a frame yet; free again when the caller returns.
  std::span<std::byte> scratch() { return {scratch_.get(), scratch_bytes}; }

  /// Not on a network thread.
  void stop();

 private:
  static constexpr std::size_t scratch_bytes = 64 * 1024;
  void run();

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unique_ptr<std::byte[]> scratch_;
  std::mutex mutex_;
  bool stopped_ = false;
  bool stopping_ = false;       // the thread's own
  std::set<Running*> running_;  // the thread's own
  std::thread thread_;
};

}  // namespace syncline::net
