// SPDX-License-Identifier: Apache-2.0
// Making and running random recipes.
#include "recipe.hpp"

#include <algorithm>

namespace syncline::test {
namespace {

std::size_t below(std::mt19937_64& random, std::size_t end) {
  return end == 0 ? 0 : static_cast<std::size_t>(random() % end);
}

Step random_step(std::mt19937_64& random, const Recipe& recipe, const RecipeShape& shape, std::size_t offset,
                 std::size_t length) {
  Step step{Step::write, offset, offset, length};
  const bool in_place = offset + length <= recipe.before.size();
  const double dice = std::uniform_real_distribution<>(0, 1)(random);
  if (in_place && dice >= shape.changed_share) {
    step.kind = Step::copy;
    return step;
  }
  switch (below(random, 5)) {
    case 0:
      if (length > recipe.before.size()) break;
      step.kind = Step::copy;
      step.source_offset = below(random, recipe.before.size() - length + 1);
      break;
    case 1:
      if (length > recipe.other.size()) break;
      step.kind = Step::copy_from;
      step.source_offset = below(random, recipe.other.size() - length + 1);
      break;
    case 2: step.kind = Step::zeros; break;
    case 3: step.kind = Step::nothing; break;
    default: break;
  }
  return step;
}

/// Mostly the old bytes with small changes, so that comparing pays.
void write_into(std::mt19937_64& random, Recipe& recipe, const Step& step) {
  for (std::size_t at = step.offset; at < step.offset + step.length_bytes; ++at)
    recipe.after[at] = at < recipe.before.size() ? recipe.before[at] : static_cast<char>(random());
  if (below(random, 4) == 0)
    recipe.after.replace(step.offset, step.length_bytes, random_text(random, step.length_bytes));
  else if (step.length_bytes > 0)
    recipe.after[step.offset + below(random, step.length_bytes)] = static_cast<char>(random());
}

void perform(std::mt19937_64& random, Recipe& recipe, const Step& step) {
  switch (step.kind) {
    case Step::write: write_into(random, recipe, step); break;
    case Step::copy:
      recipe.after.replace(step.offset, step.length_bytes, recipe.before, step.source_offset,
                           step.length_bytes);
      break;
    case Step::copy_from:
      recipe.after.replace(step.offset, step.length_bytes, recipe.other, step.source_offset,
                           step.length_bytes);
      break;
    case Step::zeros:
    case Step::nothing: break;
  }
}

std::size_t random_length(std::mt19937_64& random) {
  switch (below(random, 4)) {
    case 0: return 1 + below(random, 100);
    case 1: return 512 * (1 + below(random, 16));
    case 2: return 4096 * (1 + below(random, 4));
    default: return 1 + below(random, 20'000);
  }
}

}  // namespace

std::string random_text(std::mt19937_64& random, std::size_t size_bytes) {
  std::string out(size_bytes, '\0');
  for (auto& byte : out) byte = static_cast<char>(random());
  return out;
}

Recipe random_recipe(std::mt19937_64& random, const RecipeShape& shape) {
  Recipe recipe;
  recipe.before = random_text(random, below(random, shape.before_bytes_max + 1));
  if (below(random, 2) == 0 && recipe.before.size() > 20'000)
    recipe.before.replace(5'000, 12'000, std::string(12'000, '\0'));
  recipe.other = random_text(random, 30'000);
  const auto after_bytes =
      below(random, 3) == 0 ? recipe.before.size() : below(random, shape.after_bytes_max + 1);
  recipe.after.assign(after_bytes, '\0');
  for (std::size_t at = 0; at < after_bytes;) {
    const auto length = std::min(random_length(random), after_bytes - at);
    recipe.steps.push_back(random_step(random, recipe, shape, at, length));
    perform(random, recipe, recipe.steps.back());
    at += length;
  }
  if (shape.shuffled) std::shuffle(recipe.steps.begin(), recipe.steps.end(), random);
  return recipe;
}

patch::FilePlan Recipe::plan(const std::optional<fs::Stat>& expected) const {
  patch::FilePlan out;
  out.new_bytes = after.size();
  out.expected = expected;
  for (const auto& step : steps) {
    const bool in_place = step.kind == Step::copy && step.offset == step.source_offset;
    if (in_place) out.matched_in_place_bytes += step.length_bytes;
    else if (step.kind == Step::copy) out.matched_moved_bytes += step.length_bytes;
    else out.changed_bytes += step.length_bytes;
  }
  return out;
}

void Recipe::run(patch::FileWrite& file, const fs::File& other_file) const {
  for (const auto& step : steps) {
    switch (step.kind) {
      case Step::write:
        file.write(step.offset, as_bytes(after).subspan(step.offset, step.length_bytes));
        break;
      case Step::copy: file.copy(step.offset, step.source_offset, step.length_bytes); break;
      case Step::copy_from:
        file.copy_from(step.offset, other_file, step.source_offset, step.length_bytes);
        break;
      case Step::zeros: file.zeros(step.offset, step.length_bytes); break;
      case Step::nothing: break;
    }
  }
}

}  // namespace syncline::test
