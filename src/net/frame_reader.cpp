// SPDX-License-Identifier: Apache-2.0
// Frames out of bytes.
#include "net/frame_reader.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace syncline::net {
namespace {

/// What a mere length may cost at first.
constexpr std::size_t first_bytes = 4 * limits::kib;

}  // namespace

void FrameReader::begin_frame(std::size_t frame_bytes_max) {
  std::uint32_t length = 0;
  std::memcpy(&length, head_.data(), sizeof length);
  if (length == 0) {
    head_bytes_ = 0;
    return;
  }
  if (length > frame_bytes_max)
    throw Error(Errc::limit_exceeded, "a frame of " + std::to_string(length) + " bytes");
  frame_bytes_ = head_.size() + length;
  frame_.reserve(std::min(frame_bytes_, std::max(first_bytes, last_bytes_)));
  frame_.assign(head_.begin(), head_.end());
}

void FrameReader::make_room(std::size_t more_bytes) {
  const auto needed = frame_.size() + more_bytes;
  if (needed > frame_.capacity()) frame_.reserve(std::min(frame_bytes_, 4 * needed));
}

void FrameReader::feed(ByteView in, std::size_t frame_bytes_max, std::vector<Bytes>& out) {
  while (!in.empty()) {
    if (head_bytes_ < head_.size()) {
      const auto taken = std::min(in.size(), head_.size() - head_bytes_);
      std::copy_n(in.begin(), taken, head_.begin() + static_cast<std::ptrdiff_t>(head_bytes_));
      head_bytes_ += taken;
      in = in.subspan(taken);
      if (head_bytes_ == head_.size()) begin_frame(frame_bytes_max);
      continue;
    }
    const auto taken = std::min(in.size(), frame_bytes_ - frame_.size());
    make_room(taken);
    frame_.insert(frame_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken));
    in = in.subspan(taken);
    if (frame_.size() < frame_bytes_) continue;
    last_bytes_ = frame_bytes_;
    out.push_back(std::move(frame_));
    frame_ = {};
    head_bytes_ = 0;
  }
}

}  // namespace syncline::net
