// SPDX-License-Identifier: Apache-2.0
// Limits of the process, and what its allocator keeps.
#include "cli/process_setup.hpp"

#include <malloc.h>
#include <sys/resource.h>

namespace syncline::cli {
namespace {

[[maybe_unused]] constexpr int mapped_bytes_min =
    128 * 1024;  // glibc's own first value, which we make the last

}  // namespace

void raise_file_limit() noexcept {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

void bound_free_memory() noexcept {
#ifdef M_MMAP_THRESHOLD
  ::mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
#endif
}

}  // namespace syncline::cli
