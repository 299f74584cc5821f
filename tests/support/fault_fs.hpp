// SPDX-License-Identifier: Apache-2.0
// A file system that counts its calls and fails, dies or calls back at a chosen one.
//
// Add '../support/fault_fs.cpp' to the sources of the test program. Typical use:
//
//   FaultFs faults(fs::linux_fs());             // dry run: how many calls are there?
//   work(*faults.open_root(path));
//   for (std::uint64_t k = 1; k <= faults.count(); ++k) {
//     FaultFs again(fs::linux_fs());
//     again.fail_at(k, EIO);                    // or, inside run_in_child(): again.kill_at(k)
//     ...
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::test {

/// Which calls are numbered. `mutating` are those that change what is on disk or make it durable:
/// the points where a kill makes a difference.
enum class Counted { all, mutating };

/// When the fault strikes, seen from the call that it belongs to.
enum class Moment {
  before,  ///< the call is not made
  torn,    ///< pwrite and copy_range do the first half of their bytes (of 512 and more: up to a
           ///< sector boundary of the file, as no crash tears a sector); other calls: as `before`
  after,   ///< the call is made, then the fault strikes
};

struct FaultState;

/// Decorates an Fs, and with it every Dir and File that comes out of it. Objects may outlive it.
/// Calls are numbered from 1 in the order in which they begin. Thread-safe.
/// Not counted, as they have no failure in their contract: extent_count, has_reliable_syncfs,
/// effective_uid, try_lease, try_lock (which still fails when it is named), and closing.
class FaultFs final : public fs::Fs {
 public:
  explicit FaultFs(fs::Fs& inner, Counted counted = Counted::all);
  ~FaultFs() override;

  /// Call `k` throws Error(error_number).
  void fail_at(std::uint64_t k, int error_number, Moment moment = Moment::before);
  /// So do `k` and all later ones, as on a disk that is full or gone.
  void fail_from(std::uint64_t k, int error_number, Moment moment = Moment::before);
  /// The `nth` call of the operation `op`, a method name of fs::File, fs::Dir or fs::Fs.
  void fail_op(const std::string& op, int error_number, std::uint64_t nth = 1,
               Moment moment = Moment::before);
  /// Every call of that operation.
  void fail_every(const std::string& op, int error_number, Moment moment = Moment::before);
  /// SIGKILL to this process at call `k`.
  void kill_at(std::uint64_t k, Moment moment = Moment::before);
  /// Runs `action` at call `k`, which then goes on unless `action` throws.
  void call_at(std::uint64_t k, std::function<void()> action, Moment moment = Moment::before);
  void call_op(const std::string& op, std::function<void()> action, std::uint64_t nth = 1,
               Moment moment = Moment::before);
  /// Forgets all faults, the count and the trace.
  void reset();

  std::uint64_t count() const;
  /// How many faults have struck; a test asserts that its fault was reached.
  std::uint64_t struck() const;
  /// One line for every counted call: "OP NAME", or "OP NAME -> NAME", or "pwrite NAME @OFF +LEN".
  std::vector<std::string> trace() const;

  std::unique_ptr<fs::Dir> open_root(const std::string& path) override;
  std::optional<fs::Stat> stat_path(const std::string& path, bool follow) override;
  void make_dirs(const std::string& path, std::uint32_t mode) override;
  std::string real_path(const std::string& path) override;
  std::uint32_t effective_uid() const override;

 private:
  fs::Fs& inner_;
  std::shared_ptr<FaultState> state_;
};

}  // namespace syncline::test
