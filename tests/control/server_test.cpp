// SPDX-License-Identifier: Apache-2.0
// A server and those who ask it, well-behaved or not.
#include "control/server.hpp"

#include <memory>
#include <thread>
#include <vector>

#include "control/client.hpp"
#include "live_desk.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using test::BareClient;
using test::ServerScene;
using test::status_request;
using test::wait_request;

const std::string status_answer = "{\"v\":1,\"type\":\"status\"}\n";

bool is_refusal(const std::string& line) { return control::parse_answer(line)["type"] == "error"; }

TEST_CASE("a request is answered, and the connection ended", "[control]") {
  ServerScene scene;
  BareClient client(scene.dir);
  client.send(status_request.substr(0, 5));
  CHECK(client.is_quiet());
  client.send(status_request.substr(5));
  CHECK(client.line() == status_answer);
  CHECK(client.is_ended());
}

TEST_CASE("garbage is refused, and others are answered after it", "[control]") {
  ServerScene scene;
  for (const auto* bad :
       {"\n", "garbage\n", "{}\n", "{\"v\":2,\"ask\":\"status\"}\n", "[[[[[[\n", "\xFF\xFE\n"})
    CHECK(is_refusal(scene.answer_to(bad)));
  CHECK(is_refusal(scene.answer_to("{\"v\":1,\"ask\":\"approve\"}\n")));  // the desk's own
  CHECK(scene.answer_to(std::string(1, '\0') + "\n").starts_with("{"));
  CHECK(scene.answer_to(status_request) == status_answer);
}

TEST_CASE("a line has a longest length", "[control][limits]") {
  ServerScene scene;
  std::string line(status_request);
  line.insert(line.size() - 1, limits::control_line_bytes_max - line.size(), ' ');
  CHECK(scene.answer_to(line) == status_answer);
  line.insert(line.size() - 1, 1, ' ');
  CHECK(is_refusal(scene.answer_to(line)));
  CHECK(is_refusal(scene.answer_to(std::string(limits::control_line_bytes_max, 'x'))));
  CHECK(scene.answer_to(status_request) == status_answer);
}

TEST_CASE("there are so many connections and one more is told so", "[control][limits]") {
  ServerScene scene;
  std::vector<std::unique_ptr<BareClient>> clients;
  for (std::size_t k = 0; k < limits::control_connections_max; ++k) {
    clients.push_back(std::make_unique<BareClient>(scene.dir));
    clients.back()->send(wait_request);
    CHECK(clients.back()->line().find("standing") != std::string::npos);
  }
  BareClient more(scene.dir);
  CHECK(is_refusal(more.line()));
  CHECK(more.is_ended());
  clients.pop_back();
  while (scene.answer_to(status_request) != status_answer) std::this_thread::sleep_for(1ms);
  for (const auto& client : clients) CHECK(client->is_quiet());
}

TEST_CASE("who sends nothing, or not all of it, is not kept", "[control][limits]") {
  control::ServerOptions options;
  options.idle = 100ms;
  ServerScene scene(options);
  const auto begun = std::chrono::steady_clock::now();
  BareClient silent(scene.dir), slow(scene.dir);
  slow.send(status_request.substr(0, 5));
  CHECK(silent.is_ended());
  CHECK(slow.is_ended());
  CHECK(std::chrono::steady_clock::now() - begun >= 100ms);
  CHECK(scene.answer_to(status_request) == status_answer);
}

TEST_CASE("who does not read the answer is not kept, and others are answered meanwhile",
          "[control][limits]") {
  control::ServerOptions options;
  options.idle = 300ms;
  ServerScene scene(options);
  scene.desk.fill = 4 * limits::mib;  // more than the kernel keeps
  BareClient slow(scene.dir);
  slow.send(status_request);
  ::pollfd begun{slow.descriptor(), POLLIN, 0};
  REQUIRE(::poll(&begun, 1, 60'000) == 1);
  scene.desk.fill = 0;
  while (scene.answer_to(status_request) != status_answer) {}
  std::this_thread::sleep_for(600ms);
  std::size_t count = 0;
  for (std::string got = slow.line(); !got.empty(); got = slow.line()) count += got.size();
  CHECK(count < 4 * limits::mib);
}

TEST_CASE("a wait takes as long as it takes, and tells each new standing", "[control]") {
  control::ServerOptions options;
  options.idle = 100ms;
  ServerScene scene(options);
  BareClient client(scene.dir);
  client.send(wait_request);
  CHECK(client.line() == "{\"v\":1,\"type\":\"standing\",\"n\":0}\n");
  scene.server.tell_news();
  CHECK(client.is_quiet());
  std::this_thread::sleep_for(200ms);
  scene.desk.news = 1;
  scene.server.tell_news();
  CHECK(client.line() == "{\"v\":1,\"type\":\"standing\",\"n\":1}\n");
  CHECK(scene.desk.wanted == 1);
  scene.desk.proven = 1;
  scene.server.tell_news();
  CHECK(client.line() == "{\"v\":1,\"type\":\"waited\"}\n");
  CHECK(client.is_ended());
}

TEST_CASE("a ticket that came later than another one is not served with it", "[control]") {
  ServerScene scene;
  BareClient first(scene.dir), second(scene.dir);
  first.send(wait_request);
  first.line();
  second.send(wait_request);
  second.line();
  scene.desk.proven = 1;
  scene.server.tell_news();
  CHECK(first.line().find("waited") != std::string::npos);
  CHECK(second.is_quiet());
}

TEST_CASE("who waits and goes, or says more, gives up its place", "[control]") {
  control::ServerOptions options;
  options.connections_max = 1;
  ServerScene scene(options);
  for (const bool is_talking : {false, true}) {
    {
      BareClient client(scene.dir);
      client.send(wait_request);
      client.line();
      if (is_talking) {
        client.send("more\n");
        CHECK(client.is_ended());
      }
    }
    while (scene.answer_to(status_request) != status_answer) std::this_thread::sleep_for(1ms);
  }
}

TEST_CASE("the end of a server ends those who wait", "[control]") {
  auto scene = std::make_unique<ServerScene>();
  BareClient client(scene->dir), silent(scene->dir);
  client.send(wait_request);
  client.line();
  scene.reset();
  CHECK(client.is_ended());
  CHECK(silent.is_ended());
}

TEST_CASE("many ask at the same time", "[control]") {
  ServerScene scene;
  std::vector<std::thread> clients;
  std::atomic<int> answered = 0;
  for (int k = 0; k < 8; ++k)
    clients.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn)
        if (scene.answer_to(status_request) == status_answer) ++answered;
    });
  for (int k = 0; k < 1000; ++k) scene.server.tell_news();
  for (auto& client : clients) client.join();
  CHECK(answered == 400);
}

TEST_CASE("a client takes answers up to their longest length, in pieces", "[control][limits]") {
  const test::TempDir dir;
  const auto listening = fs::listen_local(*dir.open(), "socket");
  control::Conversation client(*fs::connect_local(*dir.open(), "socket"), {control::Ask::status, ""});
  const fs::Fd peer(::accept(listening.get(), nullptr, nullptr));
  CHECK_FALSE(client.take());
  const auto send = [&](std::string text) {
    return std::thread([&peer, text = std::move(text)] {
      for (std::size_t at = 0; at < text.size();) {
        const auto count = ::send(peer.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (count <= 0) return;
        at += static_cast<std::size_t>(count);
      }
    });
  };
  const auto taken = [&] {
    for (;;) {
      if (auto answer = client.take()) return *answer;
      control::wait_for_any({client.descriptor()}, std::chrono::steady_clock::now() + 60s);
    }
  };
  std::string line = status_answer;
  line.insert(line.size() - 1, limits::control_answer_bytes_max - line.size(), ' ');
  auto sender = send(line + status_answer);
  CHECK(taken()["type"] == "status");
  CHECK(taken()["type"] == "status");
  sender.join();
  line.insert(line.size() - 1, 1, ' ');
  sender = send(line);
  CHECK_THROWS_AS(taken(), Error);
  ::shutdown(peer.get(), SHUT_RDWR);
  sender.join();
}

TEST_CASE("a client that is told nothing, or nonsense, says so", "[control]") {
  const test::TempDir dir;
  const auto listening = fs::listen_local(*dir.open(), "socket");
  control::Conversation client(*fs::connect_local(*dir.open(), "socket"), {control::Ask::status, ""});
  {
    const fs::Fd peer(::accept(listening.get(), nullptr, nullptr));
    for (const std::string text : {"nonsense\n", "{\"v\":1,\"type\":\"error\",\"cause\":\"no\"}\n"}) {
      ::send(peer.get(), text.data(), text.size(), 0);
      CHECK_THROWS_AS(client.take(), Error);
    }
  }
  CHECK_THROWS_AS(client.take(), Error);
  CHECK_FALSE(control::wait_for_any({}, std::chrono::steady_clock::now() + 10ms));
}

}  // namespace
