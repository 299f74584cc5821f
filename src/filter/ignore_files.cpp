// SPDX-License-Identifier: Apache-2.0
// Reading the lines of ignore files and finding the one that decides.
#include "filter/ignore_files.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace syncline::filter {
namespace {

/// Trailing spaces do not count unless a backslash stands before them; tabs do.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t pos = 0; pos < line.size(); ++pos) {
    if (line[pos] == '\\') {
      ++pos;
      end = std::min(pos + 1, line.size());
    } else if (line[pos] != ' ') {
      end = pos + 1;
    }
  }
  return line.substr(0, end);
}

}  // namespace

/// A line taken apart. git compares the bytes before the first special one literally and hands
/// only the rest to its matcher, so that `a**/b` is read like `a` followed by `**/b`.
struct IgnoreFiles::Pattern::Split {
  bool negated = false;
  bool directories_only = false;
  bool name_only = true;
  std::string_view literal;
  std::string_view rest;

  explicit Split(std::string_view line) {
    if (line.starts_with('!')) {
      negated = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      directories_only = true;
      line.remove_suffix(1);
    }
    name_only = line.find('/') == line.npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    const auto special = line.find_first_of("*?[\\");
    literal = line.substr(0, special);
    rest = special == line.npos ? std::string_view{} : line.substr(special);
  }
};

IgnoreFiles::Pattern::Pattern(std::string_view line_text, std::size_t line_number)
    : Pattern(line_text, line_number, Split(line_text)) {}

IgnoreFiles::Pattern::Pattern(std::string_view line_text, std::size_t line_number, const Split& split)
    : text(line_text),
      line(line_number),
      negated(split.negated),
      directories_only(split.directories_only),
      name_only(split.name_only),
      whole_literal(split.rest.empty()),
      literal(split.literal),
      // A name has no slash, so both meanings of `**` are one there.
      rest(split.rest, split.name_only ? Glob::Dialect::rsync : Glob::Dialect::git) {}

bool IgnoreFiles::Pattern::matches(std::string_view path_below, std::string_view name, bool is_dir) const {
  if (directories_only && !is_dir) return false;
  const auto held = name_only ? name : path_below;
  if (whole_literal) return held == literal;
  return held.starts_with(literal) && rest.matches(held.substr(literal.size()));
}

/// Nothing where there are too many.
std::optional<std::vector<IgnoreFiles::Pattern>> IgnoreFiles::parse(std::string_view content) {
  std::vector<Pattern> patterns;
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  for (std::size_t number = 1; !content.empty(); ++number) {
    const auto newline = content.find('\n');
    auto line = content.substr(0, newline);
    content.remove_prefix(newline == content.npos ? content.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#')) continue;
    line = without_trailing_spaces(line);
    if (line.empty()) continue;
    if (patterns.size() == limits::ignore_patterns_max) return std::nullopt;
    patterns.emplace_back(line, number);
  }
  return patterns;
}

bool IgnoreFiles::push(std::string_view dir, std::string_view content) {
  auto patterns = parse(content);
  if (!patterns || patterns->empty()) pop(dir);
  else files_.insert_or_assign(std::string(dir), std::move(*patterns));
  return patterns.has_value();
}

void IgnoreFiles::pop(std::string_view dir) {
  if (const auto found = files_.find(dir); found != files_.end()) files_.erase(found);
}

std::optional<IgnoreFiles::Decision> IgnoreFiles::decision(std::string_view path, bool is_dir) const {
  if (path.empty() || files_.empty()) return std::nullopt;
  auto slash = path.rfind('/');
  const auto name = slash == path.npos ? path : path.substr(slash + 1);
  for (;; slash = slash == 0 ? path.npos : path.rfind('/', slash - 1)) {
    const bool at_root = slash == path.npos;
    const auto file = files_.find(at_root ? std::string_view{} : path.substr(0, slash));
    if (file != files_.end()) {
      const auto below = at_root ? path : path.substr(slash + 1);
      const auto& patterns = file->second;
      for (auto pattern = patterns.rbegin(); pattern != patterns.rend(); ++pattern)
        if (pattern->matches(below, name, is_dir))
          return Decision{!pattern->negated, file->first, pattern->line, pattern->text};
    }
    if (at_root) return std::nullopt;
  }
}

bool IgnoreFiles::ignored(std::string_view path, bool is_dir) const {
  const auto found = decision(path, is_dir);
  return found && found->ignored;
}

bool IgnoreFiles::ignored_with_parents(std::string_view path, bool is_dir) const {
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    if (ignored(path.substr(0, slash), true)) return true;
  return ignored(path, is_dir);
}

}  // namespace syncline::filter
