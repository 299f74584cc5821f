// SPDX-License-Identifier: Apache-2.0
// Bringing a replica whose writer was interrupted back to "each file is the old or the new one".
#pragma once

#include <memory>

#include "fs/fs.hpp"
#include "patch/patch.hpp"
#include "patch/temp.hpp"

namespace syncline::patch {

/// Removes what lies in `.syncline/tmp/`. Returns how many.
std::uint64_t remove_dead_temps(fs::Dir& temp_dir);

/// Redoes the committed changes of `.syncline/journal` and removes it. May itself be interrupted
/// anywhere and run again. Throws Error(corrupt) without touching anything when the journal is
/// damaged, and the error of the file system when a target cannot be written (the journal stays).
void recover_journal(fs::Dir& root, fs::Dir& area, TempSpace& temps, bool durable, Recovery& recovery);

}  // namespace syncline::patch
