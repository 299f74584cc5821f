// SPDX-License-Identifier: Apache-2.0
// Listens to the live end of a connection, so that whoever plays the other one can wait for what it says.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "frames.hpp"
#include "wire/transport.hpp"

namespace syncline::test {

/// Far beyond what anything here takes, also under a sanitizer: to end a test that would hang.
inline constexpr std::chrono::seconds patience{30};

class Hearing {
 public:
  explicit Hearing(wire::Transport& end) : end_(end), thread_([this] { listen(); }) {}
  Hearing(const Hearing&) = delete;
  Hearing& operator=(const Hearing&) = delete;
  ~Hearing() {
    end_.close();
    thread_.join();
  }
  /// The next message; nothing when the other side has closed, or says nothing for too long.
  std::optional<wire::Message> next();

 private:
  void listen();

  wire::Transport& end_;
  std::mutex mutex_;
  std::condition_variable heard_;
  std::deque<wire::Message> messages_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace syncline::test
