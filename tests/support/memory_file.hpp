// SPDX-License-Identifier: Apache-2.0
// A sparse file in memory behind fs::File, for tests of what reads and writes files.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::test {

/// Pages that were written exist, all others are holes: a file of any size costs what was written.
/// Const calls may come from several threads while nobody writes.
class MemoryFile final : public fs::File {
 public:
  static constexpr std::uint64_t page_bytes = 4096;

  MemoryFile() { stat_.mode = 0600; }
  explicit MemoryFile(ByteView content) : MemoryFile() { pwrite(content, 0); }

  /// With false, extent_at() reports holes as data, as file systems without SEEK_HOLE do.
  void report_holes(bool value) { report_holes_ = value; }
  void set_mtime_and_ctime(std::int64_t ns) { stat_.mtime_ns = stat_.ctime_ns = ns; }
  /// Bytes read so far by pread.
  std::uint64_t read_bytes() const { return *read_bytes_; }
  Bytes content() const {
    Bytes all(static_cast<std::size_t>(size_bytes_));
    pread(all, 0);
    return all;
  }

  fs::Stat stat() const override {
    auto stat = stat_;
    stat.size_bytes = size_bytes_;
    stat.allocated_bytes = pages_.size() * page_bytes;
    return stat;
  }

  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override {
    if (offset >= size_bytes_) return 0;
    out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_bytes_ - offset)));
    std::fill(out.begin(), out.end(), std::byte{0});
    const auto end = offset + out.size();
    for (auto page = pages_.lower_bound(offset / page_bytes);
         page != pages_.end() && page->first * page_bytes < end; ++page) {
      const auto start = page->first * page_bytes;
      const auto from = std::max(start, offset);
      const auto to = std::min(start + page_bytes, end);
      std::memcpy(out.data() + (from - offset), page->second.data() + (from - start), to - from);
    }
    *read_bytes_ += out.size();
    return out.size();
  }

  std::optional<fs::Extent> extent_at(std::uint64_t offset) const override {
    if (offset >= size_bytes_) return std::nullopt;
    if (!report_holes_) return fs::Extent{offset, size_bytes_ - offset, false};
    const auto first = offset / page_bytes;
    auto page = pages_.lower_bound(first);
    const bool hole = page == pages_.end() || page->first != first;
    std::uint64_t end = size_bytes_;
    if (hole) {
      if (page != pages_.end()) end = std::min(end, page->first * page_bytes);
    } else {
      auto next = first;
      for (; page != pages_.end() && page->first == next; ++page) ++next;
      end = std::min(end, next * page_bytes);
    }
    return fs::Extent{offset, end - offset, hole};
  }

  void pwrite(ByteView data, std::uint64_t offset) override {
    for (std::size_t done = 0; done < data.size();) {
      const auto at = offset + done;
      const auto inside = static_cast<std::size_t>(at % page_bytes);
      const auto count = std::min<std::size_t>(data.size() - done, page_bytes - inside);
      std::memcpy(pages_[at / page_bytes].data() + inside, data.data() + done, count);
      done += count;
    }
    size_bytes_ = std::max(size_bytes_, offset + data.size());
  }
  void truncate(std::uint64_t size_bytes) override {
    if (size_bytes < size_bytes_) punch(size_bytes, size_bytes_ - size_bytes);
    size_bytes_ = size_bytes;
  }
  void preallocate(std::uint64_t offset, std::uint64_t length_bytes, bool keep_size) override {
    if (!keep_size) size_bytes_ = std::max(size_bytes_, offset + length_bytes);
  }
  void punch(std::uint64_t offset, std::uint64_t length_bytes) override {
    const auto end =
        std::min(offset + length_bytes, (size_bytes_ + page_bytes - 1) / page_bytes * page_bytes);
    for (auto page = pages_.lower_bound(offset / page_bytes);
         page != pages_.end() && page->first * page_bytes < end;) {
      const auto start = page->first * page_bytes;
      const auto from = std::max(start, offset);
      const auto to = std::min(start + page_bytes, end);
      if (to - from == page_bytes) {
        page = pages_.erase(page);
      } else {
        std::fill(page->second.begin() + (from - start), page->second.begin() + (to - start), std::byte{0});
        ++page;
      }
    }
  }
  void copy_range(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                  std::uint64_t length_bytes) override {
    Bytes bytes(static_cast<std::size_t>(length_bytes));
    if (source.pread(bytes, source_offset) < bytes.size()) throw Error(Errc::changed, "copied file");
    pwrite(bytes, offset);
  }
  bool clone_from(const File& source) override {
    const auto* other = dynamic_cast<const MemoryFile*>(&source);
    if (other == nullptr) return false;
    pages_ = other->pages_;
    size_bytes_ = other->size_bytes_;
    return true;
  }
  std::optional<std::uint64_t> extent_count() const override {
    std::uint64_t count = 0;
    std::uint64_t after_last = 0;
    for (const auto& [number, page] : pages_) {
      if (count == 0 || number != after_last) ++count;
      after_last = number + 1;
    }
    return count;
  }

  void set_mode(std::uint32_t mode) override { stat_.mode = mode; }
  void set_owner(std::uint32_t uid, std::uint32_t gid) override {
    stat_.uid = uid;
    stat_.gid = gid;
  }
  void set_mtime(std::int64_t mtime_ns) override { stat_.mtime_ns = mtime_ns; }
  std::vector<fs::XattrPair> xattrs() const override {
    std::vector<fs::XattrPair> pairs;
    for (const auto& [name, value] : xattrs_) pairs.push_back({name, value});
    return pairs;
  }
  void set_xattr(const std::string& name, ByteView value) override {
    xattrs_[name] = Bytes(value.begin(), value.end());
  }
  void remove_xattr(const std::string& name) override {
    if (xattrs_.erase(name) == 0) throw Error(ENODATA, escape_name(name));
  }
  void sync_data() override {}
  void sync() override {}
  bool try_lease() override { return true; }

 private:
  using Page = std::array<std::byte, page_bytes>;
  std::map<std::uint64_t, Page> pages_;  // by offset / page_bytes; a new one is all zeros
  std::uint64_t size_bytes_ = 0;
  bool report_holes_ = true;
  fs::Stat stat_;
  std::map<std::string, Bytes> xattrs_;
  std::unique_ptr<std::atomic<std::uint64_t>> read_bytes_ = std::make_unique<std::atomic<std::uint64_t>>(0);
};

}  // namespace syncline::test
