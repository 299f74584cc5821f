// SPDX-License-Identifier: Apache-2.0
// What the person typed as SRC and DST, resolved to directories and names.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sync/replica.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

/// One SRC as it is on this machine.
struct LocalSource {
  std::string dir;
  std::string entry;  ///< not empty: only this entry of it
  std::string name;   ///< of a directory that is copied under its own name; empty: its contents are meant
  bool is_contents() const { return entry.empty() && name.empty(); }
};

/// The session that a run is: these directories, or entries of them, to that one.
struct Place {
  std::vector<Origin> origins;
  std::string target_dir;                 ///< exists, or its parent does
  std::vector<std::string> target_names;  ///< not empty: only these entries of it take part
  std::string rule_prefix;                ///< what filter rules see before every path
};

/// Of a path as typed, slashes at its end not counted ("/" stays).
std::string without_slashes(std::string path);
std::string base_name(const std::string& path);
std::string parent_name(const std::string& path);

/// Where state is kept: `state_dir` of the options, else $XDG_STATE_HOME/syncline, else
/// ~/.local/state/syncline. Throws Error(usage) when none of them is known.
std::string state_directory(const CopyOptions& options);

/// Throws Error(usage) for more than limits::sources_max sources, and for none.
void check_source_count(const CopyOptions& options);

/// Those of the sources that are there, in their order; the others are told to `missing`.
std::vector<LocalSource> find_sources(const World& world, const CopyOptions& options,
                                      const std::function<void(const std::string& source)>& missing);

/// Told of one that is not there. Nothing is deleted in such a run: the missing one may have it.
ErrorEvent missing_source(const std::string& source);

/// Several sources as one tree, that of the directory that they are copied into.
std::vector<Origin> compose(const std::vector<LocalSource>& sources);
/// The entries of that directory that take part; none stands for all, because one source means its contents.
std::vector<std::string> entry_names(const std::vector<LocalSource>& sources);

/// rsync's rules: a trailing slash means the contents, a file goes into a directory DST or becomes DST.
/// `sources` are those that find_sources() found, at least one. Throws Error(usage) for places that cannot
/// work: the same directory twice, one inside the other, a directory onto a file.
Place resolve(const World& world, const CopyOptions& options, const std::vector<LocalSource>& sources);

/// USER:GROUP as in rsync's --chown; names or numbers. Throws Error(usage).
void parse_chown(const std::string& text, IdentityRules& rules, const Accounts& accounts = system_accounts());

}  // namespace syncline::sync
