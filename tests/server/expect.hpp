// SPDX-License-Identifier: Apache-2.0
// Private to tests/server: short forms for what these tests ask most.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "server/config_problem.hpp"
#include "support/catch.hpp"

namespace syncline::server {

/// 43 characters that a digest can have, and another such text.
inline const std::string fingerprint = "SHA256:" + std::string(42, 'x') + "A";
inline const std::string other_fingerprint = "SHA256:" + std::string(42, '-') + "8";

/// What the Error(usage) that `call` throws says; "" where it throws nothing.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
    return "";
  } catch (const Error& error) {
    CHECK(error.is(Errc::usage));
    return error.context();
  }
}

inline std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(to_line(problem));
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace syncline::server
