// SPDX-License-Identifier: Apache-2.0
// What a refusal says.
#pragma once

#include <string>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace syncline::test {

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

}  // namespace syncline::test
