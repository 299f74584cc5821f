// SPDX-License-Identifier: Apache-2.0
// Names are tried one after the other until one is free.
#include "patch/keep.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "patch/conflict_name.hpp"

namespace syncline::patch {
namespace {

bool is_same_file(const std::optional<fs::Stat>& a, const std::optional<fs::Stat>& b) {
  return a && b && a->device == b->device && a->inode == b->inode;
}

/// Hard links are not there, not allowed, or too many.
bool cannot_link(const Error& error) {
  constexpr int numbers[] = {EPERM, EACCES, EMLINK, EOPNOTSUPP, ENOSYS};
  return std::ranges::any_of(numbers, [&](int number) { return error.is_errno(number); });
}

/// Calls take(candidate) until it does not throw EEXIST.
template <class Take>
std::string first_free(const std::string& name, const Keep& keep, Take&& take) {
  for (unsigned seq = keep.naming == Keep::Naming::own ? 0 : 1; seq <= limits::conflict_seq_max; ++seq) {
    auto candidate = seq == 0 ? name : conflict_name(name, keep.label, seq);
    try {
      take(candidate);
      return candidate;
    } catch (const Error& error) {
      if (!error.is_errno(EEXIST)) throw;
    }
  }
  throw Error(EEXIST, "keep '" + escape_name(name) + "': all " + std::to_string(limits::conflict_seq_max) +
                          " names for it are taken");
}

void link_over(fs::Dir& parent, const std::string& name, fs::Dir& dir) {
  const auto there = dir.stat_at(name);
  if (is_same_file(there, parent.stat_at(name))) return;
  if (there) dir.unlink(name);
  dir.make_link(parent, name, name);
}

}  // namespace

std::string keep_moved(fs::Dir& parent, const std::string& name, const Keep& keep) {
  if (keep.naming == Keep::Naming::replacing) {
    // rename(2) of two names of one file does nothing.
    if (is_same_file(parent.stat_at(name), keep.dir->stat_at(name))) parent.unlink(name);
    else parent.rename(name, *keep.dir, name);
    return name;
  }
  return first_free(name, keep, [&](const std::string& to) { parent.rename_new(name, *keep.dir, to); });
}

KeptOld keep_linked(fs::Dir& parent, const std::string& name, const Keep& keep) {
  try {
    if (keep.naming == Keep::Naming::replacing) {
      link_over(parent, name, *keep.dir);
      return {name, false};
    }
    const auto link = [&](const std::string& to) {
      try {
        keep.dir->make_link(parent, name, to);
      } catch (const Error& error) {
        // A run that did not come further has kept it already.
        if (!error.is_errno(EEXIST) || !is_same_file(keep.dir->stat_at(to), parent.stat_at(name))) throw;
      }
    };
    return {first_free(name, keep, link), false};
  } catch (const Error& error) {
    if (!cannot_link(error)) throw;
    return {keep_moved(parent, name, keep), true};
  }
}

}  // namespace syncline::patch
