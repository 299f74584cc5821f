// SPDX-License-Identifier: Apache-2.0
// Which entries take part: filter rules, files of rules in the tree and a list of paths, asked as one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filter/filter_set.hpp"
#include "filter/ignore_files.hpp"
#include "filter/path_set.hpp"
#include "hash/digest.hpp"

namespace syncline::sync {

/// Files in the tree that have rules for what is at and below their directory. Of two kinds that both have
/// one for an entry the first decides.
enum class RulesKind : std::uint8_t { synclineignore, gitignore };
inline constexpr std::array<const char*, 2> rules_file_names{".synclineignore", ".gitignore"};
inline const char* name_of(RulesKind kind) { return rules_file_names[static_cast<std::size_t>(kind)]; }

/// What becomes of an entry, and what says so.
struct Verdict {
  enum class By : std::uint8_t {
    nothing,  ///< no rule matches: it takes part
    reserved,
    list,           ///< of paths: it is not among them
    filter,         ///< the filter rule `filter_index`
    rules_file,     ///< `rule` of a file of the kind `kind`
    git_directory,  ///< it is named .git
  };
  bool excluded = false;
  By by = By::nothing;
  RulesKind kind = RulesKind::synclineignore;
  std::size_t filter_index = 0;
  filter::IgnoreFiles::Decision rule{};
};

/// Filter rules are asked first, then the files of the tree, each kind in turn: the first that has a rule for
/// an entry decides. What is reserved or not listed is left out in any case.
///
/// Thread-safe for questions; files of rules are added while a scan walks down.
class Selector {
 public:
  Selector();
  ~Selector();
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;

  filter::FilterSet filters;
  std::optional<filter::PathSet> listed;
  std::array<bool, rules_file_names.size()> reads{};  ///< by RulesKind: whether those files count
  std::string
      prefix;  ///< what stands before every path in the rules' eyes: "name/" of a source without slash
  std::string description;            ///< of the rules (not of files in the tree: see rules_digest())
  std::vector<std::string> reserved;  ///< paths that never take part (the backup directory)

  /// What a scan finds in one origin of the tree, whose files of rules say nothing of the others.
  /// Parents are taken to be included.
  Verdict verdict(const std::string& path, bool is_dir, std::uint16_t origin) const;
  bool excluded(const std::string& path, bool is_dir, std::uint16_t origin) const {
    return verdict(path, is_dir, origin).excluded;
  }
  /// What the other side has: it is left alone if the files of any origin name it.
  bool excluded(const std::string& path, bool is_dir) const;
  /// The same for paths whose parents were not asked about.
  bool excluded_with_parents(const std::string& path, bool is_dir) const;

  /// The files of rules that were pushed.
  class RulesFiles;
  /// A scan begins anew: files that were there once may be gone.
  void forget_rules_files() const;
  /// Of the directory itself and, if wanted, of all below it.
  void forget_rules_files(const std::string& dir, bool and_below) const;
  /// For another selector of the same rules, whose scan looks at a part of the tree only.
  std::shared_ptr<RulesFiles> rules_files() const { return files_; }
  void take_rules_files(std::shared_ptr<RulesFiles> files) const { files_ = std::move(files); }
  /// False, and the file has no rules, where it has more than limits::ignore_patterns_max.
  bool push_rules_file(RulesKind kind, const std::string& dir, std::uint16_t origin,
                       std::string_view content) const;
  /// Of the files that were pushed, whatever their order; nothing where there were none.
  std::optional<hash::Digest> rules_digest() const;

  bool reads_kind(RulesKind kind) const { return reads[static_cast<std::size_t>(kind)]; }
  /// Nothing is left out so far. A file of rules changes that.
  bool empty() const {
    return filters.empty() && !listed && !leaves_out_git() && reserved.empty() && !has_files();
  }

 private:
  using Files = std::array<filter::IgnoreFiles, rules_file_names.size()>;

  bool has_files() const;
  bool leaves_out_git() const { return reads_kind(RulesKind::gitignore); }
  Verdict by_options(const std::string& path, bool is_dir) const;
  Verdict by_files(const Files* files, const std::string& path, bool is_dir) const;

  mutable std::shared_ptr<RulesFiles> files_;
};

}  // namespace syncline::sync
