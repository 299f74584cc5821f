// SPDX-License-Identifier: Apache-2.0
// Glob: one compiled shell pattern, matched in time linear in pattern and text.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::filter {

/// A shell pattern as a small automaton: every byte of the text moves a set of states, so that
/// no pattern makes matching exponential (backtracking matchers hang on `*a*a*a*b`).
///
/// `*` and `?` and `[...]` never match '/'. `[...]` knows ranges, `!` and `^`, `[:alpha:]` and its
/// kin (ASCII), and backslash escapes. A backslash outside makes the next byte literal. An
/// unclosed `[`, an unknown class name and a trailing backslash make a pattern that matches nothing.
/// What `**` means depends on the dialect:
///   rsync  any bytes, wherever it stands (rsync(1), PATTERN MATCHING RULES);
///   git    whole components where it stands alone between slashes, else as `*` (gitignore(5)).
class Glob {
 public:
  enum class Dialect { rsync, git };
  /// Where in the text a match may begin.
  enum class Begin { front, after_any_slash };

  Glob(std::string_view pattern, Dialect dialect);

  /// Whether the pattern covers `text` from a permitted beginning to its end.
  /// Cost: O(pattern x text), mostly far less: literal parts are compared first.
  bool matches(std::string_view text, Begin begin = Begin::front) const;

  /// The same for `text` with a '/' put before it, after it, or both.
  bool matches_between(bool slash_before, std::string_view text, bool slash_after, Begin begin) const;

 private:
  enum class Kind : std::uint8_t {
    literal,    // this byte
    any,        // one byte but '/'
    set,        // one byte of sets_[index]
    star,       // any bytes but '/'
    any_star,   // any bytes
    skip_dirs,  // `**/`: nothing, or what in_dirs takes
    in_dirs,    // any bytes, then '/'
    never,
  };
  struct Token {
    Kind kind;
    std::uint8_t byte = 0;
    std::uint32_t set = 0;
  };
  using ByteSet = std::bitset<256>;
  class States;

  void compile(std::string_view pattern, Dialect dialect);
  std::size_t compile_stars(std::string_view pattern, std::size_t pos, Dialect dialect);
  std::size_t compile_set(std::string_view pattern, std::size_t pos);
  void find_literals();
  bool run(std::span<const std::string_view> parts, Begin begin) const;
  void enter(States& states, std::size_t index) const;
  void step(const States& now, unsigned char byte, States& next) const;

  std::vector<Token> tokens_;
  std::vector<ByteSet> sets_;
  std::string prefix_;         // literal bytes at the front
  std::string suffix_;         // and at the end; disjoint from the prefix
  std::string inside_;         // the longest literal run without a '/', wherever it is
  std::size_t bytes_min_ = 0;  // of any matching text
};

}  // namespace syncline::filter
