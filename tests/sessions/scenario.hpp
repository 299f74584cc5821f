// SPDX-License-Identifier: Apache-2.0
// What is recorded: sessions in a row between one client and one server.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "site.hpp"
#include "syncline/copy.hpp"

namespace syncline::test {

/// One connection with one session, after something was changed at either end. What is done at one end may
/// not depend on the other one, which is only played when the recording is.
struct Step {
  std::function<void(const Site&)> at_source;
  std::function<void(const Site&)> at_target;
  std::function<void(CopyOptions&)> with;
  std::int64_t content_bytes = -1;  ///< not negative: the connection breaks off after so much of it
  bool loses_state = false;         ///< the server's is damaged before
  bool breaks_off() const { return content_bytes >= 0; }
};

struct Scenario {
  std::string name;    ///< of its file
  unsigned since = 1;  ///< the first version of the protocol that has it
  bool push = true;
  std::vector<std::string> sources = {""};  ///< below the one end's directory
  std::string target = {};                  ///< below the other one's
  bool may_write = true;
  bool may_delete = true;
  bool by_group = false;  ///< digests depend on the group of whoever runs it
  bool needs_xattrs = false;
  std::vector<Step> steps = {};
  bool is_whole() const { return sources.front().empty(); }
};

/// Those of which there are recordings are never changed: the recordings are of just this. What is new
/// becomes a scenario of its own.
std::vector<Scenario> scenarios();

}  // namespace syncline::test
