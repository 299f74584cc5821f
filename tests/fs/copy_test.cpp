// SPDX-License-Identifier: Apache-2.0
// Copying between files: bytes, holes, overlaps, sources that shrink.
#include <random>

#include "base/limits.hpp"
#include "expect.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

using limits::mib;

std::string random_text(std::mt19937& random, std::size_t size) {
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

/// A file that is no file of the kernel: copies go through pread.
class MemoryFile final : public fs::File {
 public:
  explicit MemoryFile(std::string text) : text_(std::move(text)) {}
  fs::Stat stat() const override {
    fs::Stat out;
    out.size_bytes = text_.size();
    return out;
  }
  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override {
    if (offset >= text_.size()) return 0;
    const auto count = std::min<std::size_t>(out.size(), text_.size() - offset);
    std::copy_n(as_bytes(text_).begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  std::optional<fs::Extent> extent_at(std::uint64_t offset) const override {
    if (offset >= text_.size()) return std::nullopt;
    return fs::Extent{offset, text_.size() - offset, false};
  }
  void pwrite(ByteView, std::uint64_t) override { refuse(); }
  void truncate(std::uint64_t) override { refuse(); }
  void preallocate(std::uint64_t, std::uint64_t, bool) override { refuse(); }
  void punch(std::uint64_t, std::uint64_t) override { refuse(); }
  void copy_range(const fs::File&, std::uint64_t, std::uint64_t, std::uint64_t) override { refuse(); }
  bool clone_from(const fs::File&) override { return false; }
  std::optional<std::uint64_t> extent_count() const override { return std::nullopt; }
  void set_mode(std::uint32_t) override { refuse(); }
  void set_owner(std::uint32_t, std::uint32_t) override { refuse(); }
  void set_mtime(std::int64_t) override { refuse(); }
  std::vector<fs::XattrPair> xattrs() const override { return {}; }
  void set_xattr(const std::string&, ByteView) override { refuse(); }
  void remove_xattr(const std::string&) override { refuse(); }
  void sync_data() override { refuse(); }
  void sync() override { refuse(); }
  bool try_lease() override { return false; }

 private:
  [[noreturn]] static void refuse() { throw Error(EROFS, "memory"); }
  std::string text_;
};

}  // namespace

TEST_CASE("random ranges copied between files equal the same copies in memory", "[fs]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TempDir temp;
  auto dir = temp.open();
  auto source = dir->create("source");
  auto target = dir->create("target");
  // Data and holes in turn, some at page boundaries and some not.
  std::string source_text(2 * mib, '\0');
  source->truncate(source_text.size());
  for (int i = 0; i < 12; ++i) {
    const auto piece = random_text(random, 1 + random() % 100'000);
    const auto at = (random() % (source_text.size() - piece.size())) & (i % 2 == 0 ? ~4095u : ~0u);
    source->pwrite(as_bytes(piece), at);
    source_text.replace(at, piece.size(), piece);
  }
  std::string target_text = random_text(random, mib);
  target->pwrite(as_bytes(target_text), 0);
  for (int i = 0; i < 60; ++i) {
    const std::size_t from = random() % source_text.size();
    const std::size_t length =
        random() % std::min<std::size_t>(source_text.size() - from + 1, i % 3 == 0 ? 2 * mib : 70'000);
    const std::size_t to = random() % (target_text.size() + 50'000);
    target->copy_range(*source, from, to, length);
    if (length > 0) {
      if (target_text.size() < to + length) target_text.resize(to + length);
      target_text.replace(to, length, source_text, from, length);
    }
    REQUIRE((content(*target) == target_text));
  }
}

TEST_CASE("holes of the source become holes of the copy, over data too", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  auto source = dir->create("source");
  source->truncate(64 * mib);
  source->pwrite(as_bytes("data"), 32 * mib);
  if (!source->extent_at(0)->hole) {
    WARN("the file system of the temporary directory has no holes");
    return;
  }
  auto target = dir->create("target");
  target->pwrite(as_bytes(std::string(mib, 'x')), 0);
  target->copy_range(*source, 0, 0, 64 * mib);
  CHECK(target->stat().size_bytes == 64 * mib);
  CHECK(target->stat().allocated_bytes < mib);
  std::string got(8, '?');
  target->pread({reinterpret_cast<std::byte*>(got.data()), 8}, 32 * mib - 2);
  CHECK(got == std::string("\0\0data\0\0", 8));
  CHECK(content(*target).find_first_not_of('\0') == 32 * mib);
}

TEST_CASE("a copy within one file works, an overlapping one is refused", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  file->pwrite(as_bytes("0123456789"), 0);
  file->copy_range(*file, 0, 10, 10);
  CHECK(content(*file) == "01234567890123456789");
  CHECK(errno_of([&] { file->copy_range(*file, 0, 5, 10); }) == EINVAL);
  CHECK(content(*file) == "01234567890123456789");
}

TEST_CASE("a source that ends too early is told as changed", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  auto source = dir->create("source");
  source->pwrite(as_bytes(std::string(1000, 's')), 0);
  auto target = dir->create("target");
  CHECK(throws_code(Errc::changed, [&] { target->copy_range(*source, 0, 0, 1001); }));
  CHECK(throws_code(Errc::changed, [&] { target->copy_range(*source, 0, 0, mib); }));
  CHECK(throws_code(Errc::changed, [&] { target->copy_range(*source, 5000, 0, 1); }));
  target->copy_range(*source, 5000, 0, 0);
}

TEST_CASE("a file of another kind is copied by reading it", "[fs]") {
  std::mt19937 random(1);
  const MemoryFile source(random_text(random, mib + 5));
  TempDir temp;
  auto target = temp.open()->create("target");
  target->copy_range(source, 5, 0, mib);
  CHECK((content(*target) == content(source).substr(5)));
  CHECK_FALSE(target->clone_from(source));
}

TEST_CASE("a clone has the bytes of its source, or is declined", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  auto source = dir->create("source");
  source->pwrite(as_bytes(std::string(mib, 's')), 0);
  auto target = dir->create("target");
  if (target->clone_from(*source)) {
    CHECK((content(*target) == content(*source)));
    target->pwrite(as_bytes("new"), 0);
    CHECK(content(*source) == std::string(mib, 's'));
  } else {
    CHECK(target->stat().size_bytes == 0);
  }
}
