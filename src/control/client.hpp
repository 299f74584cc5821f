// SPDX-License-Identifier: Apache-2.0
// Asking a running watch.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/message.hpp"
#include "control/presence.hpp"

namespace syncline::control {

/// One request and its answers.
class Conversation {
 public:
  /// `connected`: of connect_to(). Throws Error(disconnected) where nobody takes the request.
  Conversation(fs::Fd connected, const Request& request);

  int descriptor() const { return socket_.get(); }
  /// The next answer, where all of it is there; does not wait. Throws Error(disconnected) for a refusal and
  /// at the end of the connection, Error(limit_exceeded) and Error(malformed) for what no watch says.
  std::optional<Json> take();

 private:
  bool read_more();

  fs::Fd socket_;
  std::string input_;
};

/// Until one of them has something to take; false at `deadline`. Returns early, with true, at a signal.
bool wait_for_any(const std::vector<int>& descriptors, std::chrono::steady_clock::time_point deadline);

/// The first answer to a request. Throws Error(ETIMEDOUT) after limits::control_idle, and as Conversation.
Json ask(fs::Fs& files, const FoundWatch& found, const Request& request);

/// In all the places for `state_dir`, each by its own name once.
std::vector<FoundWatch> find_all_watches(fs::Fs& files, const std::string& state_dir);

}  // namespace syncline::control
