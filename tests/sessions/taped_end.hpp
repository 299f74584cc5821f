// SPDX-License-Identifier: Apache-2.0
// An end of a connection that notes what crosses, and that may break off.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "recording.hpp"
#include "wire/transport.hpp"

namespace syncline::test {

/// What both ends of one connection said.
class Tape {
 public:
  void sent(Side side, ByteView frame) {
    std::lock_guard lock(mutex_);
    frames_.push_back({side, received_[static_cast<std::size_t>(side)], {frame.begin(), frame.end()}});
  }
  void received(Side side) {
    std::lock_guard lock(mutex_);
    ++received_[static_cast<std::size_t>(side)];
  }
  std::vector<RecordedFrame> take() {
    std::lock_guard lock(mutex_);
    return std::move(frames_);
  }

 private:
  std::mutex mutex_;
  std::vector<RecordedFrame> frames_;
  std::size_t received_[2] = {0, 0};
};

struct EndOptions {
  Side side = Side::client;
  Tape* tape = nullptr;  ///< may be absent
  /// Not negative: closes instead of sending more content than that. Counted are frames that are compressed
  /// for themselves, as what small messages share frames with depends on timing.
  std::int64_t content_bytes = -1;
};

/// A frame is noted before it is handed on, and what comes after it was handed over: so whatever was caused
/// by a frame stands behind it on the tape.
class TapedEnd final : public wire::Transport {
 public:
  TapedEnd(std::unique_ptr<wire::Transport> end, EndOptions options)
      : end_(std::move(end)), options_(options) {}
  void send(Bytes frame) override {
    const auto content_bytes = content_bytes_of(frame);
    if (options_.content_bytes >= 0 && content_bytes > 0 && sent_bytes_ >= options_.content_bytes) {
      is_broken_ = true;
      end_->close();
    }
    sent_bytes_ += content_bytes;
    if (is_broken_) throw Error(Errc::disconnected, "the connection that was to break");
    if (options_.tape != nullptr) options_.tape->sent(options_.side, frame);
    end_->send(std::move(frame));
  }
  void hand_over(wire::Message message, std::size_t coded_bytes) override {
    end_->hand_over(std::move(message), coded_bytes);
  }
  std::optional<wire::Parcel> receive() override {
    auto out = end_->receive();
    if (out && options_.tape != nullptr) options_.tape->received(options_.side);
    return out;
  }
  bool has_input() const override { return end_->has_input(); }
  void close() override { end_->close(); }
  std::uint64_t sent_bytes() const override { return end_->sent_bytes(); }
  std::uint64_t received_bytes() const override { return end_->received_bytes(); }
  std::uint64_t waiting_bytes() const override { return end_->waiting_bytes(); }
  bool is_local() const override { return false; }

 private:
  static std::int64_t content_bytes_of(ByteView frame) {
    ByteReader in(frame, "frame");
    in.u32();
    constexpr std::uint8_t single = 2;
    return in.u8() == single ? in.u32() : 0;
  }

  std::unique_ptr<wire::Transport> end_;
  EndOptions options_;
  std::int64_t sent_bytes_ = 0;  ///< of content
  bool is_broken_ = false;
};

}  // namespace syncline::test
