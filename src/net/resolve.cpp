// SPDX-License-Identifier: Apache-2.0
// getaddrinfo(3) with a deadline.
#include "net/resolve.hpp"

#include <netdb.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.hpp"

namespace syncline::net {
namespace {

using Addresses = std::vector<asio::ip::tcp::endpoint>;

struct Answer {
  int failed = 0;  // EAI_...
  int error_number = 0;
  Addresses addresses;
};

Answer look_up(const Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* list = nullptr;
  Answer out;
  out.failed = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  out.error_number = errno;
  if (out.failed != 0) return out;
  for (const auto* one = list; one != nullptr; one = one->ai_next) {
    asio::ip::tcp::endpoint address;
    if (one->ai_addrlen > address.capacity()) continue;
    std::memcpy(address.data(), one->ai_addr, one->ai_addrlen);
    address.resize(one->ai_addrlen);
    out.addresses.push_back(address);
  }
  ::freeaddrinfo(list);
  return out;
}

/// What the looking thread and the one that waits share, whichever is gone first.
struct Question {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Answer> answer;
};

std::optional<Answer> ask(const Endpoint& endpoint, int flags,
                          std::chrono::steady_clock::time_point deadline) {
  auto question = std::make_shared<Question>();
  try {
    std::thread([question, endpoint, flags] {
      auto answer = look_up(endpoint, flags);
      std::lock_guard lock(question->mutex);
      question->answer = std::move(answer);
      question->answered.notify_all();
    }).detach();
  } catch (const std::system_error& error) {
    throw Error(error.code().value(), endpoint.text());
  }
  std::unique_lock lock(question->mutex);
  question->answered.wait_until(lock, deadline, [&] { return question->answer.has_value(); });
  return std::move(question->answer);
}

}  // namespace

Addresses resolve(const Endpoint& endpoint, Purpose purpose, std::chrono::steady_clock::time_point deadline) {
  const int flags = purpose == Purpose::listen ? AI_PASSIVE : AI_ADDRCONFIG;
  auto answer = std::optional(look_up(endpoint, AI_NUMERICHOST));
  if (answer->failed == EAI_NONAME) answer = ask(endpoint, flags, deadline);
  if (!answer) throw Error(ETIMEDOUT, endpoint.text() + ": name server");
  if (answer->failed == EAI_SYSTEM) throw Error(answer->error_number, endpoint.text());
  if (answer->failed != 0)
    throw Error(Errc::unresolved, endpoint.text() + ": " + ::gai_strerror(answer->failed));
  if (answer->addresses.empty()) throw Error(Errc::unresolved, endpoint.text());
  return std::move(answer->addresses);
}

Endpoint endpoint_of(const asio::ip::tcp::endpoint& address) {
  return {address.address().to_string(), address.port()};
}

}  // namespace syncline::net
