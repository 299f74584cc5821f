// SPDX-License-Identifier: Apache-2.0
// A queue of claims to directories; each waits for those before it that it meets.
#include "server/path_reservations.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace syncline::server {
namespace {

bool covers(const std::string& dir, const std::string& other) {
  return other.starts_with(dir) &&
         (other.size() == dir.size() || dir.ends_with('/') || other[dir.size()] == '/');
}

bool meet(const Claim& one, const Claim& other) {
  if (one.use == sync::PlaceUse::read && other.use == sync::PlaceUse::read) return false;
  return covers(one.dir, other.dir) || covers(other.dir, one.dir);
}

}  // namespace

bool PathReservations::must_wait(std::list<Claim>::const_iterator own) const {
  return std::any_of(claims_.begin(), own, [&](const auto& earlier) { return meet(earlier, *own); });
}

std::shared_ptr<void> PathReservations::reserve(const Claim& claim) {
  std::unique_lock lock(mutex_);
  const auto own = claims_.insert(claims_.end(), claim);
  changed_.wait(lock, [&] { return closed_ || !must_wait(own); });
  if (closed_) {
    claims_.erase(own);
    changed_.notify_all();
    throw Error(Errc::cancelled, "session in '" + escape_name(claim.dir) + "'");
  }
  return std::shared_ptr<void>(nullptr, [self = shared_from_this(), own](void*) { self->release(own); });
}

void PathReservations::release(std::list<Claim>::iterator own) {
  std::lock_guard lock(mutex_);
  claims_.erase(own);
  changed_.notify_all();
}

bool PathReservations::is_wanted(const Claim& claim) const {
  std::lock_guard lock(mutex_);
  // One that writes meets itself.
  const auto own = claim.use == sync::PlaceUse::write ? 1 : 0;
  return std::ranges::count_if(claims_, [&](const auto& other) { return meet(claim, other); }) > own;
}

void PathReservations::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace syncline::server
