// SPDX-License-Identifier: Apache-2.0
// Normalising listed paths and asking which entries they select.
#include "filter/path_set.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/relpath.hpp"

namespace syncline::filter {
namespace {

struct Listed {
  std::string path;
  bool contents = false;
};

Listed normalise(std::string_view text) {
  Listed out;
  out.contents = true;  // of "", "." and "/", which all name the source itself
  for (std::size_t pos = 0; pos < text.size();) {
    const auto end = std::min(text.find('/', pos), text.size());
    const auto name = text.substr(pos, end - pos);
    const bool last_without_slash = end == text.size();
    pos = end + 1;
    if (name == ".") out.contents = true;
    if (name.empty() || name == ".") continue;
    out.contents = !last_without_slash;
    if (!out.path.empty()) out.path += '/';
    out.path += name;
  }
  return out;
}

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string_view{} : path.substr(0, slash);
}

}  // namespace

void PathSet::add(std::string_view listed) {
  // rsync cuts the destination's path at "/./"; to drop it would put the entry elsewhere.
  if (const auto dot = listed.find("/./"); dot != listed.npos && dot + 3 < listed.size())
    throw Error(Errc::usage, "files-from: '" + escape_name(listed) + "': '/./' is not supported");
  auto entry = normalise(listed);
  try {
    RelPath::parse(entry.path);
  } catch (const Error&) {
    throw Error(Errc::usage, "files-from: '" + escape_name(listed) + "' is not a path below the source");
  }
  auto& node = nodes_[entry.path];
  if (!node.listed) paths_.push_back(entry.path);
  node.listed = true;
  node.contents |= entry.contents;
  for (std::string_view path = entry.path; !path.empty();) {
    path = parent_of(path);
    auto& parent = nodes_[std::string(path)];
    if (std::exchange(parent.leads_on, true)) break;
  }
}

const PathSet::Node* PathSet::find(std::string_view path) const {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

/// Whether a directory above `path` was listed.
bool PathSet::below_listed(std::string_view path) const {
  while (!path.empty()) {
    path = parent_of(path);
    const auto* node = find(path);
    if (node != nullptr && node->listed) return true;
  }
  return false;
}

bool PathSet::contains(std::string_view path) const {
  if (path.empty() || find(path) != nullptr) return true;
  const auto* parent = find(parent_of(path));
  if (parent != nullptr && parent->contents) return true;
  return recursive_ && below_listed(path);
}

bool PathSet::descends(std::string_view dir) const {
  if (const auto* node = find(dir); node != nullptr) {
    if (node->leads_on || node->contents) return true;
    if (node->listed && recursive_) return true;
  }
  return recursive_ && below_listed(dir);
}

bool PathSet::listed(std::string_view path) const {
  const auto* node = find(path);
  return node != nullptr && node->listed;
}

}  // namespace syncline::filter
