// SPDX-License-Identifier: Apache-2.0
// Starting and stopping network threads.
#include "net/io_threads.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include "net/io_thread.hpp"

namespace syncline::net {
namespace {

thread_local bool on_network_thread = false;

/// Signals stay blocked in the threads that are started meanwhile: SIGPIPE for good, as nobody looks at it,
/// the others for the thread that waits for them. What a thread does to itself (SIGSEGV) is let through.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    ::sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
      ::sigdelset(&blocked, own);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

IoThread::IoThread() : work_(context_.get_executor()), scratch_(new std::byte[scratch_bytes]) {
  SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

IoThread::~IoThread() { stop(); }

bool IoThread::is_current() { return on_network_thread; }

void IoThread::run() {
  on_network_thread = true;
  context_.run();
}

bool IoThread::attach(Running& running) {
  if (stopping_) return false;
  running_.insert(&running);
  return true;
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  post([this] {
    stopping_ = true;
    // Each detaches itself, and may take others with it.
    while (!running_.empty()) {
      Running* one = *running_.begin();
      running_.erase(running_.begin());
      one->stop_running();
    }
    work_.reset();
    std::lock_guard lock(mutex_);
    stopped_ = true;
  });
  thread_.join();
}

IoThreads::IoThreads(unsigned count) {
  for (unsigned k = 0; k < std::max(1u, count); ++k) threads_.push_back(std::make_shared<IoThread>());
}

IoThreads::~IoThreads() {
  for (const auto& thread : threads_) thread->stop();
}

std::shared_ptr<IoThread> IoThreads::next() { return threads_[turn_++ % threads_.size()]; }

}  // namespace syncline::net
