// SPDX-License-Identifier: Apache-2.0
// A server for one client that could log in here: over the pipes of ssh.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/link.hpp"
#include "sync/replica.hpp"

namespace syncline::server {

/// Serves sessions until the client closes the connection. Share "/" is the whole file system, "." what is
/// below the current directory; both as the user may use them. Throws Error after it told the client.
void serve_stdio(const sync::World& world, std::unique_ptr<net::Link> link, const std::string& state_dir,
                 const std::function<bool()>& cancelled);

}  // namespace syncline::server
