// SPDX-License-Identifier: Apache-2.0
// Files of the source tree, for tests of what stands in them.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "support/catch.hpp"

namespace syncline::test {

/// The content of `path` below SYNCLINE_SOURCE_ROOT.
inline std::string source_file(const std::string& path) {
  std::ifstream in(std::string(SYNCLINE_SOURCE_ROOT) + "/" + path);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace syncline::test
