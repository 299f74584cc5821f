// SPDX-License-Identifier: Apache-2.0
// Manifests that a receiver tells: asked for, sound, and bounded.
#include "sync/manifest_intake.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::sync;

namespace {

wire::ManifestReply reply(const std::string& path, std::uint64_t size_bytes, std::size_t chunks,
                          std::uint32_t length_bytes, bool more = false) {
  wire::ManifestReply out;
  out.path = path;
  out.size_bytes = size_bytes;
  out.more = more;
  out.lengths.assign(chunks, length_bytes);
  out.repeats.assign(chunks, 1);
  out.ids.resize(chunks);
  return out;
}

Errc refusal(ManifestIntake& intake, wire::ManifestReply one) {
  try {
    intake.take(std::move(one));
  } catch (const Error& error) {
    return static_cast<Errc>(error.code().value());
  }
  return Errc{};
}

}  // namespace

TEST_CASE("a manifest that was asked for comes in parts and is used once", "[sync][bounds]") {
  ManifestIntake intake;
  CHECK(intake.ask("f", 300));
  CHECK_FALSE(intake.ask("f", 300));
  CHECK(intake.ask("none", 7));
  CHECK(intake.asked_bytes() == 307);
  intake.take(reply("f", 300, 2, 100, true));
  CHECK_FALSE(intake.is_whole("f"));
  intake.take(reply("f", 300, 1, 100));
  intake.take(reply("none", 0, 0, 0));
  CHECK((intake.is_whole("f") && intake.is_whole("none")));
  CHECK(intake.chunk_count() == 3);
  CHECK(intake.use("f").lengths.size() == 3);
  CHECK(intake.use("none").lengths.empty());
  CHECK((intake.chunk_count() == 0 && intake.asked_count() == 0 && intake.asked_bytes() == 0));
  CHECK(intake.ask("f", 300));
}

TEST_CASE("a manifest that nobody asked for, or that is whole already, is refused", "[sync][bounds]") {
  ManifestIntake intake;
  CHECK(refusal(intake, reply("f", 100, 1, 100)) == Errc::protocol);
  intake.ask("f", 100);
  intake.take(reply("f", 100, 1, 100));
  CHECK(refusal(intake, reply("f", 100, 1, 100)) == Errc::protocol);
}

TEST_CASE("chunks that do not make up the file are refused, also without end", "[sync][bounds]") {
  ManifestIntake intake;
  intake.ask("f", 100);
  SECTION("too few") { CHECK(refusal(intake, reply("f", 100, 1, 99)) == Errc::malformed); }
  SECTION("too many") { CHECK(refusal(intake, reply("f", 100, 2, 51)) == Errc::malformed); }
  SECTION("repeated beyond the end") {
    auto one = reply("f", 100, 1, 50);
    one.repeats = {UINT32_MAX};
    CHECK(refusal(intake, one) == Errc::malformed);
  }
  SECTION("repeated not once") {
    auto one = reply("f", 0, 1, 50);
    one.repeats = {0};
    CHECK(refusal(intake, one) == Errc::malformed);
  }
  SECTION("a part that brings nothing") {
    CHECK(refusal(intake, reply("f", 100, 0, 0, true)) == Errc::malformed);
  }
  SECTION("parts of two files") {
    intake.take(reply("f", 100, 1, 50, true));
    CHECK(refusal(intake, reply("f", 200, 1, 50)) == Errc::malformed);
  }
}

TEST_CASE("manifests are held up to their limit, and one more chunk lets its own go", "[sync][bounds]") {
  ManifestIntake intake(5);
  intake.ask("f", 3);
  intake.ask("g", 3);
  intake.take(reply("f", 3, 3, 1));
  SECTION("the limit is reached") {
    intake.take(reply("g", 2, 2, 1));
    CHECK(intake.chunk_count() == 5);
    CHECK(intake.use("g").lengths.size() == 2);
  }
  SECTION("it is passed by one, in the second part") {
    intake.take(reply("g", 3, 2, 1, true));
    CHECK(intake.chunk_count() == 5);
    intake.take(reply("g", 3, 1, 1));
    CHECK(intake.chunk_count() == 3);
    CHECK(intake.is_whole("g"));
    CHECK(intake.use("g").lengths.empty());
  }
  CHECK(intake.use("f").lengths.size() == 3);
  CHECK(intake.chunk_count() == 0);
}
