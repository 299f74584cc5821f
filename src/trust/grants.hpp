// SPDX-License-Identifier: Apache-2.0
// Which client may do what with which share of this server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trust/fingerprint.hpp"
#include "trust/text_file.hpp"

namespace syncline::trust {

enum class Right {
  read = 1,             ///< "ro": fetch
  write = 2,            ///< "rw": fetch, and change everything
  write_no_delete = 3,  ///< "nodelete": fetch, create and change, remove nothing
};
std::string_view to_text(Right right);
/// Throws Error(usage) for anything but ro, rw and nodelete.
Right parse_right(std::string_view text);

/// Stands for every share in a grant.
inline constexpr std::string_view every_share = "*";

/// Throws Error(usage) unless `name` can name a share: 1..limits::share_name_bytes_max bytes of printable
/// UTF-8 without blanks and without any of * : = / \ #.
void check_share_name(std::string_view name);

struct Grant {
  Fingerprint key;                 ///< of the client
  std::string share{every_share};  ///< one share, or every one
  Right right = Right::write;
  std::string name;               ///< for people, as "laptop"; may be empty
  std::int64_t granted_at_s = 0;  ///< since the epoch; for people
  bool operator==(const Grant&) const = default;
};

/// Throws Error(usage) unless the share and the name of a grant can be written down: a share as above or
/// every_share, a name of at most limits::grant_name_bytes_max bytes of printable UTF-8 that neither begins
/// nor ends with a blank.
void check_grant_texts(std::string_view share, std::string_view name);

/// STATE/grants (docs/format/trust.md), 0600, which a person may edit. Every call reads the file (15 us for a
/// few grants, 1 ms for a thousand), so that what another process takes away is gone for a running server
/// from its next question on. Calls from several threads and processes do not lose each other's changes.
/// No file: no grants.
///
/// A file that others may read or write, or with a line that cannot be read, grants nothing to anybody: every
/// call throws Error(untrusted | malformed) with path, line and what to do. The caller refuses the client
/// then and logs why.
class Grants {
 public:
  /// `files` must outlive it. Nothing is read or made yet.
  Grants(fs::Fs& files, const std::string& state_dir);

  std::vector<Grant> list() const;  ///< in the order of the file
  /// Replaces what the key has for the same share. Durable when it returns.
  void add(const Grant& grant);
  /// Takes away what `key` has for `share` (every_share: the grant for all, no other), without one all that
  /// it has. How many grants went.
  std::size_t remove(const Fingerprint& key, const std::optional<std::string>& share = std::nullopt);
  /// The grant for this very share, else the one for every share. Nothing: deny.
  std::optional<Right> right_for(const Fingerprint& key, std::string_view share) const;

  const std::string& path() const { return file_.path(); }

 private:
  TextFile file_;
};

/// A grant as the command line and the configuration give it. `name` and `granted_at_s` stay empty.
/// FINGERPRINT[=SHARE[:ro|:rw|:nodelete]], every share and rw by default; throws Error(usage).
Grant parse_grant_argument(std::string_view text);

}  // namespace syncline::trust
