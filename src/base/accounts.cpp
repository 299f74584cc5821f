// SPDX-License-Identifier: Apache-2.0
// The user and group database of the system.
#include "base/accounts.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace syncline {
namespace {

constexpr std::size_t record_bytes = 4096;
constexpr std::size_t record_bytes_max = 4 << 20;  // a group with very many members

/// `call(record, buffer, bytes, &found)` is one of the _r functions. `use` sees what it found.
template <class Record, class Call, class Use>
auto look_up(Call&& call, Use&& use) -> std::optional<decltype(use(std::declval<const Record&>()))> {
  std::vector<char> buffer(record_bytes);
  for (;;) {
    Record record{};
    Record* found = nullptr;
    const int error = call(&record, buffer.data(), buffer.size(), &found);
    if (error == EINTR) continue;
    if (error == ERANGE && buffer.size() < record_bytes_max) {
      buffer.resize(buffer.size() * 4);
      continue;
    }
    if (error != 0 || found == nullptr) return std::nullopt;
    return use(*found);
  }
}

class SystemAccounts final : public Accounts {
 public:
  std::optional<std::string> user_name(std::uint32_t uid) const override {
    return look_up<passwd>([&](auto... out) { return ::getpwuid_r(uid, out...); },
                           [](const passwd& user) { return std::string(user.pw_name); });
  }
  std::optional<std::string> group_name(std::uint32_t gid) const override {
    return look_up<::group>([&](auto... out) { return ::getgrgid_r(gid, out...); },
                            [](const ::group& group) { return std::string(group.gr_name); });
  }
  std::optional<std::uint32_t> user_id(const std::string& name) const override {
    return look_up<passwd>([&](auto... out) { return ::getpwnam_r(name.c_str(), out...); },
                           [](const passwd& user) { return std::uint32_t{user.pw_uid}; });
  }
  std::optional<std::uint32_t> group_id(const std::string& name) const override {
    return look_up<::group>([&](auto... out) { return ::getgrnam_r(name.c_str(), out...); },
                            [](const ::group& group) { return std::uint32_t{group.gr_gid}; });
  }
  std::optional<std::uint32_t> group_of_user(std::uint32_t uid) const override {
    return look_up<passwd>([&](auto... out) { return ::getpwuid_r(uid, out...); },
                           [](const passwd& user) { return std::uint32_t{user.pw_gid}; });
  }
  std::uint32_t own_group() const override { return ::getegid(); }
  bool is_member(std::uint32_t gid) const override {
    if (gid == ::getegid()) return true;
    const int count = ::getgroups(0, nullptr);
    if (count <= 0) return false;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    const int got = ::getgroups(count, groups.data());
    return got > 0 && std::find(groups.begin(), groups.begin() + got, gid) != groups.begin() + got;
  }
};

}  // namespace

const Accounts& system_accounts() {
  static const SystemAccounts accounts;
  return accounts;
}

}  // namespace syncline
