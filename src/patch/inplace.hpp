// SPDX-License-Identifier: Apache-2.0
// A file changed where it is, through the redo journal: only sectors that really differ are kept.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "patch/core.hpp"
#include "patch/interval_set.hpp"
#include "patch/rewrite.hpp"

namespace syncline::patch {

/// Until the commit the target is only read; new bytes go into the journal. Becomes a rewrite, with
/// everything given so far, when more changes than the journal should take, when somebody else
/// wants to open the target, or when a range is given twice.
class InplaceWrite final : public FileWrite {
 public:
  /// `target` is open for writing and leased.
  InplaceWrite(std::shared_ptr<Core> core, Entry entry, std::unique_ptr<fs::File> target);
  ~InplaceWrite() override;

  Strategy strategy() const override { return rewrite_ ? Strategy::rewrite : Strategy::inplace; }
  void write(std::uint64_t offset, ByteView data) override;
  void copy(std::uint64_t offset, std::uint64_t old_offset, std::uint64_t length_bytes) override;
  void copy_from(std::uint64_t offset, const fs::File& source, std::uint64_t source_offset,
                 std::uint64_t length_bytes) override;
  void zeros(std::uint64_t offset, std::uint64_t length_bytes) override;
  bool read_back(std::span<std::byte> out, std::uint64_t offset) override {
    return rewrite_ && rewrite_->read_back(out, offset);
  }
  /// A target that keeps its old version is never opened for this.
  void drop_keep() override {}
  const fs::File* basis() const override { return rewrite_ ? rewrite_->basis() : target_.get(); }
  void finish(const fs::Metadata& metadata, std::uint64_t token) override;
  void leave_behind() noexcept override;

 private:
  /// A sector of which only a part has been given.
  struct Partial {
    std::uint32_t given_bytes = 0;
    std::unique_ptr<std::array<std::byte, sector_bytes>> bytes;  ///< null: only unmoved copies
  };

  bool accept(std::uint64_t offset, std::uint64_t length_bytes);
  template <class Whole, class Part>
  void split(std::uint64_t offset, std::uint64_t length_bytes, Whole&& whole, Part&& part);
  void absorb(std::uint64_t offset, ByteView data);
  void absorb_zeros(const fs::Extent& slice);
  void absorb_nothing(std::uint64_t offset, std::uint64_t length_bytes, const std::byte* part);
  fs::Extent zero_slice(std::uint64_t offset, std::uint64_t length_bytes) const;
  void fill_gaps();
  void give_part(std::uint64_t offset, std::size_t length_bytes, const std::byte* data);
  void compare(std::uint64_t offset, ByteView data);
  void record_changed(std::uint64_t offset, ByteView now, ByteView old);
  void record_arrived(std::uint64_t offset, std::uint64_t length_bytes);
  void flush_record();
  void check_bounds();
  void become_rewrite();
  void restore_into(fs::File& temp);
  std::uint64_t sector_length(std::uint64_t sector) const;

  std::shared_ptr<Core> core_;
  Entry entry_;
  std::unique_ptr<fs::File> target_;
  Transaction transaction_;
  bool is_begun_ = false;
  std::uint64_t payload_bytes_ = 0;
  std::uint64_t payload_bytes_max_ = 0;
  IntervalSet covered_;
  std::map<std::uint64_t, Partial> partials_;  ///< by sector number
  // The data record in the making.
  DataRecord record_;
  Bytes data_;
  bool wants_rewrite_ = false;
  std::unique_ptr<RewriteWrite> rewrite_;
};

}  // namespace syncline::patch
