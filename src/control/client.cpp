// SPDX-License-Identifier: Apache-2.0
// Lines over a blocking socket.
#include "control/client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::control {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

[[noreturn]] void throw_gone() { throw Error(Errc::disconnected, "watch"); }

void send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const auto count = fs::retry([&] { return ::send(socket, text.data(), text.size(), MSG_NOSIGNAL); });
    if (count < 0) throw_gone();
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Conversation::Conversation(fs::Fd connected, const Request& request) : socket_(std::move(connected)) {
  send_all(socket_.get(), request_line(request));
}

std::optional<Json> Conversation::take() {
  auto end = input_.find('\n');
  while (end == input_.npos && read_more()) end = input_.find('\n');
  if (end == input_.npos) return std::nullopt;
  const auto line = input_.substr(0, end);
  input_.erase(0, end + 1);
  auto out = parse_answer(line);
  if (text_in(out, "type") == "error")
    throw Error(Errc::disconnected, "a watch refuses: " + text_in(out, "cause"));
  return out;
}

/// False where nothing is there now.
bool Conversation::read_more() {
  std::array<char, 16 * limits::kib> buffer;
  const auto room = std::min(buffer.size(), limits::control_answer_bytes_max - input_.size());
  if (room == 0) throw Error(Errc::limit_exceeded, "answer of a watch");
  const auto count = fs::retry([&] { return ::recv(socket_.get(), buffer.data(), room, MSG_DONTWAIT); });
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (count <= 0) throw_gone();
  input_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool wait_for_any(const std::vector<int>& descriptors, SteadyTime deadline) {
  std::vector<::pollfd> waiting;
  waiting.reserve(descriptors.size());
  for (const int one : descriptors) waiting.push_back({one, POLLIN, 0});
  // A day at a time: a deadline that is far away does not fit into an int.
  const auto left =
      std::clamp<milliseconds>(std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()),
                               milliseconds(0), std::chrono::hours(24));
  const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
  if (ready < 0 && errno != EINTR) throw_errno("wait for a watch");
  return ready != 0 || std::chrono::steady_clock::now() < deadline;
}

Json ask(fs::Fs& files, const FoundWatch& found, const Request& request) {
  auto connected = connect_to(files, found);
  if (!connected) throw_gone();
  Conversation conversation(std::move(*connected), request);
  const auto deadline = std::chrono::steady_clock::now() + limits::control_idle;
  for (;;) {
    if (auto answer = conversation.take()) return std::move(*answer);
    if (!wait_for_any({conversation.descriptor()}, deadline)) throw Error(ETIMEDOUT, "watch");
  }
}

std::vector<FoundWatch> find_all_watches(fs::Fs& files, const std::string& state_dir) {
  std::vector<FoundWatch> out;
  for (const auto& directory : socket_directories(state_dir))
    for (auto& found : find_watches(files, directory)) out.push_back(std::move(found));
  return out;
}

}  // namespace syncline::control
