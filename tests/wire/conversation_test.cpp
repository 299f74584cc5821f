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

constexpr unsigned type_count = 35;

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
  CHECK(allowed_after({{receiver, T::hello}}) == with_fatal({{sender, T::hello}}));
  CHECK(allowed_after(shaken) == with_fatal({{sender, T::begin}}));
}

TEST_CASE("the sender need not wait for the receiver's hello, but the receiver has to begin with it",
          "[wire]") {
  const Turn theirs{receiver, T::hello};
  std::vector<Turn> said{{sender, T::hello}};
  for (const auto next : {T::begin, T::roots, T::begin, T::roots}) {
    auto allowed = with_fatal({{sender, next}, theirs});
    if (next == T::roots) allowed.insert({sender, T::owners});
    CHECK(allowed_after(said) == allowed);
    said.emplace_back(sender, next);
  }
  CHECK(allowed_after(after(said, {theirs})) ==
        with_fatal({{sender, T::begin}, {receiver, T::roots}, {receiver, T::owner_ids}}));
}

TEST_CASE("the sender begins and tells its root before the receiver does", "[wire]") {
  const std::set<Turn> next{{sender, T::owners}, {sender, T::roots}};
  CHECK(allowed_after(after(shaken, {{sender, T::begin}})) == with_fatal(next));
  CHECK(allowed_after(after(shaken, {{sender, T::begin}, {sender, T::owners}})) == with_fatal(next));
  const std::vector<Turn> told{{sender, T::begin}, {sender, T::owners}, {sender, T::roots}};
  const auto answers = with_fatal({{sender, T::begin}, {receiver, T::roots}, {receiver, T::owner_ids}});
  CHECK(allowed_after(after(shaken, told)) == answers);
  CHECK(allowed_after(after(after(shaken, told), {{receiver, T::owner_ids}})) == answers);
}

TEST_CASE("the drift comes from the receiver until its end mark", "[wire]") {
  const std::set<Turn> expected{{receiver, T::partials}, {receiver, T::listing}, {receiver, T::list_end}};
  for (const auto& before : {compared, after(compared, {{receiver, T::listing}})}) {
    auto allowed = allowed_after(before);
    allowed.erase({sender, T::finish});
    CHECK(allowed == with_fatal(expected));
  }
}

TEST_CASE("in the transfer each side has its own messages", "[wire]") {
  const std::set<Turn> expected = with_fatal({
      {sender, T::list_request},
      {sender, T::manifest_request},
      {sender, T::batch},
      {sender, T::file_begin},
      {sender, T::file_steps},
      {sender, T::file_end},
      {sender, T::gap_matches},
      {sender, T::gap_delta},
      {sender, T::chunk_data},
      {sender, T::flush},
      {sender, T::left},
      {sender, T::finish},
      {receiver, T::listing},
      {receiver, T::list_end},
      {receiver, T::manifest_reply},
      {receiver, T::gap_sums},
      {receiver, T::chunk_request},
      {receiver, T::ack},
      {receiver, T::failure},
      {receiver, T::kept},
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
  const auto expected = with_fatal(
      {{receiver, T::finished}, {receiver, T::failure}, {receiver, T::ack}, {receiver, T::kept}});
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

namespace {

constexpr bool client = true;
constexpr bool server = false;
using Word = std::pair<bool, T>;

/// Over a network: the client's role decides who sends.
bool accepts(Role role, const std::vector<Word>& before, const Word& word) {
  const auto at_both = [&](bool end) {
    auto at = end == client ? Conversation::asking(role) : Conversation::answering();
    const auto go_one = [&](const Word& one) {
      if (one.first == end) at.sent(one.second);
      else at.received(one.second);
      if (end == server && one.second == T::open) at.take_role(role == sender ? receiver : sender);
    };
    for (const auto& one : before) go_one(one);
    try {
      go_one(word);
      return true;
    } catch (const Error& error) {
      CHECK(error.is(Errc::protocol));
      return false;
    }
  };
  const bool accepted = at_both(client);
  CHECK(at_both(server) == accepted);
  return accepted;
}

std::set<Word> words_after(Role role, const std::vector<Word>& before) {
  std::set<Word> out;
  for (const bool end : {client, server})
    for (unsigned type = 0; type <= type_count + 1; ++type)
      if (static_cast<T>(type) != T::fatal && static_cast<T>(type) != T::stirred &&
          accepts(role, before, {end, static_cast<T>(type)}))
        out.insert({end, static_cast<T>(type)});
  return out;
}

}  // namespace

TEST_CASE("over a network the client opens, and the server's first word answers that", "[wire]") {
  for (const Role role : {sender, receiver}) {
    CHECK(words_after(role, {}) == std::set<Word>{{client, T::open}, {client, T::pair}});
    CHECK(words_after(role, {{client, T::open}}) == std::set<Word>{{client, T::hello}, {server, T::opened}});
    std::set<Word> next{{client, T::hello}, {server, T::hello}};
    next.insert({server, T::event});
    CHECK(words_after(role, {{client, T::open}, {server, T::opened}}) == next);
  }
}

TEST_CASE("a client that sends may say all up to its root at once", "[wire]") {
  std::vector<Word> said{{client, T::open}, {client, T::hello}, {client, T::begin}, {client, T::roots}};
  CHECK(words_after(sender, said) == std::set<Word>{{client, T::begin}, {server, T::opened}});
  said.insert(said.end(), {{server, T::opened}, {server, T::hello}});
  CHECK(words_after(sender, said) ==
        std::set<Word>{{client, T::begin}, {server, T::roots}, {server, T::owner_ids}, {server, T::event}});
}

TEST_CASE("a server that receives may tell notices until it has finished", "[wire]") {
  std::vector<Word> said{{client, T::open}, {server, T::opened}, {client, T::hello}};
  for (const auto& next : std::vector<Word>{{server, T::hello},
                                            {client, T::begin},
                                            {client, T::roots},
                                            {server, T::roots},
                                            {server, T::list_end},
                                            {client, T::finish},
                                            {server, T::finished}}) {
    CAPTURE(name_of(next.second));
    CHECK(accepts(sender, said, {server, T::event}));
    CHECK_FALSE(accepts(sender, said, {client, T::event}));
    said.push_back(next);
  }
  CHECK_FALSE(accepts(sender, said, {server, T::event}));
}

TEST_CASE("what it kept a server tells, and a client that pulls does not", "[wire]") {
  std::vector<Word> said{{client, T::open}, {server, T::opened}, {client, T::hello}, {server, T::hello}};
  auto pushed = said;
  pushed.insert(pushed.end(),
                {{client, T::begin}, {client, T::roots}, {server, T::roots}, {server, T::list_end}});
  CHECK(accepts(sender, pushed, {server, T::kept}));
  auto pulled = said;
  pulled.insert(pulled.end(),
                {{server, T::begin}, {server, T::roots}, {client, T::roots}, {client, T::list_end}});
  CHECK(accepts(receiver, pulled, {client, T::failure}));
  CHECK_FALSE(accepts(receiver, pulled, {client, T::kept}));
}

TEST_CASE("a server that sends tells events, and a summary ends the session", "[wire]") {
  std::vector<Word> said{{client, T::open}, {server, T::opened}, {client, T::hello}, {server, T::hello}};
  for (const auto& next : std::vector<Word>{{server, T::begin},
                                            {server, T::roots},
                                            {client, T::roots},
                                            {client, T::list_end},
                                            {server, T::finish},
                                            {client, T::finished}}) {
    CAPTURE(name_of(next.second));
    CHECK(accepts(receiver, said, {server, T::event}));
    CHECK_FALSE(accepts(receiver, said, {client, T::event}));
    CHECK_FALSE(accepts(receiver, said, {server, T::summary}));
    said.push_back(next);
  }
  CHECK(words_after(receiver, said) == std::set<Word>{{server, T::event}, {server, T::summary}});
  said.emplace_back(server, T::summary);
  CHECK(words_after(receiver, said).empty());
}

TEST_CASE("that something stirred a server says until it has answered an open", "[wire]") {
  for (const Role role : {sender, receiver}) {
    for (const auto& before : std::vector<std::vector<Word>>{
             {}, {{server, T::stirred}}, {{client, T::open}}, {{client, T::open}, {server, T::stirred}}}) {
      CHECK(accepts(role, before, {server, T::stirred}));
      CHECK_FALSE(accepts(role, before, {client, T::stirred}));
    }
    CHECK_FALSE(accepts(role, {{client, T::open}, {server, T::opened}}, {server, T::stirred}));
    CHECK_FALSE(accepts(role, {{client, T::pair}}, {server, T::stirred}));
    CHECK(accepts(role, {{client, T::open}, {server, T::stirred}}, {server, T::opened}));
  }
}

TEST_CASE("a finish that wants no answer ends the session at once", "[wire]") {
  for (const Role role : {sender, receiver}) {
    Conversation at(role);
    for (const auto& turn : finishing) go(at, role, turn);
    at.finish_unanswered();
    CHECK(at.over());
  }
}

TEST_CASE("a client may pair instead of opening, and the answer ends that", "[wire]") {
  CHECK(words_after(sender, {{client, T::pair}}) == std::set<Word>{{server, T::paired}});
  CHECK(words_after(sender, {{client, T::pair}, {server, T::paired}}).empty());
}
