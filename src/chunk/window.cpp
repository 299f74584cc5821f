// SPDX-License-Identifier: Apache-2.0
// Refilling of the read window.
#include "chunk/window.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace syncline::chunk {
namespace {

constexpr std::uint64_t page_bytes = 4096;

std::uint64_t round_down(std::uint64_t value) { return value / page_bytes * page_bytes; }
std::uint64_t round_up(std::uint64_t value) { return round_down(value + page_bytes - 1); }

}  // namespace

void Window::Free::operator()(std::byte* pages) const {
  ::operator delete[](pages, std::align_val_t{page_bytes});
}

Window::Window(const fs::File& file, std::uint64_t size_bytes, std::size_t buffer_bytes,
               std::size_t view_bytes_max)
    : file_(&file),
      size_bytes_(size_bytes),
      first_burst_(static_cast<std::size_t>(round_up(view_bytes_max) + page_bytes)) {
  const auto least = 2 * first_burst_;
  capacity_ = static_cast<std::size_t>(
      std::min<std::uint64_t>(round_up(std::max<std::uint64_t>(buffer_bytes, least)), round_up(size_bytes)));
  buffer_.reset(static_cast<std::byte*>(
      ::operator new[](std::max<std::size_t>(capacity_, 1), std::align_val_t{page_bytes})));
  data_ = buffer_.get();
}

Window::Window(ByteView whole) : size_bytes_(whole.size()), data_(whole.data()), end_(whole.size()) {}

ByteView Window::at(std::uint64_t offset, std::size_t bytes) {
  assert(offset <= size_bytes_);
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, size_bytes_ - offset));
  if (offset < begin_ || offset + bytes > end_) refill(offset);
  return {data_ + (offset - begin_), bytes};
}

void Window::refill(std::uint64_t offset) {
  const auto begin = round_down(offset);
  std::size_t kept = 0;
  if (begin >= begin_ && begin < end_) {
    kept = static_cast<std::size_t>(end_ - begin);
    std::memmove(buffer_.get(), data_ + (begin - begin_), kept);
  }
  begin_ = begin;
  end_ = begin + kept;
  burst_ = kept == 0 ? first_burst_ : std::min(2 * burst_, capacity_);
  const auto room = std::min(burst_, capacity_ - kept);
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room, size_bytes_ - end_));
  const auto got = file_->pread({buffer_.get() + kept, wanted}, end_);
  end_ += got;
  if (got < wanted) throw Error(Errc::changed, "file shrank while it was read");
}

}  // namespace syncline::chunk
