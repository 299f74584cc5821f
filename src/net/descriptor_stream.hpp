// SPDX-License-Identifier: Apache-2.0
// A stream over one descriptor for each direction. Internal to src/net.
#pragma once

#include <asio/posix/stream_descriptor.hpp>

#include "net/fd.hpp"
#include "net/io_thread.hpp"
#include "net/stream.hpp"

namespace syncline::net {

/// A descriptor that does not block while this lives. The flag belongs to the open file, which others may
/// share (the shell of a terminal): it is put back.
class NonBlocking {
 public:
  /// Throws Error(errno).
  NonBlocking(asio::io_context& context, Fd fd);
  ~NonBlocking() { close(); }
  NonBlocking(const NonBlocking&) = delete;
  NonBlocking& operator=(const NonBlocking&) = delete;
  void close() noexcept;
  int get() { return descriptor_.native_handle(); }
  asio::posix::stream_descriptor& descriptor() { return descriptor_; }

 private:
  asio::posix::stream_descriptor descriptor_;
  int flags_;
};

class DescriptorStream final : public Stream {
 public:
  /// Throws Error(errno).
  DescriptorStream(IoThread& thread, Fd in, Fd out);

  Input read(std::span<std::byte> into) override;
  std::size_t write(std::span<const ByteView> pieces) override;
  bool flush() override;
  bool has_output() const override { return finishing_ && !finished_; }
  void finish() override { finishing_ = true; }
  void wait_readable(Wake wake) override;
  void wait_writable(Wake wake) override;
  void close() noexcept override;

 private:
  NonBlocking in_;
  NonBlocking out_;
  bool finishing_ = false;
  bool finished_ = false;
};

}  // namespace syncline::net
