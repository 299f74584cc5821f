// SPDX-License-Identifier: Apache-2.0
// Two different inputs with equal unseeded XXH3-128: what any downloaded file may carry.
#pragma once

#include <utility>

#include "base/bytes.hpp"

namespace syncline::test {

/// Two buffers of 64 KiB that differ in 8 bytes and have the same XXH3_128bits() and XXH3_64bits().
std::pair<Bytes, Bytes> xxh3_collision();

}  // namespace syncline::test
