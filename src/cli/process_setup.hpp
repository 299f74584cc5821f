// SPDX-License-Identifier: Apache-2.0
// What the program sets for its own process before anything else.
#pragma once

namespace syncline::cli {

/// As many open files as the system lets us have. What a login or a service manager gives by default (1,024)
/// is for programs that call select(2), and less than a thousand connections need. Leaves it where that is
/// refused: whoever meets the bound then says so.
void raise_file_limit() noexcept;

/// Large buffers go back to the system when they are freed. glibc raises its bound for that to what was freed
/// last, up to 32 MiB, and then keeps in each arena what a session needed at its peak: a server with 20 busy
/// clients had 266 MB once they were gone, with this 38. Nothing where the C library has no such bound.
void bound_free_memory() noexcept;

}  // namespace syncline::cli
