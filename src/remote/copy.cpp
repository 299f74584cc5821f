// SPDX-License-Identifier: Apache-2.0
// The public copy(): on this machine, or from or to another.
#include "syncline/copy.hpp"

#include "remote/dial.hpp"
#include "sync/copy.hpp"
#include "sync/remote_copy.hpp"

namespace syncline {

CopyReport copy(const CopyOptions& options, const CopyObserver& observer) {
  const sync::World world;
  if (!sync::is_remote(options)) return sync::run_copy(world, world, options, observer);
  remote::Dialer dialer(world, options);
  return sync::run_remote_copy(world, options, observer,
                               [&](const sync::RemotePlace& place) { return dialer.dial(place); });
}

}  // namespace syncline
