// SPDX-License-Identifier: Apache-2.0
// Private to tests/fs: short forms for what these tests ask most.
#pragma once

#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "fs/fs.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::test {

/// The errno that `call` throws, 0 when it does not throw, -1 for one of our own codes.
template <class Call>
int errno_of(Call&& call) {
  try {
    call();
    return 0;
  } catch (const Error& error) {
    return error.code().category() == std::generic_category() ? error.code().value() : -1;
  }
}

template <class Call>
bool throws_code(Errc code, Call&& call) {
  try {
    call();
    return false;
  } catch (const Error& error) {
    return error.is(code);
  }
}

inline std::string content(const fs::File& file) {
  std::string out(file.stat().size_bytes, '\0');
  out.resize(file.pread({reinterpret_cast<std::byte*>(out.data()), out.size()}, 0));
  return out;
}

/// False, with a warning, where user.* attributes cannot be set (tmpfs before Linux 6.6).
inline bool has_user_xattrs(const TempDir& temp) {
  const bool out = ::setxattr(temp.path().c_str(), "user.probe", "", 0, 0) == 0;
  if (out) ::removexattr(temp.path().c_str(), "user.probe");
  else WARN("the file system of the temporary directory has no user attributes");
  return out;
}

inline bool is_root() { return ::geteuid() == 0; }

/// The user `nobody` of every distribution.
inline constexpr unsigned nobody = 65534;

}  // namespace syncline::test
