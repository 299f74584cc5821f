// SPDX-License-Identifier: Apache-2.0
// One session at a time writes to a directory, its parents and what is below it, or several read there.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "sync/service.hpp"

namespace syncline::server {

struct Claim {
  std::string dir;  ///< an absolute path without symlinks
  sync::PlaceUse use = sync::PlaceUse::write;
};

/// Sessions that would meet wait in the order in which they came: of two clients that push to one place each
/// finds a tree that is nobody's half. Those that only read do not meet. Thread-safe.
class PathReservations : public std::enable_shared_from_this<PathReservations> {
 public:
  /// Waits until no earlier session has the directory, a parent of it or something below it in a way that
  /// this one would meet. Released when the last copy of what is returned goes. Throws Error(cancelled) after
  /// close().
  std::shared_ptr<void> reserve(const Claim& claim);
  /// Does anybody wait whom the holder of `claim` keeps waiting?
  bool is_wanted(const Claim& claim) const;
  /// Nobody gets another one.
  void close();

 private:
  bool must_wait(std::list<Claim>::const_iterator own) const;
  void release(std::list<Claim>::iterator own);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Claim> claims_;  ///< of holders and of those who wait, in order
  bool closed_ = false;
};

}  // namespace syncline::server
