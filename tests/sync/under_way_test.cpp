// SPDX-License-Identifier: Apache-2.0
// What a sender may have under way at a receiver.
#include "sync/under_way.hpp"

#include "base/error.hpp"
#include "manifest/manifest.hpp"
#include "support/catch.hpp"
#include "sync/held_bytes.hpp"

using namespace syncline;
using namespace syncline::sync;

namespace {

wire::FileBegin file(std::uint64_t number, std::uint64_t size_bytes = 1'000'000'000) {
  wire::FileBegin out;
  out.file = number;
  out.size_bytes = size_bytes;
  return out;
}

wire::FileSteps gaps(std::uint64_t number, std::size_t count, std::uint32_t old_bytes) {
  wire::FileSteps out;
  out.file = number;
  wire::StepGap gap;
  gap.plan.old_bytes = old_bytes;
  out.steps.assign(count, gap);
  return out;
}

/// What it says, if it is refused as the protocol's.
template <class F>
std::string refusal(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.is(Errc::protocol));
    return error.what();
  }
  return "";
}

constexpr std::uint32_t gap_bytes = 8 * limits::mib;
constexpr std::size_t gaps_in_window = limits::gap_window_bytes_max / gap_bytes;
static_assert(gaps_in_window * gap_bytes == limits::gap_window_bytes_max);

}  // namespace

TEST_CASE("the gap window is filled to its last byte and not passed by one gap", "[sync][bounds]") {
  UnderWay under_way;
  under_way.begin(file(1));
  under_way.begin(file(2));
  under_way.steps(gaps(1, gaps_in_window - 1, gap_bytes));
  under_way.steps(gaps(2, 1, gap_bytes));
  const auto said = refusal([&] { under_way.steps(gaps(2, 1, 1)); });
  CHECK(said.find(std::to_string(limits::gap_window_bytes_max)) != std::string::npos);
  CHECK(said.find("sender") != std::string::npos);
}

TEST_CASE("gaps of no bytes take of the window as well", "[sync][bounds]") {
  UnderWay under_way;
  const auto count = limits::gap_window_bytes_max / limits::gap_window_bytes_min;
  under_way.begin(file(1));
  under_way.steps(gaps(1, count - 1, 0));
  under_way.steps(gaps(1, 1, limits::gap_window_bytes_min));
  CHECK_FALSE(refusal([&] { under_way.steps(gaps(1, 1, 0)); }).empty());
}

TEST_CASE("an answer frees what its gap took, once, and so does giving it up", "[sync][bounds]") {
  UnderWay under_way;
  under_way.begin(file(1));
  under_way.steps(gaps(1, gaps_in_window, gap_bytes));
  under_way.answer(1, 0);
  under_way.give_up(1, 0);  // crossed by the answer
  under_way.give_up(1, 1);
  under_way.answer(1, 1);   // was on its way
  under_way.give_up(7, 0);  // of a file that is ended already
  under_way.steps(gaps(1, 2, gap_bytes));
  CHECK_FALSE(refusal([&] { under_way.steps(gaps(1, 1, gap_bytes)); }).empty());
  CHECK_FALSE(refusal([&] { under_way.answer(1, 100); }).empty());
  CHECK_FALSE(refusal([&] { under_way.answer(2, 0); }).empty());
}

TEST_CASE("a file ends once its gaps are answered, and then nothing more comes of it", "[sync][bounds]") {
  UnderWay under_way;
  under_way.begin(file(1));
  under_way.steps(gaps(1, 1, 100));
  CHECK_FALSE(refusal([&] { under_way.end(1); }).empty());
  under_way.answer(1, 0);
  under_way.end(1);
  CHECK_FALSE(refusal([&] { under_way.end(1); }).empty());
  CHECK_FALSE(refusal([&] { under_way.steps(gaps(1, 0, 0)); }).empty());
}

TEST_CASE("a number stands for one file at a time", "[sync][bounds]") {
  UnderWay under_way;
  under_way.begin(file(1));
  CHECK_FALSE(refusal([&] { under_way.begin(file(1)); }).empty());
}

TEST_CASE("as many files as the limit are under way and not one more", "[sync][bounds]") {
  UnderWay under_way;
  for (std::size_t i = 0; i < limits::open_files_max; ++i) under_way.begin(file(i, 1));
  const auto said = refusal([&] { under_way.begin(file(limits::open_files_max, 1)); });
  CHECK(said.find(std::to_string(limits::open_files_max)) != std::string::npos);
  under_way.end(7);
  CHECK_NOTHROW(under_way.begin(file(limits::open_files_max, 1)));
}

TEST_CASE("files under way have as many chunks as the limit says, one alone any number", "[sync][bounds]") {
  UnderWay under_way;
  const std::uint64_t tib = std::uint64_t{1} << 40;
  const std::uint64_t size_bytes = 16 * tib;
  REQUIRE(chunk_count_max(size_bytes) > limits::open_chunks_max);
  under_way.begin(file(1, size_bytes));
  CHECK_FALSE(refusal([&] { under_way.begin(file(2, 1)); }).empty());
  under_way.end(1);
  CHECK_FALSE(refusal([&] { under_way.end(2); }).empty());

  // Four files of a quarter each, the last one with as many chunks as are left.
  const std::uint64_t min_bytes = manifest::params_for_size(3 * tib).min_bytes;
  const auto quarter = (limits::open_chunks_max / 4 - 1) * min_bytes;
  REQUIRE(chunk_count_max(quarter) == limits::open_chunks_max / 4);
  for (std::uint64_t i = 10; i < 14; ++i) under_way.begin(file(i, quarter));
  const auto said = refusal([&] { under_way.begin(file(14, 1)); });
  CHECK(said.find(std::to_string(limits::open_chunks_max)) != std::string::npos);
  CHECK((fits_beside(1, limits::open_chunks_max - 1, 1) && !fits_beside(1, limits::open_chunks_max - 1, 2)));
}

TEST_CASE("a file has not more gaps than it can have chunks", "[sync][bounds]") {
  UnderWay under_way;
  under_way.begin(file(1, 20'000));
  const auto limit = chunk_count_max(20'000);
  CHECK(limit == 3);
  for (std::size_t i = 0; i < limit; ++i) {
    under_way.steps(gaps(1, 1, 1));
    under_way.answer(1, static_cast<std::uint32_t>(i));
  }
  CHECK_FALSE(refusal([&] { under_way.steps(gaps(1, 1, 1)); }).empty());
}

TEST_CASE("a message waits for as many bytes as it takes", "[sync][bounds]") {
  wire::FileSteps steps;
  steps.steps.assign(1000, wire::StepZeros{1});
  CHECK(held_bytes(wire::Message(steps)) >= 1000 * sizeof(wire::Step));
  steps.steps = {wire::StepGap{0, {}, std::vector<wire::ChunkRef>(1000)}};
  CHECK(held_bytes(wire::Message(steps)) >= 1000 * sizeof(wire::ChunkRef));
  steps.steps = {wire::StepOther{{}, std::string(10'000, 'x'), 0}};
  CHECK(held_bytes(wire::Message(steps)) >= 10'000);
  steps.steps = {wire::StepPatch{0, 0, {}, Bytes(10'000)}};
  CHECK(held_bytes(wire::Message(steps)) >= 10'000);
  CHECK(held_bytes(wire::Message(wire::ChunkData{1, 0, Bytes(10'000)})) >= 10'000);
  CHECK(held_bytes(wire::Message(wire::GapMatches{1, 0, Bytes(10'000)})) >= 10'000);
  CHECK(held_bytes(wire::Message(wire::GapDelta{1, 0, Bytes(10'000), Bytes(10'000)})) >= 20'000);
  wire::FileEnd end;
  end.meta.xattrs = {{"user.x", Bytes(10'000)}};
  CHECK(held_bytes(wire::Message(end)) >= 10'000);
  wire::WriteFile file;
  file.lengths.assign(10'000, 1);
  CHECK(held_bytes(file) >= 40'000);
  file.meta = end.meta;
  CHECK(held_bytes(file) >= 50'000);
}
