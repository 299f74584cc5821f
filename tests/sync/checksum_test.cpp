// SPDX-License-Identifier: Apache-2.0
// --checksum: content is compared where size and mtime say nothing and no record helps.
#include <filesystem>

#include "pair.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

constexpr std::int64_t same_time = 1'000'000'000;

void write_at(const Pair& pair, const std::string& name, const std::string& content) {
  pair.dir.write(name, content);
  set_mtime(pair.dir.path(name), same_time);
}

}  // namespace

TEST_CASE("a checksum finds other content under an equal size and mtime without any record", "[sync]") {
  const std::size_t size_bytes = GENERATE(1, 5'000, 700'000);
  const bool source_changes = GENERATE(true, false);
  CAPTURE(size_bytes, source_changes);
  Pair pair;
  const auto content = random_text(size_bytes, 1);
  auto other = content;
  other[size_bytes / 2] = static_cast<char>(other[size_bytes / 2] + 1);
  write_at(pair, "src/file", content);
  write_at(pair, "src/same", random_text(size_bytes, 2));
  pair.copy();
  write_at(pair, source_changes ? "src/file" : "dst/file", other);
  stdfs::remove_all(pair.dir.path("state"));  // no ctime to rely on

  pair.options.checksum = true;
  const auto outcome = pair.copy();
  CHECK(pair.dir.read("dst/file") == (source_changes ? other : content));
  REQUIRE(outcome.change("file") != nullptr);
  CHECK(outcome.change("file")->itemized == ">fc........");
  CHECK(outcome.change("same") == nullptr);
  CHECK(outcome.report.in_step);
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("without a checksum an equal size and mtime count as equal when there is no record",
          "[sync][one_state]") {
  Pair pair;
  write_at(pair, "src/file", "before");
  pair.copy();
  write_at(pair, "src/file", "after!");
  stdfs::remove_all(pair.dir.path("state"));
  CHECK(pair.copy().changes.empty());
  CHECK(pair.dir.read("dst/file") == "before");
  pair.options.checksum = true;  // and what was recorded meanwhile does not hide it
  CHECK(pair.copy().change("file") != nullptr);
  CHECK(pair.dir.read("dst/file") == "after!");
}

TEST_CASE("a checksum takes equal content for equal whatever its mtime, and sends none", "[sync]") {
  Pair pair;
  write_at(pair, "src/file", random_text(300'000, 3));
  pair.copy();
  set_mtime(pair.dir.path("dst/file"), same_time + 5);
  stdfs::remove_all(pair.dir.path("state"));
  pair.options.checksum = true;
  const auto outcome = pair.copy();
  CHECK(outcome.report.bytes_literal == 0);
  CHECK(outcome.report.sent_bytes < 5'000);
  CHECK(lstat_of(pair.dir.path("dst/file")).st_mtim.tv_sec == same_time);
  CHECK(outcome.report.in_step);
}
