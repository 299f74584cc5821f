// SPDX-License-Identifier: Apache-2.0
// Threads that outlive their work and wait for the next.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace syncline {

/// As std::jthread, but the system's thread behind it is kept for a while for the next one of the same role:
/// a session of milliseconds starts some eight of them, and what an allocator holds for a thread that has
/// come and gone grows with their number (docs/decisions/0017-kept-threads.md). Values of thread_local
/// variables outlive the work likewise; those that are a RestLocal until the thread rests.
class KeptThread {
 public:
  static constexpr std::chrono::milliseconds rest_after{250};  ///< of waiting: see when_resting()
  static constexpr std::chrono::seconds idle_max{10};          ///< then it ends
  static constexpr std::size_t idle_threads_max = 64;          ///< of the process; more end with their work

  KeptThread() = default;
  /// `role` outlives the process. `work` must not throw. Throws std::system_error where there is no thread to
  /// be had.
  KeptThread(std::string_view role, std::function<void()> work);
  KeptThread(KeptThread&& other) noexcept = default;
  /// join(), and what the other one was.
  KeptThread& operator=(KeptThread&& other) noexcept;
  /// join()
  ~KeptThread() { join(); }

  /// It has work, or had, and was not joined.
  bool joinable() const { return assignment_ != nullptr; }
  /// Waits for the end of the work, after which nothing that it captured is there any more.
  void join() noexcept;

  /// What threads do that have waited for rest_after, for the whole process: to give back what the allocator
  /// keeps. Either may be null.
  struct Rest {
    void (*each)() noexcept = nullptr;
    void (*last)() noexcept = nullptr;  ///< after that, one of them, if none has had work meanwhile
  };
  static void when_resting(Rest rest);

  /// Waiting for work now, in the process.
  static std::size_t idle_count();

 private:
  struct Assignment;
  struct Crew;
  class Member;

  std::shared_ptr<Assignment> assignment_;
};

}  // namespace syncline
