// SPDX-License-Identifier: Apache-2.0
// A pipe that behaves as a network: every message is coded, and neither end takes the other's word.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "wire/transport.hpp"

namespace syncline::test {

/// `lies`: this end takes the other for one in its own process, and hands over what only that may believe.
class FramePipeEnd final : public wire::Transport {
 public:
  explicit FramePipeEnd(std::unique_ptr<wire::Transport> pipe, bool lies = false)
      : pipe_(std::move(pipe)), lies_(lies) {}
  void send(Bytes frame) override { pipe_->send(std::move(frame)); }
  void hand_over(wire::Message message, std::size_t coded_bytes) override {
    if (!lies_) throw std::logic_error("no message crosses a network as it is");
    pipe_->hand_over(std::move(message), coded_bytes);
  }
  std::optional<wire::Parcel> receive() override { return pipe_->receive(); }
  bool has_input() const override { return pipe_->has_input(); }
  void close() override { pipe_->close(); }
  std::uint64_t sent_bytes() const override { return pipe_->sent_bytes(); }
  std::uint64_t received_bytes() const override { return pipe_->received_bytes(); }
  std::uint64_t waiting_bytes() const override { return pipe_->waiting_bytes(); }
  bool is_local() const override { return lies_; }

 private:
  std::unique_ptr<wire::Transport> pipe_;
  bool lies_;
};

inline std::pair<std::unique_ptr<wire::Transport>, std::unique_ptr<wire::Transport>> make_frame_pipe() {
  auto [here, there] = wire::make_pipe();
  return {std::make_unique<FramePipeEnd>(std::move(here)), std::make_unique<FramePipeEnd>(std::move(there))};
}

/// The sender's end lies.
inline std::pair<std::unique_ptr<wire::Transport>, std::unique_ptr<wire::Transport>> make_lying_pipe() {
  auto [here, there] = wire::make_pipe();
  return {std::make_unique<FramePipeEnd>(std::move(here), true),
          std::make_unique<FramePipeEnd>(std::move(there))};
}

}  // namespace syncline::test
