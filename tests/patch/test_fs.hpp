// SPDX-License-Identifier: Apache-2.0
// A file system with features that the one below the test may lack, and without its waiting.
#pragma once

#include <atomic>
#include <memory>

#include "fs/fs.hpp"

namespace syncline::test {

struct TestFsOptions {
  bool can_clone = false;  ///< clone_from() copies
  bool reliable_syncfs = true;
  bool can_lease = true;  ///< false: as if somebody had every file open
  std::atomic<int>* leases_refused = nullptr;  ///< so many times: as if somebody had the file open just then
  std::atomic<int>* writebacks = nullptr;  ///< counts start_writeback()
};

/// Decorates an Fs. Syncs do nothing: a killed process leaves the page cache as it is, and tests
/// that run a protocol a thousand times need not wait for a disk. Put a FaultFs on top of it.
std::unique_ptr<fs::Fs> make_test_fs(fs::Fs& inner, const TestFsOptions& options);

}  // namespace syncline::test
