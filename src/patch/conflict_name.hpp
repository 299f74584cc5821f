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

/// Whether `name` is one that conflict_name() gives.
bool is_conflict_name(std::string_view name);

/// A host name as a label: up to its first dot, without what is not a letter, digit, _ or -, at most
/// limits::device_label_bytes_max.
std::string device_label(std::string_view host);

}  // namespace syncline::patch
