// SPDX-License-Identifier: Apache-2.0
// Takes the hex examples out of a format page, so that page and code cannot part ways.
#pragma once

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

#include "base/bytes.hpp"

namespace syncline::test {

inline std::string page_text(const std::string& page) {
  std::ifstream in(page);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The bytes of the first block "```hex NAME" of a page: hex digits up to " |" of each line.
inline Bytes hex_example(const std::string& page, const std::string& name) {
  std::ifstream in(page);
  if (!in) throw std::runtime_error("cannot read " + page);
  std::string line;
  while (std::getline(in, line) && line != "```hex " + name) {}
  Bytes out;
  while (std::getline(in, line) && line != "```") {
    std::istringstream digits(line.substr(0, line.find('|')));
    for (std::string pair; digits >> pair;)
      out.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
  }
  if (out.empty()) throw std::runtime_error("no example " + name + " in " + page);
  return out;
}

}  // namespace syncline::test
