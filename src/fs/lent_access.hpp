// SPDX-License-Identifier: Apache-2.0
// What a directory's owner may not do in it as its mode stands, and may after chmod(2): it is done, and the
// mode set right again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "fs/fs.hpp"

namespace syncline::fs {

/// Hands out directories that lend their owner the bits a call lacks: where one fails with EACCES, and a
/// directory that it works in is this user's and lacks what the call needs, the owner's bits that are missing
/// are set, and the call is made once more. Nothing is looked at before a call has failed. Bits of the group
/// and of others are never set. Thread-safe.
class LentAccess : public std::enable_shared_from_this<LentAccess> {
 public:
  using Id = std::pair<std::uint64_t, std::uint64_t>;  ///< device, inode

  explicit LentAccess(std::uint32_t own_uid) : own_uid_(own_uid) {}
  ~LentAccess();  ///< takes back what was lent
  LentAccess(const LentAccess&) = delete;
  LentAccess& operator=(const LentAccess&) = delete;

  /// `inner` with all that is opened through it.
  std::unique_ptr<Dir> lending(std::shared_ptr<Dir> inner);
  /// Every directory that was lent something gets the mode back that it had, unless it was given another one
  /// meanwhile, by its own set_mode() or by anybody. Tells which directories had been lent something since
  /// the last call: their ctime has moved. One that cannot be set right is left as it is.
  std::set<Id> take_back() noexcept;

 private:
  friend class LendingDir;
  struct Loan {
    std::shared_ptr<Dir> dir;
    Id id;
    std::uint32_t mode = 0;       ///< that it had
    std::uint32_t lent_mode = 0;  ///< that it has now
  };
  // All under mutex_.
  bool lend(const std::shared_ptr<Dir>& dir, std::uint32_t needed);
  bool lend_below(Dir& parent, const std::string& name, std::uint32_t needed);
  void open_up(const std::shared_ptr<Dir>& dir, const Stat& before, std::uint32_t needed);
  bool has_lent(const Stat& stat) const;
  void return_oldest(std::size_t left);
  void settle(const Stat& stat);  ///< it has a mode of its own now

  const std::uint32_t own_uid_;
  std::mutex mutex_;
  std::deque<Loan> loans_;  ///< the oldest first; few, as each holds its directory open
  std::set<Id> lent_;
};

}  // namespace syncline::fs
