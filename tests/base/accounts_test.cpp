// SPDX-License-Identifier: Apache-2.0
#include "base/accounts.hpp"

#include <unistd.h>

#include "support/catch.hpp"

using namespace syncline;

TEST_CASE("root has its name and its number on every machine", "[base]") {
  const auto& accounts = system_accounts();
  CHECK(accounts.user_name(0) == "root");
  CHECK(accounts.user_id("root") == 0u);
  CHECK(accounts.group_name(0) == "root");
  CHECK(accounts.group_id("root") == 0u);
  CHECK(accounts.group_of_user(0) == 0u);
}

TEST_CASE("accounts that do not exist are nothing", "[base]") {
  const auto& accounts = system_accounts();
  CHECK_FALSE(accounts.user_name(4'123'456'789));
  CHECK_FALSE(accounts.group_name(4'123'456'789));
  CHECK_FALSE(accounts.group_of_user(4'123'456'789));
  CHECK_FALSE(accounts.user_id("no such user"));
  CHECK_FALSE(accounts.group_id("no such group"));
  CHECK_FALSE(accounts.user_id(""));
}

TEST_CASE("a process is a member of its own group", "[base]") {
  const auto& accounts = system_accounts();
  CHECK(accounts.own_group() == ::getegid());
  CHECK(accounts.is_member(::getegid()));
  CHECK_FALSE(accounts.is_member(4'123'456'789));
}
