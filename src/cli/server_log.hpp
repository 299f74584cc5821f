// SPDX-License-Identifier: Apache-2.0
// The log of a server: one line an event, for people or as JSON.
#pragma once

#include <fstream>
#include <mutex>
#include <string>

#include "cli/console.hpp"
#include "server/server.hpp"

namespace syncline::cli {

/// Thread-safe. A line that cannot be written is dropped: the server goes on.
class ServerLog {
 public:
  /// Appends to the file of `config`, or writes to standard error. Throws Error when the file cannot be
  /// opened.
  ServerLog(const config::LogConfig& config, Console& console);

  void write(const server::AuditEvent& event);
  void say(const std::string& text);

 private:
  Console& console_;
  bool json_;
  std::mutex mutex_;
  std::ofstream file_;
  std::ostream* out_;
};

}  // namespace syncline::cli
