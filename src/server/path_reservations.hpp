// SPDX-License-Identifier: Apache-2.0
// One session at a time works on a directory, its parents and what is below it.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace syncline::server {

/// Sessions that would meet wait in the order in which they came: of two clients that push to one place each
/// finds a tree that is nobody's half. Thread-safe.
class PathReservations : public std::enable_shared_from_this<PathReservations> {
 public:
  /// Waits until no earlier session has `dir` (an absolute path without symlinks), a parent of it or
  /// something below it. Released when the last copy of what is returned goes. Throws Error(cancelled) after
  /// close().
  std::shared_ptr<void> reserve(const std::string& dir);
  /// Is anybody waiting for a reservation that covers `dir`?
  bool is_wanted(const std::string& dir) const;
  /// Nobody gets another one.
  void close();

 private:
  bool must_wait(std::list<std::string>::const_iterator own) const;
  void release(std::list<std::string>::iterator own);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::string> dirs_;  ///< of holders and of those who wait, in order
  bool closed_ = false;
};

}  // namespace syncline::server
