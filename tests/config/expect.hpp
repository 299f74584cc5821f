// SPDX-License-Identifier: Apache-2.0
// Private to tests/config: short forms for what these tests ask most.
#pragma once

#include <string>
#include <vector>

#include "config/problem.hpp"
#include "support/refusal.hpp"

namespace syncline::config {

/// 43 characters that a digest can have, and another such text.
inline const std::string fingerprint = "SHA256:" + std::string(42, 'x') + "A";
inline const std::string other_fingerprint = "SHA256:" + std::string(42, '-') + "8";

using test::refusal;

inline std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(to_line(problem));
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace syncline::config
