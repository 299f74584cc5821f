// SPDX-License-Identifier: Apache-2.0
// Keeping what stands under a name when something else takes it.
#pragma once

#include <memory>
#include <string>

#include "fs/fs.hpp"

namespace syncline::patch {

/// Where the old version goes, and what it is called there.
struct Keep {
  /// beside: conflict_name(). own: its own name, or conflict_name() where that is taken. replacing: its own
  /// name, and what is kept there already is lost.
  enum class Naming { beside, own, replacing };
  std::shared_ptr<fs::Dir> dir;  ///< of the same file system
  Naming naming = Naming::beside;
  std::string label;  ///< of conflict_name()
};

/// What became of it.
struct KeptOld {
  std::string name;       ///< in Keep::dir
  bool is_moved = false;  ///< its old name is free; else it has both
};

/// Gives `parent`/`name` a second name, so that the first can be replaced atomically; where that is not
/// possible (no hard links, or not for us) it is moved. Never replaces anything but under Naming::replacing;
/// a version that is kept under one of the names already is left at that. Throws Error(EEXIST) when
/// limits::conflict_seq_max names are taken.
KeptOld keep_linked(fs::Dir& parent, const std::string& name, const Keep& keep);

/// Moves it, whatever it is, and returns its new name. Else as keep_linked().
std::string keep_moved(fs::Dir& parent, const std::string& name, const Keep& keep);

}  // namespace syncline::patch
