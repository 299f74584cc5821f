// SPDX-License-Identifier: Apache-2.0
// A file written into a temporary file that replaces the old one: strategies rewrite and clone.
#pragma once

#include <memory>

#include "patch/core.hpp"
#include "patch/interval_set.hpp"

namespace syncline::patch {

/// What the temporary file holds at the start.
enum class TempContent {
  empty,   ///< nothing: what is never given is a hole
  cloned,  ///< the old file: what is never given must be made zero
  partly,  ///< some ranges of the new one, given in `covered`; the rest must be made zero
};

class RewriteWrite final : public FileWrite {
 public:
  /// `basis` may be null. `covered` only with TempContent::partly.
  RewriteWrite(std::shared_ptr<Core> core, Entry entry, std::unique_ptr<TempFile> temp,
               std::unique_ptr<fs::File> basis, TempContent content, IntervalSet covered = {});
  ~RewriteWrite() override;

  Strategy strategy() const override {
    return content_ == TempContent::cloned ? Strategy::clone : Strategy::rewrite;
  }
  void write(std::uint64_t offset, ByteView data) override;
  void copy(std::uint64_t offset, std::uint64_t old_offset, std::uint64_t length_bytes) override;
  void copy_from(std::uint64_t offset, const fs::File& source, std::uint64_t source_offset,
                 std::uint64_t length_bytes) override;
  void zeros(std::uint64_t offset, std::uint64_t length_bytes) override;
  bool read_back(std::span<std::byte> out, std::uint64_t offset) override;
  void drop_keep() override { entry_.plan.keep.reset(); }
  const fs::File* basis() const override { return basis_.get(); }
  void finish(const fs::Metadata& metadata, std::uint64_t token) override;
  void leave_behind() noexcept override;
  /// finish() without the queue.
  Pending complete(const fs::Metadata& metadata, std::uint64_t token);

 private:
  void give(std::uint64_t offset, std::uint64_t length_bytes);
  void wrote(std::uint64_t bytes);
  void put(std::uint64_t offset, ByteView data);
  void put_changed(std::uint64_t offset, ByteView data);
  void flush();
  void count_buffer();
  std::optional<std::uint32_t> apply_metadata(fs::Metadata wanted);
  void keep_old(fs::Metadata& wanted, fs::Stat& current);
  std::string what() const;

  std::shared_ptr<Core> core_;
  Entry entry_;
  std::unique_ptr<fs::File> basis_;
  std::unique_ptr<TempFile> temp_;
  TempContent content_;
  IntervalSet covered_;
  std::uint64_t dirty_bytes_ = 0;  ///< that the disk was not yet given
  Bytes buffer_;                   ///< bytes for buffer_offset_, not yet written
  std::size_t counted_bytes_ = 0;  ///< of the buffer, in Core::gathered_bytes
  std::uint64_t buffer_offset_ = 0;
  std::uint64_t end_ = 0;  ///< size of the temporary file, buffer included
};

/// Throws Error(malformed) unless [offset, offset + length) lies in [0, size).
void check_range(std::uint64_t offset, std::uint64_t length_bytes, std::uint64_t size_bytes,
                 const RelPath& path);

}  // namespace syncline::patch
