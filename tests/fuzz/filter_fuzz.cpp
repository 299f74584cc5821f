// SPDX-License-Identifier: Apache-2.0
// rsync patterns and .gitignore files from anywhere, held against any path.
#include "filter/filter_set.hpp"
#include "filter/ignore_files.hpp"
#include "fuzz.hpp"

using namespace syncline;

namespace {

// Lines of the input are patterns up to an empty one, then paths.
void match_all(std::string_view text) {
  filter::FilterSet rules;
  filter::IgnoreFiles ignore;
  const auto border = std::min(text.find("\n\n"), text.size());
  ignore.push("", text.substr(0, border));
  std::string_view patterns = text.substr(0, border);
  while (!patterns.empty() && rules.size() < 64) {
    const auto end = std::min(patterns.find('\n'), patterns.size());
    rules.add(rules.size() % 3 == 2, patterns.substr(0, end));
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  std::string_view paths = text.substr(std::min(border + 2, text.size()));
  for (int count = 0; !paths.empty() && count < 32; ++count) {
    const auto end = std::min(paths.find('\n'), paths.size());
    const auto path = paths.substr(0, end);
    for (const bool is_dir : {false, true}) {
      const bool excluded = rules.excluded(path, is_dir);
      fuzz::require(!excluded || rules.deciding_rule(path, is_dir).has_value(),
                    "a rule decides an exclusion");
      fuzz::require(!excluded || rules.excluded_with_parents(path, is_dir), "parents only exclude more");
      fuzz::require(!ignore.ignored(path, is_dir) || ignore.ignored_with_parents(path, is_dir),
                    "ignored parents only ignore more");
    }
    paths.remove_prefix(std::min(end + 1, paths.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  match_all(as_text(fuzz::view(data, size)));
  return 0;
}
