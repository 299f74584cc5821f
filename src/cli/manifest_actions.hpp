// SPDX-License-Identifier: Apache-2.0
// The subcommands of `syncline manifest`. Each returns an exit code; errors that stop it are thrown.
#pragma once

#include <cstdint>
#include <string>

#include "cli/console.hpp"
#include "cli/json_records.hpp"
#include "cli/manifest_source.hpp"

namespace syncline::cli {

struct ManifestOptions {
  std::string first;   ///< INPUT, A or MANIFEST
  std::string second;  ///< B, FILE or OUT
  bool json = false;
  bool raw = false;                        ///< manifests and databases are files like any other
  std::uint64_t sample_bytes = 64u << 20;  ///< how much `stats` compresses; 0: nothing
  int level = 3;                           ///< zstd level that `diff` predicts for
};

int show_manifest(const ManifestOptions& options, Console& console);
int manifest_stats(const ManifestOptions& options, Console& console);
int diff_manifests(const ManifestOptions& options, Console& console);
int verify_manifest(const ManifestOptions& options, Console& console);
int export_manifest(const ManifestOptions& options, Console& console);
int save_manifest(const ManifestOptions& options, Console& console);

// What they share.
/// "12,345".
std::string grouped(std::uint64_t number);
/// "1 chunk", "12,345 chunks".
std::string counted(std::uint64_t number, const std::string& noun);
const char* type_name(manifest::EntryType type);
/// `part` of `whole` in per cent with one decimal.
std::string percent(double part, double whole);
/// Success, or 23 when some entries could not be read.
int exit_code_of(const Problems& problems);

}  // namespace syncline::cli
