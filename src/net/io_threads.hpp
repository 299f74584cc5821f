// SPDX-License-Identifier: Apache-2.0
// The threads that do all input and output of connections.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

namespace syncline::net {

class IoThread;

/// Network threads, each with an event loop of its own; a connection stays with the one it was given. They
/// block all signals a program may want to see elsewhere, and SIGPIPE. A client needs one, a server one per
/// core.
class IoThreads {
 public:
  explicit IoThreads(unsigned count = 1);
  /// Ends the connections, handshakes and listeners that are still there and joins the threads. Not to be
  /// called by one of them.
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  std::size_t count() const { return threads_.size(); }
  /// The threads in turn.
  std::shared_ptr<IoThread> next();

 private:
  std::vector<std::shared_ptr<IoThread>> threads_;
  std::atomic<std::size_t> turn_ = 0;
};

}  // namespace syncline::net
