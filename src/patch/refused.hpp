// SPDX-License-Identifier: Apache-2.0
// Telling a refusal that lasts from a failure that may pass.
#pragma once

#include <cerrno>

#include "base/error.hpp"

namespace syncline::patch {

/// This process may not set that attribute on that file, today or tomorrow.
inline bool is_refused(const Error& error) {
  return error.is_errno(EPERM) || error.is_errno(EACCES) || error.is_errno(EOPNOTSUPP) ||
         error.is_errno(EINVAL);
}

}  // namespace syncline::patch
