// SPDX-License-Identifier: Apache-2.0
// Users and groups of this machine, so that a test can give two hosts different ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace syncline {

/// Thread-safe. What is not there, or cannot be looked up now, is nothing.
class Accounts {
 public:
  virtual ~Accounts() = default;
  virtual std::optional<std::string> user_name(std::uint32_t uid) const = 0;
  virtual std::optional<std::string> group_name(std::uint32_t gid) const = 0;
  virtual std::optional<std::uint32_t> user_id(const std::string& name) const = 0;
  virtual std::optional<std::uint32_t> group_id(const std::string& name) const = 0;
  /// The group that a user belongs to in the first place.
  virtual std::optional<std::uint32_t> group_of_user(std::uint32_t uid) const = 0;
  /// Of this process.
  virtual std::uint32_t own_group() const = 0;
  /// This process is in the group, so that it may give its files to it without privileges.
  virtual bool is_member(std::uint32_t gid) const = 0;
};

/// getpwnam(3) and its relatives.
const Accounts& system_accounts();

}  // namespace syncline
