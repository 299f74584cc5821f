// SPDX-License-Identifier: Apache-2.0
// Names for versions that are kept beside a file.
#pragma once

#include <string>
#include <string_view>

namespace syncline::patch {

/// `stem.conflict-LABEL-NUMBER.ext` for `name`. A compound extension (.tar.gz) stays together, a
/// name with a leading dot has none. The stem is shortened, at a UTF-8 boundary, until the result
/// fits in limits::name_bytes_max.
std::string conflict_name(std::string_view name, std::string_view label, unsigned number);

}  // namespace syncline::patch
