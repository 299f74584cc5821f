// SPDX-License-Identifier: Apache-2.0
// What the program sets for its own process before anything else.
#pragma once

namespace syncline::cli {

/// As many open files as the system lets us have. What a login or a service manager gives by default (1,024)
/// is for programs that call select(2), and less than a thousand connections need. Leaves it where that is
/// refused: whoever meets the bound then says so.
void raise_file_limit() noexcept;

/// What the allocator keeps of freed memory is bounded, and stays so. glibc raises its own bound to the
/// largest buffer that was freed, up to 32 MiB; but to give every buffer back at once is no better: the page
/// faults of taking it anew cost a server half of the time of receiving a file. Nothing where the C library
/// has no such bounds.
void bound_free_memory() noexcept;

/// For a thread that rests: the free end of its arena goes back to the system, which malloc_trim(3) does for
/// the first arena only.
void give_back_end() noexcept;

/// For a moment when little is in use: every free page of every arena goes back to the system. Costs a
/// millisecond.
void give_back_memory() noexcept;

}  // namespace syncline::cli
