// SPDX-License-Identifier: Apache-2.0
// Threads that are kept for the next work of their role.
#include "base/kept_thread.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/rest_local.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;

std::thread::id thread_of(std::string_view role) {
  std::thread::id id;
  KeptThread(role, [&] { id = std::this_thread::get_id(); }).join();
  return id;
}

bool becomes(auto&& is_so, std::chrono::milliseconds within) {
  const auto end = std::chrono::steady_clock::now() + within;
  while (!is_so())
    if (std::chrono::steady_clock::now() > end) return false;
    else std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return true;
}

TEST_CASE("work runs on another thread, and join() waits for it and for what it captured") {
  auto held = std::make_shared<int>(0);
  KeptThread thread("test join", [held] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    *held = 1;
  });
  CHECK(thread.joinable());
  thread.join();
  CHECK_FALSE(thread.joinable());
  CHECK(*held == 1);
  CHECK(held.use_count() == 1);
  thread.join();  // once more is nothing
  CHECK(thread_of("test join") != std::this_thread::get_id());
}

TEST_CASE(
    "the next work of a role runs on the thread that waits, at once, and that of another role does not") {
  const auto first = thread_of("test role");
  for (int i = 0; i < 1000; ++i) REQUIRE(thread_of("test role") == first);
  CHECK(thread_of("test another role") != first);
  CHECK(thread_of("test role") == first);
}

TEST_CASE("two at a time have two threads, both kept") {
  std::atomic<int> inside = 0;
  const auto meet = [&] {
    ++inside;
    while (inside < 2) std::this_thread::yield();
  };
  const auto two = [&] {
    inside = 0;
    std::set<std::thread::id> out;
    std::mutex mutex;
    const auto work = [&] {
      meet();
      const std::lock_guard lock(mutex);
      out.insert(std::this_thread::get_id());
    };
    {
      KeptThread one("test two", work);
      KeptThread other("test two", work);
    }
    return out;
  };
  const auto both = two();
  CHECK(both.size() == 2);
  CHECK(two() == both);
  const auto first = thread_of("test two");  // of both always the same
  for (int i = 0; i < 100; ++i) REQUIRE(thread_of("test two") == first);
}

TEST_CASE("a thread is destroyed or replaced only when its work is done") {
  std::atomic<int> done = 0;
  const auto slowly = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++done;
  };
  {
    KeptThread one("test scope", slowly);
    KeptThread moved = std::move(one);
    CHECK_FALSE(one.joinable());  // NOLINT(bugprone-use-after-move)
    CHECK(moved.joinable());
    moved = KeptThread("test scope", slowly);
    CHECK(done >= 1);
  }
  CHECK(done == 2);
}

TEST_CASE("a process that is forked off starts threads of its own") {
  thread_of("test fork");
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(20);
    const bool is_empty = KeptThread::idle_count() == 0;
    int done = 0;
    KeptThread("test fork", [&] { done = 1; }).join();
    ::_exit(is_empty && done == 1 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  thread_of("test fork");
}

TEST_CASE(
    "threads that wait give back what they keep, the last one what is kept for all, and take work later") {
  static std::atomic<int> rests = 0, rests_of_all = 0;
  KeptThread::when_resting({[]() noexcept { ++rests; }, []() noexcept { ++rests_of_all; }});
  constexpr auto long_enough = KeptThread::rest_after + std::chrono::seconds(20);
  const auto before = KeptThread::idle_count();
  std::atomic<bool> is_over = false;
  KeptThread busy("test busy", [&] {
    while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  const auto first = thread_of("test rest");
  CHECK(becomes([&] { return rests > 0; }, long_enough));
  CHECK(rests_of_all == 0);  // one has work
  is_over = true;
  busy.join();
  CHECK(becomes([&] { return rests_of_all > 0; }, long_enough));
  CHECK(thread_of("test rest") == first);
  CHECK(KeptThread::idle_count() >= before);
  CHECK(becomes([&] { return rests_of_all > 1; }, long_enough));
  std::this_thread::sleep_for(2 * KeptThread::rest_after);
  CHECK(rests_of_all == 2);  // once each time
  KeptThread::when_resting({});
}

TEST_CASE("what a thread holds for its work is there for the next, and dropped when it rests") {
  static std::atomic<int> alive = 0;
  struct Held {
    Held() { ++alive; }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { --alive; }
    int used_count = 0;
  };
  const auto use = [] {
    int out = 0;
    KeptThread("test held", [&] {
      thread_local RestLocal<Held> one;
      thread_local RestLocal<Held> other;
      out = std::min(++one->used_count, ++other->used_count);
    }).join();
    return out;
  };
  const auto is_dropped = [&] {
    return becomes([&] { return alive == 0; }, KeptThread::rest_after + std::chrono::seconds(20));
  };
  CHECK(use() == 1);
  // Another round where the machine was so slow that the thread rested in between.
  CHECK(becomes([&] { return use() >= 3; }, std::chrono::seconds(20)));
  CHECK(alive == 2);
  CHECK(is_dropped());
  CHECK(KeptThread::idle_count() > 0);  // it is still there
  CHECK(use() == 1);
  CHECK(is_dropped());
}

// From here on as many threads wait as may, so that others end with their work.

TEST_CASE("as many threads are kept as the limit says, and one more ends with its work", "[bounds]") {
  constexpr auto count = KeptThread::idle_threads_max + 1;
  std::atomic<std::size_t> inside = 0;
  {
    std::vector<KeptThread> threads;
    for (std::size_t i = 0; i < count; ++i)
      threads.emplace_back("test many", [&] {
        ++inside;
        while (inside < count) std::this_thread::yield();
      });
  }
  CHECK(inside == count);
  CHECK(KeptThread::idle_count() == KeptThread::idle_threads_max);
}

TEST_CASE("a thread that finds no work for a while ends", "[long]") {
  thread_of("test idle");
  CHECK(KeptThread::idle_count() >= 1);
  CHECK(
      becomes([] { return KeptThread::idle_count() == 0; }, KeptThread::idle_max + std::chrono::seconds(20)));
  thread_of("test idle");  // and the next one is a new one
  CHECK(KeptThread::idle_count() == 1);
}

}  // namespace
