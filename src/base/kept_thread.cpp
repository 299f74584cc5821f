// SPDX-License-Identifier: Apache-2.0
// The crew of waiting threads, one for the process.
#include "base/kept_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/rest_local.hpp"

namespace syncline {

struct KeptThread::Assignment {
  explicit Assignment(std::function<void()> to_do) : work(std::move(to_do)) {}

  std::function<void()> work;
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
};

/// Never destroyed: its threads are detached, and may wait when the process ends.
struct KeptThread::Crew {
  std::mutex mutex;
  std::vector<Member*> idle;
  std::uint64_t begun_count = 0;  ///< of threads
  std::size_t busy_count = 0;     ///< of those that have work, or are to get it
  bool is_at_rest = true;         ///< none has had work since all have rested
  Rest rest;

  static Crew& instance() {
    static auto* const crew = new Crew;
    return *crew;
  }
  /// A process that is forked off has none of these threads.
  Crew() {
    ::pthread_atfork([] { instance().mutex.lock(); }, [] { instance().mutex.unlock(); },
                     [] {
                       instance().idle.clear();
                       instance().busy_count = 0;
                       instance().mutex.unlock();
                     });
  }

  /// Of this role the one that began first, so that the same one does what one alone can do; null where none
  /// waits.
  Member* take(std::string_view role);
  void note_work() {
    ++busy_count;
    is_at_rest = false;
  }
};

/// A thread, on whose stack it lies.
class KeptThread::Member {
 public:
  Member(std::string_view role, std::shared_ptr<Assignment> first) : role_(role), next_(std::move(first)) {}
  std::string_view role() const { return role_; }
  std::uint64_t number() const { return number_; }  ///< under the crew's mutex

  /// Under the crew's mutex.
  void give(std::shared_ptr<Assignment> next) {
    next_ = std::move(next);
    wake_.notify_one();
  }

  void run() noexcept {
    Crew& crew = Crew::instance();
    std::unique_lock lock(crew.mutex);
    number_ = crew.begun_count++;
    while (next_ != nullptr) {
      const auto now = std::exchange(next_, nullptr);
      lock.unlock();
      now->work();
      now->work = nullptr;
      lock.lock();
      // Before anybody hears of the end: who joins and starts the next one at once finds it waiting.
      --crew.busy_count;
      const bool stays = crew.idle.size() < idle_threads_max;
      if (stays) crew.idle.push_back(this);
      lock.unlock();
      {
        const std::lock_guard done(now->mutex);
        now->done = true;
        now->changed.notify_all();
      }
      lock.lock();
      if (!stays) return;
      if (!is_given_work(lock, crew)) std::erase(crew.idle, this);
    }
  }

 private:
  bool is_given_work(std::unique_lock<std::mutex>& lock, Crew& crew) {
    const auto has_work = [&] { return next_ != nullptr; };
    const auto end = std::chrono::steady_clock::now() + idle_max;
    if (wake_.wait_for(lock, rest_after, has_work)) return true;
    const auto act = [&](void (*what)() noexcept) {
      if (what == nullptr) return;
      lock.unlock();
      what();
      lock.lock();
    };
    act([]() noexcept { RestLocalBase::drop_all(); });
    act(crew.rest.each);
    if (crew.busy_count == 0 && !std::exchange(crew.is_at_rest, true)) act(crew.rest.last);
    return wake_.wait_until(lock, end, has_work);
  }

  const std::string_view role_;
  std::uint64_t number_ = 0;
  std::shared_ptr<Assignment> next_;
  std::condition_variable wake_;
};

KeptThread::Member* KeptThread::Crew::take(std::string_view role) {
  Member* oldest = nullptr;
  for (Member* const member : idle)
    if (member->role() == role && (oldest == nullptr || member->number() < oldest->number())) oldest = member;
  std::erase(idle, oldest);
  return oldest;
}

KeptThread::KeptThread(std::string_view role, std::function<void()> work) {
  auto assignment = std::make_shared<Assignment>(std::move(work));
  Crew& crew = Crew::instance();
  {
    const std::lock_guard lock(crew.mutex);
    if (Member* const member = crew.take(role)) member->give(assignment);
    else std::thread([role, assignment] { Member(role, assignment).run(); }).detach();
    crew.note_work();
  }
  assignment_ = std::move(assignment);
}

KeptThread& KeptThread::operator=(KeptThread&& other) noexcept {
  if (this == &other) return *this;
  join();
  assignment_ = std::move(other.assignment_);
  return *this;
}

void KeptThread::join() noexcept {
  if (assignment_ == nullptr) return;
  {
    std::unique_lock lock(assignment_->mutex);
    assignment_->changed.wait(lock, [&] { return assignment_->done; });
  }
  assignment_.reset();
}

void KeptThread::when_resting(Rest rest) {
  Crew& crew = Crew::instance();
  const std::lock_guard lock(crew.mutex);
  crew.rest = rest;
}

std::size_t KeptThread::idle_count() {
  Crew& crew = Crew::instance();
  const std::lock_guard lock(crew.mutex);
  return crew.idle.size();
}

}  // namespace syncline
