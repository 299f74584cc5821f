// SPDX-License-Identifier: Apache-2.0
// Random changes of a file, as a receiver would be told of them, and what must come out.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "patch/patch.hpp"

namespace syncline::test {

struct Step {
  enum Kind { write, copy, copy_from, zeros, nothing } kind = write;
  std::uint64_t offset = 0;
  std::uint64_t source_offset = 0;
  std::uint64_t length_bytes = 0;
};

/// `after` is what the steps make of `before`; every byte is given once, in any order, or not at
/// all (then it is zero).
struct Recipe {
  std::string before;
  std::string other;  ///< another file to copy from
  std::string after;
  std::vector<Step> steps;

  patch::FilePlan plan(const std::optional<fs::Stat>& expected) const;
  void run(patch::FileWrite& file, const fs::File& other_file) const;
};

std::string random_text(std::mt19937_64& random, std::size_t size_bytes);

struct RecipeShape {
  std::size_t before_bytes_max = 100'000;
  std::size_t after_bytes_max = 100'000;
  double changed_share = 0.3;  ///< of the steps; the others keep old bytes in their place
  bool shuffled = true;
};
Recipe random_recipe(std::mt19937_64& random, const RecipeShape& shape);

}  // namespace syncline::test
