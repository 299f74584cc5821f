// SPDX-License-Identifier: Apache-2.0
// The outside world of either end as it was when sessions were recorded: it has to be the same when they are
// played.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>

#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "sync/replica.hpp"

namespace syncline::test {

/// What is drawn depends on the side, the length, and how many of that length were drawn before: replica ids
/// and sum keys stay what they are although somebody draws something else in between.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::string side) : side_(std::move(side)) {}
  void fill(std::span<std::byte> out) override {
    std::lock_guard lock(mutex_);
    const auto seed =
        side_ + ' ' + std::to_string(out.size()) + ' ' + std::to_string(drawn_[out.size()]++) + ' ';
    for (std::size_t at = 0; at < out.size(); at += hash::digest_bytes) {
      const auto block = hash::blake3(as_bytes(seed + std::to_string(at)));
      const auto count = std::min(hash::digest_bytes, out.size() - at);
      std::copy_n(block.bytes.begin(), count, out.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

 private:
  std::string side_;
  std::mutex mutex_;
  std::map<std::size_t, unsigned> drawn_;
};

/// The file system as somebody without privileges has it, whoever runs the tests.
class UnprivilegedFs final : public fs::Fs {
 public:
  std::unique_ptr<fs::Dir> open_root(const std::string& path) override {
    return fs::linux_fs().open_root(path);
  }
  std::optional<fs::Stat> stat_path(const std::string& path, bool follow) override {
    return fs::linux_fs().stat_path(path, follow);
  }
  void make_dirs(const std::string& path, std::uint32_t mode) override {
    fs::linux_fs().make_dirs(path, mode);
  }
  std::string real_path(const std::string& path) override { return fs::linux_fs().real_path(path); }
  std::uint32_t effective_uid() const override { return 1000; }
};

/// Every group has a name, and nobody here may give files to any of them.
class FixedAccounts final : public Accounts {
 public:
  std::optional<std::string> user_name(std::uint32_t) const override { return "alice"; }
  std::optional<std::string> group_name(std::uint32_t) const override { return "staff"; }
  std::optional<std::uint32_t> user_id(const std::string&) const override { return 4001; }
  std::optional<std::uint32_t> group_id(const std::string&) const override { return 4100; }
  std::optional<std::uint32_t> group_of_user(std::uint32_t) const override { return std::nullopt; }
  std::uint32_t own_group() const override { return 4000; }
  bool is_member(std::uint32_t) const override { return false; }
};

/// Keep it for all sessions of a scenario.
struct FixedWorld {
  explicit FixedWorld(std::string side) : random(std::move(side)) {
    world.files = &files;
    world.random = &random;
    world.accounts = &accounts;
  }
  FixedWorld(const FixedWorld&) = delete;
  FixedWorld& operator=(const FixedWorld&) = delete;

  UnprivilegedFs files;
  FixedRandom random;
  FixedAccounts accounts;
  sync::World world;
};

}  // namespace syncline::test
