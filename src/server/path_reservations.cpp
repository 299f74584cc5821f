// SPDX-License-Identifier: Apache-2.0
// A queue of directories; each waits for those before it that it meets.
#include "server/path_reservations.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace syncline::server {
namespace {

bool covers(const std::string& dir, const std::string& other) {
  return other.starts_with(dir) &&
         (other.size() == dir.size() || dir.ends_with('/') || other[dir.size()] == '/');
}

bool meet(const std::string& one, const std::string& other) {
  return covers(one, other) || covers(other, one);
}

}  // namespace

bool PathReservations::must_wait(std::list<std::string>::const_iterator own) const {
  return std::any_of(dirs_.begin(), own, [&](const auto& earlier) { return meet(earlier, *own); });
}

std::shared_ptr<void> PathReservations::reserve(const std::string& dir) {
  std::unique_lock lock(mutex_);
  const auto own = dirs_.insert(dirs_.end(), dir);
  changed_.wait(lock, [&] { return closed_ || !must_wait(own); });
  if (closed_) {
    dirs_.erase(own);
    changed_.notify_all();
    throw Error(Errc::cancelled, "session in '" + escape_name(dir) + "'");
  }
  return std::shared_ptr<void>(nullptr, [self = shared_from_this(), own](void*) { self->release(own); });
}

void PathReservations::release(std::list<std::string>::iterator own) {
  std::lock_guard lock(mutex_);
  dirs_.erase(own);
  changed_.notify_all();
}

bool PathReservations::is_wanted(const std::string& dir) const {
  std::lock_guard lock(mutex_);
  return std::ranges::count_if(dirs_, [&](const auto& other) { return meet(dir, other); }) > 1;
}

void PathReservations::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace syncline::server
