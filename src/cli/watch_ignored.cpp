// SPDX-License-Identifier: Apache-2.0
// The filters of the command line, asked about one entry and those above it.
#include "cli/watch_ignored.hpp"

#include "base/limits.hpp"
#include "filter/filter_set.hpp"
#include "filter/gitignore.hpp"
#include "fs/small_file.hpp"

namespace syncline::cli {
namespace {

constexpr const char* own_area = ".syncline";

class IgnoreQuestion {
 public:
  IgnoreQuestion(const CopyOptions& options, const std::string& prefix) : options_(options), prefix_(prefix) {
    for (const auto& rule : options.filters) filters_.add(rule.include, rule.pattern);
  }

  /// Of one entry whose parents take part.
  std::optional<std::string> rule(const std::string& path, bool is_dir) const {
    if (path == own_area) return "syncline's own directory";
    if (options_.backup_dir && RelPath::parse(*options_.backup_dir).text() == path)
      return "--backup-dir=" + *options_.backup_dir;
    if (const auto number = filters_.deciding_rule(prefix_ + path, is_dir)) {
      const auto& one = options_.filters[*number];
      if (!one.include) return "--exclude=" + one.pattern;
    }
    if (options_.gitignore && git_.ignored(path, is_dir)) return "--gitignore";
    return std::nullopt;
  }

  /// Before anything below it is asked about.
  void enter(const fs::Dir& dir, const std::string& path) {
    if (!options_.gitignore) return;
    if (const auto file = fs::read_small_file(dir, ".gitignore", limits::config_bytes_max))
      git_.push(path, file->content);
  }

 private:
  const CopyOptions& options_;
  const std::string& prefix_;
  filter::FilterSet filters_;
  filter::GitIgnore git_;
};

}  // namespace

std::optional<std::string> rule_that_ignores(fs::Fs& files, const CopyOptions& options,
                                             const std::string& root, const std::string& prefix,
                                             const std::string& path, bool is_dir) {
  if (path.empty()) return std::nullopt;
  IgnoreQuestion question(options, prefix);
  auto dir = files.open_root(root);
  question.enter(*dir, "");
  for (std::size_t begin = 0;;) {
    const auto slash = path.find('/', begin);
    const auto here = path.substr(0, slash);
    if (auto rule = question.rule(here, is_dir || slash != path.npos)) return rule;
    if (slash == path.npos) return std::nullopt;
    const auto name = path.substr(begin, slash - begin);
    if (dir) {
      const auto stat = dir->stat_at(name);
      dir = stat && stat->type == fs::FileType::directory ? dir->open_dir(name) : nullptr;
    }
    if (dir) question.enter(*dir, here);
    begin = slash + 1;
  }
}

}  // namespace syncline::cli
