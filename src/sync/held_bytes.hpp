// SPDX-License-Identifier: Apache-2.0
// What a message takes in memory while it waits to be worked on.
#pragma once

#include <cstddef>

#include "wire/messages.hpp"

namespace syncline::sync {

/// Not less than what its lists, texts and contents take; a few hundred bytes for the message itself. A coded
/// message says little: an element of one byte may take a hundred.
std::size_t held_bytes(const wire::Message& message);
std::size_t held_bytes(const wire::WriteFile& file);

}  // namespace syncline::sync
