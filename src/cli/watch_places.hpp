// SPDX-License-Identifier: Apache-2.0
// Which directory each pair of a watch fills, and that no two fill the same.
#pragma once

#include <string>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::cli {

/// SRC and DST as typed, and what the pair is called in messages.
struct WatchPlace {
  std::string source;
  std::string destination;
};

/// What is appended to DST: the name of SRC, unless its contents are meant.
std::string name_below(const std::string& source);

/// A place as other processes are told of it: absolute, or as typed where it is on another machine.
std::string shown_place(fs::Fs& files, const std::string& typed);
/// The directory that is filled, of a destination on this machine; as far as it is there without links.
std::string filled_here(fs::Fs& files, const WatchPlace& place);

/// What all paths of a copy from `source` begin with, but that of the source itself: empty, or a name and a
/// slash.
std::string prefix_of(const std::string& source);
/// The path relative to the source; "" for the source itself.
std::string below_source(const std::string& prefix, const std::string& path);

/// Two pairs of which one would delete what the other one brings: they fill the same directory, or one inside
/// the other's.
struct WatchClash {
  std::size_t first = 0;
  std::size_t second = 0;
  bool is_same = false;
};

/// All of them, by the second one. Links are resolved as far as they are there. Throws Error(usage) for a DST
/// that cannot be read as a place.
std::vector<WatchClash> find_clashes(fs::Fs& files, const std::vector<WatchPlace>& places);

}  // namespace syncline::cli
