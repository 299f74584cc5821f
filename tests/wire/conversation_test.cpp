// SPDX-License-Identifier: Apache-2.0
#include "wire/conversation.hpp"

#include <set>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::wire;

namespace {

using T = MessageType;
using Turn = std::pair<Role, T>;
constexpr Role sender = Role::sender;
constexpr Role receiver = Role::receiver;

constexpr unsigned type_count = 23;

void go(Conversation& at, Role role, const Turn& turn) {
  if (turn.first == role) at.sent(turn.second);
  else at.received(turn.second);
}

/// Both ends see the same order here; each must accept it.
bool accepts(const std::vector<Turn>& before, const Turn& turn) {
  bool both = true;
  for (const Role role : {sender, receiver}) {
    Conversation at(role);
    for (const auto& one : before) go(at, role, one);
    try {
      go(at, role, turn);
      CHECK(both);  // the ends agree
    } catch (const Error& error) {
      CHECK(error.is(Errc::protocol));
      CHECK(error.context().find(name_of(turn.second)) != std::string::npos);
      CHECK((role == sender || !both));
      both = false;
    }
  }
  return both;
}

std::set<Turn> allowed_after(const std::vector<Turn>& before) {
  std::set<Turn> out;
  for (const Role role : {sender, receiver})
    for (unsigned type = 0; type <= type_count + 1; ++type)
      if (accepts(before, {role, static_cast<T>(type)})) out.insert({role, static_cast<T>(type)});
  return out;
}

std::set<Turn> with_fatal(std::set<Turn> turns) {
  turns.insert({sender, T::fatal});
  turns.insert({receiver, T::fatal});
  return turns;
}

const std::vector<Turn> shaken{{sender, T::hello}, {receiver, T::hello}};

std::vector<Turn> after(std::vector<Turn> head, const std::vector<Turn>& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

const std::vector<Turn> compared =
    after(shaken, {{sender, T::begin}, {sender, T::roots}, {receiver, T::roots}});
const std::vector<Turn> transferring = after(compared, {{receiver, T::list_end}});
const std::vector<Turn> finishing = after(transferring, {{sender, T::finish}});

}  // namespace

TEST_CASE("a session opens with one hello from each side, in any order", "[wire]") {
  CHECK(allowed_after({}) == with_fatal({{sender, T::hello}, {receiver, T::hello}}));
  CHECK(allowed_after({{sender, T::hello}}) == with_fatal({{receiver, T::hello}}));
  CHECK(allowed_after({{receiver, T::hello}}) == with_fatal({{sender, T::hello}}));
}

TEST_CASE("the sender begins and tells its root before the receiver does", "[wire]") {
  CHECK(allowed_after(shaken) == with_fatal({{sender, T::begin}}));
  CHECK(allowed_after(after(shaken, {{sender, T::begin}})) == with_fatal({{sender, T::roots}}));
  CHECK(allowed_after(after(shaken, {{sender, T::begin}, {sender, T::roots}})) ==
        with_fatal({{receiver, T::roots}}));
}

TEST_CASE("the drift comes from the receiver until its end mark", "[wire]") {
  const std::set<Turn> expected{{receiver, T::listing}, {receiver, T::list_end}};
  for (const auto& before : {compared, after(compared, {{receiver, T::listing}})}) {
    auto allowed = allowed_after(before);
    allowed.erase({sender, T::finish});
    CHECK(allowed == with_fatal(expected));
  }
}

TEST_CASE("in the transfer each side has its own messages", "[wire]") {
  const std::set<Turn> expected = with_fatal({
      {sender, T::list_request}, {sender, T::manifest_request}, {sender, T::batch},
      {sender, T::file_begin},   {sender, T::file_steps},       {sender, T::file_end},
      {sender, T::gap_matches},  {sender, T::gap_delta},        {sender, T::chunk_data},
      {sender, T::flush},        {sender, T::finish},           {receiver, T::listing},
      {receiver, T::list_end},   {receiver, T::manifest_reply}, {receiver, T::gap_sums},
      {receiver, T::chunk_request}, {receiver, T::ack},         {receiver, T::failure},
  });
  CHECK(allowed_after(transferring) == expected);
  // None of them moves the session on, but for the finish.
  for (const auto& turn : expected) {
    if (turn.second == T::finish || turn.second == T::fatal) continue;
    CAPTURE(name_of(turn.second));
    CHECK(allowed_after(after(transferring, {turn})) == expected);
  }
}

TEST_CASE("after the finish only the receiver speaks, and its finished ends the session", "[wire]") {
  const auto expected = with_fatal({{receiver, T::finished}, {receiver, T::failure}, {receiver, T::ack}});
  CHECK(allowed_after(finishing) == expected);
  CHECK(allowed_after(after(finishing, {{receiver, T::failure}})) == expected);
  CHECK(allowed_after(after(finishing, {{receiver, T::finished}})).empty());
}

TEST_CASE("either side may give up at any time, once", "[wire]") {
  for (const auto& before : {std::vector<Turn>{}, shaken, compared, transferring, finishing})
    for (const Role role : {sender, receiver})
      CHECK(allowed_after(after(before, {{role, T::fatal}})).empty());
}

TEST_CASE("a session is over after finished or fatal and not before", "[wire]") {
  Conversation at(sender);
  for (const auto& turn : finishing) {
    go(at, sender, turn);
    CHECK_FALSE(at.over());
  }
  at.received(T::finished);
  CHECK(at.over());
  Conversation given_up(receiver);
  given_up.received(T::fatal);
  CHECK(given_up.over());
}

TEST_CASE("a refused message names itself and its side and leaves the session where it was", "[wire]") {
  Conversation at(receiver);
  try {
    at.received(T::batch);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.is(Errc::protocol));
    CHECK(std::string(error.what()).find("'batch' from the sender") != std::string::npos);
  }
  CHECK_NOTHROW(at.received(T::hello));
  CHECK_THROWS_AS(at.sent(T::ack), Error);
  CHECK_NOTHROW(at.sent(T::hello));
}
