// SPDX-License-Identifier: Apache-2.0
// Waiting for something to tell.
#include "server/stir_teller.hpp"

#include <utility>

namespace syncline::server {
namespace {

/// Nothing depends on it: what is to be told ends the wait.
constexpr std::chrono::milliseconds wait_longest{60'000};

}  // namespace

StirTeller::StirTeller(sync::WarmReplicas& warm, std::function<void(std::uint64_t)> tell)
    : warm_(warm), tell_(std::move(tell)), thread_([this] { run(); }) {}

StirTeller::~StirTeller() {
  is_over_ = true;
  warm_.wake();
  thread_.join();
}

void StirTeller::run() {
  while (!is_over_)
    for (const auto owner : warm_.wait_stirred(wait_longest)) tell_(owner);
}

}  // namespace syncline::server
