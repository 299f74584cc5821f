// SPDX-License-Identifier: Apache-2.0
// Alignment of manifests.
#include "delta/align.hpp"

#include <random>

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::delta;
using manifest::Manifest;
using Kind = Step::Kind;

/// A chunk's content is a number; 0 is a zero chunk of the largest size.
struct Piece {
  int content;
  std::uint32_t length = 16384;
  std::uint32_t repeat = 1;
};

Manifest manifest_of(const std::vector<Piece>& pieces, manifest::ChunkParams params = {}) {
  static const auto zeros = hash::blake3(Bytes(manifest::ChunkParams{}.max_bytes));
  Manifest out;
  out.params = params;
  for (const auto& piece : pieces) {
    manifest::Chunk chunk;
    chunk.length_bytes = piece.content == 0 ? params.max_bytes : piece.length;
    chunk.repeat_count = piece.repeat;
    chunk.id =
        piece.content == 0
            ? zeros
            : hash::blake3(as_bytes(std::to_string(piece.content) + "/" + std::to_string(piece.length)));
    out.chunks.push_back(chunk);
    out.size_bytes += chunk.total_bytes();
  }
  return out;
}

Manifest numbers(const std::vector<int>& contents) {
  std::vector<Piece> pieces;
  for (const int content : contents) pieces.push_back({content});
  return manifest_of(pieces);
}

/// Steps in units of 16 KiB: "=old+count" match, "0" zeros, "?old+old_count/new_count" gap.
std::string shape(const Recipe& recipe) {
  std::string out;
  for (const auto& step : recipe.steps) {
    const auto number = [](std::uint64_t bytes) { return std::to_string(bytes / 16384); };
    if (!out.empty()) out += ' ';
    if (step.kind == Kind::match) out += "=" + number(step.old_offset) + "+" + number(step.new_bytes);
    if (step.kind == Kind::zeros) out += "0";
    if (step.kind == Kind::gap)
      out += "?" + number(step.old_offset) + "+" + number(step.old_bytes) + "/" + number(step.new_bytes);
  }
  return out;
}

/// What every recipe promises.
void check_recipe(const Recipe& recipe, const Manifest& old, const Manifest& fresh) {
  std::uint64_t at = 0;
  std::uint64_t chunks_seen = 0;
  for (const auto& step : recipe.steps) {
    REQUIRE(step.new_offset == at);
    REQUIRE(step.new_bytes > 0);
    at += step.new_bytes;
    if (step.kind != Kind::zeros) REQUIRE(step.old_offset + step.old_bytes <= old.size_bytes);
    if (step.kind == Kind::match) REQUIRE(step.old_bytes == step.new_bytes);
    if (step.kind != Kind::gap) continue;
    REQUIRE(step.new_bytes <= limits::gap_side_bytes_max);
    REQUIRE(step.old_bytes <= limits::gap_side_bytes_max);
    REQUIRE(step.first_chunk >= chunks_seen);
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < step.chunk_count; ++i)
      bytes += fresh.chunks.at(step.first_chunk + i).total_bytes();
    REQUIRE(bytes == step.new_bytes);
    chunks_seen = step.first_chunk + step.chunk_count;
  }
  REQUIRE(at == fresh.size_bytes);
  REQUIRE(recipe.matched_in_place_bytes + recipe.matched_moved_bytes + recipe.zero_bytes + recipe.gap_bytes ==
          fresh.size_bytes);
}

std::string aligned(const std::vector<int>& old, const std::vector<int>& fresh) {
  const auto a = numbers(old);
  const auto b = numbers(fresh);
  const auto recipe = align(a, b);
  check_recipe(recipe, a, b);
  return shape(recipe);
}

TEST_CASE("equal manifests are one match", "[delta]") {
  CHECK(aligned({1, 2, 3, 4}, {1, 2, 3, 4}) == "=0+4");
  CHECK(align(numbers({1, 2}), numbers({1, 2})).matched_in_place_bytes == 32768);
}

TEST_CASE("a changed chunk is a gap with its old counterpart", "[delta]") {
  CHECK(aligned({1, 2, 3, 4}, {1, 9, 3, 4}) == "=0+1 ?1+1/1 =2+2");
  CHECK(aligned({1, 2, 3, 4}, {9, 2, 3, 4}) == "?0+1/1 =1+3");
  CHECK(aligned({1, 2, 3, 4}, {1, 2, 3, 9}) == "=0+3 ?3+1/1");
  CHECK(aligned({1, 2, 3, 4}, {1, 8, 9, 4}) == "=0+1 ?1+2/2 =3+1");
}

TEST_CASE("insertions, deletions and empty files", "[delta]") {
  CHECK(aligned({1, 2, 3}, {1, 9, 2, 3}) == "=0+1 ?1+0/1 =1+2");
  CHECK(aligned({1, 2, 3}, {1, 3}) == "=0+1 =2+1");
  CHECK(aligned({1, 2, 3}, {1, 2, 3, 4}) == "=0+3 ?3+0/1");
  CHECK(aligned({}, {1, 2}) == "?0+0/2");
  CHECK(aligned({1, 2}, {}) == "");
  CHECK(aligned({}, {}) == "");
}

TEST_CASE("moved chunks are matches and do not bound a gap", "[delta]") {
  CHECK(aligned({1, 2, 3, 4, 5, 6}, {4, 5, 6, 1, 2, 3}) == "=3+3 =0+3");
  CHECK(aligned({1, 2, 3, 4, 5, 6}, {1, 6, 9, 2, 3, 4, 5}) == "=0+1 =5+1 ?1+0/1 =1+4");
}

TEST_CASE("between what is equal at the start and at the end", "[delta]") {
  CHECK(aligned({1, 2, 3, 4, 5, 6}, {1, 2, 9, 4, 5, 6}) == "=0+2 ?2+1/1 =3+3");
  CHECK(aligned({1, 2, 3, 4, 5, 6}, {1, 2, 8, 9, 5, 6}) == "=0+2 ?2+2/2 =4+2");
  // Copied and moved from there.
  CHECK(aligned({1, 2, 3, 4, 5}, {1, 2, 1, 4, 5}) == "=0+2 =0+1 =3+2");
  CHECK(aligned({1, 2, 3, 4, 5}, {1, 2, 5, 3, 9, 4, 5}) == "=0+2 =4+1 =2+1 ?3+0/1 =3+2");
  // The equal start and the equal end would overlap.
  CHECK(aligned({1, 2, 1, 2}, {1, 2, 1, 2, 1, 2}) == "=0+4 =0+2");
  CHECK(aligned({1, 2, 1, 2, 1, 2}, {1, 2, 1, 2}) == "=0+4");
}

TEST_CASE("repeated chunks follow their neighbours", "[delta]") {
  CHECK(aligned({1, 7, 7, 7, 2}, {1, 7, 7, 7, 2}) == "=0+5");
  CHECK(aligned({1, 7, 2, 7, 3}, {9, 7, 2, 7, 3}) == "?0+1/1 =1+4");
  CHECK(aligned({1, 7, 7, 2}, {1, 7, 7, 7, 7, 2}) == "=0+3 =1+3");
  CHECK(aligned({7, 7, 7, 7}, {7, 7}) == "=0+2");
}

TEST_CASE("zero chunks are written as zeros, not searched and not matched", "[delta]") {
  CHECK(aligned({1, 2}, {1, 0, 2}) == "=0+1 0 =1+1");
  CHECK(aligned({1, 0, 2}, {1, 0, 2}) == "=0+1 0 =5+1");
  const auto sparse = manifest_of({{1}, {0, 0, 1000000}, {2}});
  const auto recipe = align(numbers({1, 2}), sparse);
  check_recipe(recipe, numbers({1, 2}), sparse);
  CHECK(recipe.zero_bytes == 1000000ull * 65536);
}

TEST_CASE("manifests of different parameters give gaps only", "[delta]") {
  const auto old = numbers({1, 2, 3});
  auto fresh = numbers({1, 2, 3});
  fresh.params.avg_bytes = 32768;
  const auto recipe = align(old, fresh);
  check_recipe(recipe, old, fresh);
  CHECK(shape(recipe) == "?0+3/3");
}

TEST_CASE("long runs are split at the limit of a side", "[delta][limits]") {
  const auto chunks = limits::gap_side_bytes_max / 16384;
  const auto run = [](std::size_t count, int first) {
    std::vector<int> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(first + static_cast<int>(i));
    return numbers(out);
  };
  for (const std::size_t count : {chunks, chunks + 1, 3 * chunks})
    for (const std::size_t old_count : {std::size_t{0}, std::size_t{1}, chunks, chunks + 1, 5 * chunks}) {
      CAPTURE(count, old_count);
      const auto old = run(old_count, 1);
      const auto fresh = run(count, 1000000);
      const auto recipe = align(old, fresh);
      check_recipe(recipe, old, fresh);
      CHECK(recipe.steps.size() == (count + chunks - 1) / chunks);
    }
  const auto same_length = align(run(3 * chunks, 1), run(3 * chunks, 1000000));
  for (const auto& step : same_length.steps) CHECK(step.old_offset == step.new_offset);
}

TEST_CASE("any two manifests align into a valid recipe", "[delta]") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 rng(seed);
    const auto some = [&] {
      std::vector<Piece> pieces(rng() % 60);
      for (auto& piece : pieces) {
        piece.content = static_cast<int>(rng() % (rng() % 2 ? 5 : 500));
        piece.length = piece.content % 2 ? 16384 : 5000;
        if (piece.content == 0) piece.repeat = 1 + static_cast<std::uint32_t>(rng() % 300);
      }
      return manifest_of(pieces);
    };
    const auto old = some();
    auto fresh = rng() % 2 ? some() : old;
    if (fresh.chunks.size() > 4) std::swap(fresh.chunks[1], fresh.chunks[3]);
    const auto recipe = align(old, fresh);
    check_recipe(recipe, old, fresh);
    std::vector<std::uint64_t> old_starts;
    for (const auto& step : recipe.steps) {  // matched ids are equal, chunk by chunk
      if (step.kind != Kind::match) continue;
      std::uint64_t at = 0;
      std::size_t k = 0;
      while (at < step.old_offset) at += old.chunks[k++].total_bytes();
      std::uint64_t new_at = 0;
      std::size_t i = 0;
      while (new_at < step.new_offset) new_at += fresh.chunks[i++].total_bytes();
      for (std::uint64_t done = 0; done < step.new_bytes; ++k, ++i) {
        REQUIRE(old.chunks.at(k).id == fresh.chunks.at(i).id);
        done += fresh.chunks[i].total_bytes();
      }
    }
  }
}

TEST_CASE("many equal chunks align in linear time", "[delta]") {
  const std::vector<int> same(200000, 7);
  auto fresh = same;
  for (std::size_t i = 0; i < fresh.size(); i += 1000) fresh[i] = static_cast<int>(i) + 100;
  const auto a = numbers(same);
  const auto b = numbers(fresh);
  const auto recipe = align(a, b);
  check_recipe(recipe, a, b);
  CHECK(recipe.gap_bytes == 200 * 16384);
}

TEST_CASE("manifests that do not add up are refused", "[delta]") {
  auto bad = numbers({1, 2});
  bad.size_bytes += 1;
  CHECK_THROWS_AS(align(numbers({1}), bad), Error);
  CHECK_THROWS_AS(align(bad, numbers({1})), Error);
  bad = numbers({1, 2});
  bad.chunks[0].length_bytes = 0;
  bad.size_bytes -= 16384;
  CHECK_THROWS_AS(align(numbers({1}), bad), Error);
  CHECK_THROWS_AS(align(numbers({1}), manifest_of({{5, 16384, 2}})), Error);
  bad = numbers({1, 2});
  bad.params.max_bytes = limits::gap_side_bytes_max + 1;
  CHECK_THROWS_AS(align(bad, bad), Error);
}

}  // namespace
