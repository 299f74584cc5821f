// SPDX-License-Identifier: Apache-2.0
// Jobs of a server: how many at a time, in which order, and what its end does to them.
#include "server/worker_pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace syncline;
using server::WorkerPool;

/// Where jobs wait until they are told to go on.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  bool is_reached_by(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool is_open_ = false;
};

TEST_CASE("as many jobs run at a time as there may be threads, and the next one waits for its turn",
          "[bounds]") {
  constexpr int threads_max = 3;
  Gate gate;
  std::mutex mutex;
  std::vector<int> order;
  WorkerPool pool(threads_max);
  for (int i = 0; i < threads_max; ++i) pool.post([&] { gate.pass(); });
  REQUIRE(gate.is_reached_by(threads_max));
  for (int i = 0; i < 100; ++i)
    pool.post([&, i] {
      const std::lock_guard lock(mutex);
      order.push_back(i);
    });
  {
    const std::lock_guard lock(mutex);
    CHECK(order.empty());
  }
  gate.open();
  Gate done;
  for (int i = 0; i < threads_max; ++i) pool.post([&] { done.pass(); });
  REQUIRE(done.is_reached_by(threads_max));  // each thread has done with what came before
  done.open();
  const std::lock_guard lock(mutex);
  CHECK(order.size() == 100);
}

TEST_CASE("one thread takes jobs in the order in which they came, those of a job that posts as well") {
  std::vector<int> order;
  std::atomic<bool> is_done = false;
  Gate gate;
  WorkerPool pool(1);
  pool.post([&] {
    gate.pass();
    order.push_back(0);
    pool.post([&] {
      order.push_back(2);
      is_done = true;
    });
  });
  pool.post([&] { order.push_back(1); });
  gate.open();
  while (!is_done) std::this_thread::yield();
  pool.finish();
  CHECK(order == std::vector{0, 1, 2});
}

TEST_CASE("the end waits for jobs that have begun and drops the others with what they hold") {
  Gate gate;
  std::atomic<bool> has_ended = false;
  auto held = std::make_shared<int>(0);
  WorkerPool pool(1);
  pool.post([&] {
    gate.pass();
    has_ended = true;
  });
  REQUIRE(gate.is_reached_by(1));
  pool.post([held] { ++*held; });
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    gate.open();
  });
  pool.finish();
  CHECK(has_ended);
  CHECK(*held == 0);
  CHECK(held.use_count() == 1);
  pool.post([held] { ++*held; });
  CHECK(held.use_count() == 1);
  opener.join();
}

TEST_CASE("between jobs the pool holds no thread: the one that waits is the process's") {
  const auto thread_of_job = [] {
    std::thread::id id;
    std::atomic<bool> is_done = false;
    WorkerPool pool(2);
    pool.post([&] {
      id = std::this_thread::get_id();
      is_done = true;
    });
    while (!is_done) std::this_thread::yield();  // finish() would drop it
    pool.finish();
    return id;
  };
  const auto first = thread_of_job();
  CHECK(KeptThread::idle_count() > 0);
  CHECK(thread_of_job() == first);
}

}  // namespace
