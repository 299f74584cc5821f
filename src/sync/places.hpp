// SPDX-License-Identifier: Apache-2.0
// What the person typed as SRC and DST, resolved to directories and names.
#pragma once

#include <string>

#include "sync/replica.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

/// One session: this directory (or one entry of it) to that one.
struct Place {
  std::string source_dir;
  std::string source_name;  ///< not empty: only this entry
  std::string target_dir;   ///< exists, or its parent does
  std::string target_name;  ///< name of that entry over there
  std::string rule_prefix;  ///< what filter rules see before every path
};

/// Of a path as typed, slashes at its end not counted ("/" stays).
std::string without_slashes(std::string path);
std::string base_name(const std::string& path);
std::string parent_name(const std::string& path);

/// Where state is kept: `state_dir` of the options, else $XDG_STATE_HOME/syncline, else
/// ~/.local/state/syncline. Throws Error(usage) when none of them is known.
std::string state_directory(const CopyOptions& options);

/// rsync's rules: a trailing slash means the contents, a file goes into a directory DST or becomes DST.
/// Throws Error(ENOENT) when the source is not there and Error(usage) for places that cannot work:
/// the same directory twice, one inside the other, a directory onto a file.
Place resolve(const World& world, const CopyOptions& options, const std::string& source);

/// USER:GROUP as in rsync's --chown; names or numbers. Throws Error(usage).
void parse_chown(const std::string& text, IdentityRules& rules, const Accounts& accounts = system_accounts());

}  // namespace syncline::sync
