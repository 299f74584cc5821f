// SPDX-License-Identifier: Apache-2.0
// The questions of a Selector.
#include "sync/selector.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>

#include "base/bytes.hpp"

namespace syncline::sync {
namespace {

using By = Verdict::By;

bool is_named_git(const std::string& path) { return path == ".git" || path.ends_with("/.git"); }

}  // namespace

class Selector::RulesFiles {
 public:
  mutable std::shared_mutex mutex;
  std::atomic<bool> is_empty = true;
  std::map<std::uint16_t, Files> of_origin;  ///< of each that has any
  std::map<std::tuple<RulesKind, std::uint16_t, std::string>, hash::Digest> digests;
};

Selector::Selector() : files_(std::make_shared<RulesFiles>()) {}
Selector::~Selector() = default;

bool Selector::has_files() const { return !files_->is_empty; }

Verdict Selector::by_options(const std::string& path, bool is_dir) const {
  Verdict out;
  if (std::ranges::find(reserved, path) != reserved.end()) out.by = By::reserved;
  else if (listed && !listed->contains(path) && !(is_dir && listed->descends(path))) out.by = By::list;
  out.excluded = out.by != By::nothing;
  if (out.excluded || filters.empty()) return out;
  if (const auto index = filters.deciding_rule(prefix + path, is_dir)) {
    out.by = By::filter;
    out.excluded = !filters.includes(*index);
    out.filter_index = *index;
  }
  return out;
}

/// `files`: of one origin; null where it has none.
Verdict Selector::by_files(const Files* files, const std::string& path, bool is_dir) const {
  Verdict out;
  const auto ask = [&](RulesKind kind) {
    if (files == nullptr) return false;
    const auto found = (*files)[static_cast<std::size_t>(kind)].decision(path, is_dir);
    if (!found) return false;
    out.by = By::rules_file;
    out.excluded = found->ignored;
    out.kind = kind;
    out.rule = *found;
    return true;
  };
  if (ask(RulesKind::synclineignore)) return out;
  // git never offers one for adding, whatever a .gitignore says.
  if (leaves_out_git() && is_named_git(path)) {
    out.by = By::git_directory;
    out.excluded = true;
    return out;
  }
  ask(RulesKind::gitignore);
  return out;
}

Verdict Selector::verdict(const std::string& path, bool is_dir, std::uint16_t origin) const {
  Verdict out = by_options(path, is_dir);
  if (out.by != By::nothing || (!has_files() && !leaves_out_git())) return out;
  std::shared_lock lock(files_->mutex);
  const auto found = files_->of_origin.find(origin);
  return by_files(found == files_->of_origin.end() ? nullptr : &found->second, path, is_dir);
}

bool Selector::excluded(const std::string& path, bool is_dir) const {
  const Verdict out = by_options(path, is_dir);
  if (out.by != By::nothing || (!has_files() && !leaves_out_git())) return out.excluded;
  std::shared_lock lock(files_->mutex);
  return by_files(nullptr, path, is_dir).excluded ||
         std::ranges::any_of(files_->of_origin,
                             [&](const auto& one) { return by_files(&one.second, path, is_dir).excluded; });
}

bool Selector::excluded_with_parents(const std::string& path, bool is_dir) const {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (excluded(path.substr(0, slash), true)) return true;
  return excluded(path, is_dir);
}

/// Whoever took those that were there so far keeps them.
void Selector::forget_rules_files() const { files_ = std::make_shared<RulesFiles>(); }

void Selector::forget_rules_files(const std::string& dir, bool and_below) const {
  std::unique_lock lock(files_->mutex);
  const auto below = dir.empty() ? dir : dir + '/';
  std::erase_if(files_->digests, [&](const auto& file) {
    const auto& [kind, origin, place] = file.first;
    if (place != dir && !(and_below && place.starts_with(below))) return false;
    files_->of_origin[origin][static_cast<std::size_t>(kind)].pop(place);
    return true;
  });
}

bool Selector::push_rules_file(RulesKind kind, const std::string& dir, std::uint16_t origin,
                               std::string_view content) const {
  const auto digest = hash::blake3(as_bytes(content));
  std::unique_lock lock(files_->mutex);
  const bool fits = files_->of_origin[origin][static_cast<std::size_t>(kind)].push(dir, content);
  files_->digests.insert_or_assign({kind, origin, dir}, digest);
  files_->is_empty = false;
  return fits;
}

std::optional<hash::Digest> Selector::rules_digest() const {
  std::shared_lock lock(files_->mutex);
  if (files_->digests.empty()) return std::nullopt;
  Bytes coded;
  ByteWriter out(coded);
  for (const auto& [place, digest] : files_->digests) {
    const auto& [kind, origin, dir] = place;
    out.u8(static_cast<std::uint8_t>(kind));
    out.u32(origin);
    out.text(dir);
    out.bytes(digest.bytes);
  }
  return hash::blake3(coded);
}

}  // namespace syncline::sync
