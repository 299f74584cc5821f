// SPDX-License-Identifier: Apache-2.0
#include "hearing.hpp"

namespace syncline::test {

void Hearing::listen() {
  FrameReader reader;
  try {
    while (const auto parcel = end_.receive()) {
      auto messages = reader.read(std::get<Bytes>(*parcel));
      std::lock_guard lock(mutex_);
      for (auto& one : messages) messages_.push_back(std::move(one.message));
      heard_.notify_all();
    }
  } catch (const std::exception&) {
    // What cannot be read ends the connection, and whoever waits says what for.
  }
  std::lock_guard lock(mutex_);
  over_ = true;
  heard_.notify_all();
}

std::optional<wire::Message> Hearing::next() {
  std::unique_lock lock(mutex_);
  heard_.wait_for(lock, patience, [&] { return over_ || !messages_.empty(); });
  if (messages_.empty()) return std::nullopt;
  auto out = std::move(messages_.front());
  messages_.pop_front();
  return out;
}

}  // namespace syncline::test
