// SPDX-License-Identifier: Apache-2.0
#include "cli/manifest_command.hpp"

#include <unistd.h>
#include <nlohmann/json.hpp>
#include <random>

#include "fake_console.hpp"
#include "manifest/codec.hpp"
#include "state/state.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::cli;
using syncline::test::TempDir;

namespace {

struct Result {
  int code = -1;
  std::string out, err;
};

Result manifest_command(const std::vector<std::string>& args) {
  FakeConsole fake;
  Result result;
  result.code = run_manifest(args, fake.console);
  result.out = fake.out.str();
  result.err = fake.err.str();
  return result;
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

std::string random_text(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (auto& letter : out) letter = static_cast<char>(random());
  return out;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("show lists every chunk of a file, in order and without gaps", "[cli]") {
  TempDir temp;
  const auto content = random_text(300'000, 1) + std::string(200'000, '\0');
  temp.write("file", content);
  const auto shown = manifest_command({"show", temp.path("file")});
  CHECK(shown.code == 0);
  CHECK(contains(shown.out, "500,000 bytes"));
  const auto records = json_lines(manifest_command({"show", "--json", temp.path("file")}).out);
  REQUIRE(records.size() == 1);
  std::uint64_t offset = 0;
  for (const auto& chunk : records[0]["chunks"]) {
    CHECK(chunk["offset"] == offset);
    const std::uint64_t length = chunk["length"];
    CHECK(chunk["id"] == hash::blake3(as_bytes(std::string_view(content).substr(offset, length))).hex());
    CHECK(contains(shown.out, chunk["id"]));
    offset += length * std::uint64_t{chunk["repeat"]};
  }
  CHECK(offset == content.size());
}

TEST_CASE("a saved manifest verifies its file and names the first bad range", "[cli]") {
  TempDir temp;
  auto content = random_text(400'000, 2);
  temp.write("file", content);
  CHECK(manifest_command({"save", temp.path("file"), temp.path("saved")}).code == 0);
  const auto good = manifest_command({"verify", temp.path("saved"), temp.path("file")});
  CHECK(good.code == 0);
  CHECK(contains(good.out, "as in the manifest"));

  content[250'000] ^= 1;
  content[390'000] ^= 1;
  temp.write("file", content);
  const auto bad = manifest_command({"verify", "--json", temp.path("saved"), temp.path("file")});
  CHECK(bad.code == 43);
  const auto records = json_lines(bad.out);
  REQUIRE(records.size() == 2);
  CHECK(records[0]["what"] == "content");
  const std::uint64_t offset = records[0]["offset"];
  CHECK(offset <= 250'000);
  CHECK(offset + std::uint64_t{records[0]["bytes"]} > 250'000);
  CHECK(records[1]["ok"] == false);
  CHECK(contains(manifest_command({"verify", temp.path("saved"), temp.path("file")}).out,
                 std::to_string(offset) + ".."));
}

TEST_CASE("verify tells a file that is too short from one that is too long", "[cli]") {
  TempDir temp;
  const auto content = random_text(100'000, 3);
  temp.write("file", content);
  manifest_command({"save", temp.path("file"), temp.path("saved")});
  temp.write("file", content + "x");
  auto result = manifest_command({"verify", temp.path("saved"), temp.path("file")});
  CHECK(result.code == 43);
  CHECK(contains(result.out, "1 byte too long, from 100000"));
  temp.write("file", "");
  result = manifest_command({"verify", temp.path("saved"), temp.path("file")});
  CHECK(result.code == 43);
  CHECK(contains(result.out, "ends at 0, 100,000 bytes short"));
}

TEST_CASE("a tree export verifies a directory and tells missing, extra and altered entries", "[cli]") {
  TempDir temp;
  temp.make_dir("tree/sub");
  temp.write("tree/a", random_text(50'000, 4));
  temp.write("tree/sub/b", random_text(50'000, 5));
  temp.write("tree/gone", "x");
  REQUIRE(::symlink("a", temp.path("tree/link").c_str()) == 0);
  CHECK(manifest_command({"save", temp.path("tree"), temp.path("saved")}).code == 0);
  CHECK(manifest_command({"verify", temp.path("saved"), temp.path("tree")}).code == 0);

  temp.write("tree/sub/b", random_text(50'000, 6));
  std::filesystem::remove(temp.path("tree/gone"));
  temp.write("tree/new\n", "y");
  std::filesystem::remove(temp.path("tree/link"));
  REQUIRE(::symlink("b", temp.path("tree/link").c_str()) == 0);
  const auto result = manifest_command({"verify", temp.path("saved"), temp.path("tree")});
  CHECK(result.code == 43);
  CHECK(contains(result.out, "tree/sub/b: bytes 0.."));
  CHECK(contains(result.out, "tree/gone: is missing"));
  CHECK(contains(result.out, "tree/new\\012: is not in the manifest"));
  CHECK(contains(result.out, "tree/link: points elsewhere"));
  CHECK_FALSE(contains(result.out, "tree/a:"));
}

TEST_CASE("diff tells the changed range and sends less than the file", "[cli]") {
  TempDir temp;
  auto content = random_text(1'000'000, 7);
  temp.write("old", content);
  content.insert(500'000, "inserted here");
  temp.write("new", content);
  const auto records =
      json_lines(manifest_command({"diff", "--json", temp.path("old"), temp.path("new")}).out);
  REQUIRE(records.size() == 2);
  REQUIRE(records[0]["ranges"].size() == 1);
  const auto& range = records[0]["ranges"][0];
  CHECK(range["new_offset"] <= 500'000);
  CHECK(std::uint64_t{range["new_offset"]} + std::uint64_t{range["new_bytes"]} >= 500'013);
  CHECK(records[1]["searched"] == true);
  CHECK(records[1]["sent_bytes"] < 8'000);
  CHECK(contains(manifest_command({"diff", temp.path("old"), temp.path("new")}).out, "to send      about"));

  const auto same = manifest_command({"diff", temp.path("new"), temp.path("new")});
  CHECK(same.code == 0);
  CHECK(contains(same.out, "equal content"));
}

TEST_CASE("diff against a saved manifest counts whole changed chunks", "[cli]") {
  TempDir temp;
  auto content = random_text(1'000'000, 8);
  temp.write("file", content);
  manifest_command({"save", temp.path("file"), temp.path("saved")});
  content[10] ^= 1;
  temp.write("file", content);
  const auto records =
      json_lines(manifest_command({"diff", "--json", temp.path("saved"), temp.path("file")}).out);
  REQUIRE(records.size() == 2);
  CHECK(records[1]["searched"] == false);
  CHECK(records[1]["sent_bytes"] > 4'000);
  CHECK(records[1]["sent_bytes"] < 140'000);
}

TEST_CASE("a file moved inside a tree costs next to nothing", "[cli]") {
  TempDir temp;
  temp.make_dir("old");
  temp.make_dir("new/sub");
  const auto content = random_text(600'000, 9);
  temp.write("old/a", content);
  temp.write("new/sub/b", content);
  const auto result = manifest_command({"diff", "--json", temp.path("old"), temp.path("new")});
  const auto summary = json_lines(result.out).back();
  CHECK(summary["elsewhere_bytes"] == 600'000);
  CHECK(summary["sent_bytes"] < 2'000);
}

TEST_CASE("stats count chunks, repetition and zeros", "[cli]") {
  TempDir temp;
  const auto half = random_text(500'000, 10);
  temp.make_dir("tree");
  temp.write("tree/a", half);
  temp.write("tree/b", half);
  temp.write("tree/zeros", std::string(1'000'000, '\0'));
  const auto result = manifest_command({"stats", "--json", temp.path("tree")});
  CHECK(result.code == 0);
  const auto stats = json_lines(result.out).at(0);
  CHECK(stats["files"] == 3);
  CHECK(stats["bytes"] == 2'000'000);
  CHECK(stats["zero_runs"] == 1);
  CHECK(stats["zero_bytes"] == 1'000'000);
  CHECK(stats["unique_bytes"] > 500'000);
  CHECK(stats["unique_bytes"] < 700'000);
  CHECK(stats["compressed"]["sample_bytes"] == 2'000'000);
  std::uint64_t in_bars = 0;
  for (const auto& bar : stats["histogram"]) in_bars += std::uint64_t{bar["chunks"]};
  CHECK(in_bars == stats["chunks"]);
  const auto text = manifest_command({"stats", temp.path("tree")}).out;
  CHECK(contains(text, "█"));
  CHECK(contains(text, "dedupe ratio  3."));
  CHECK_FALSE(contains(manifest_command({"stats", "--sample", "0", temp.path("tree")}).out, "compressible"));
}

TEST_CASE("a state database shows the tree that it remembers", "[cli]") {
  TempDir temp;
  const auto content = random_text(10'000, 11);
  {
    const auto database = state::Database::open(temp.path("state.db"), false);
    const auto writer = database->writer();
    Bytes root;
    ByteWriter(root).u64(7);
    ByteWriter(root).u64(100);
    writer->put_value("root", root);
    state::DirRecord record;
    auto& dir = record.entries.emplace_back();
    dir.name = "dir";
    dir.stat.type = fs::FileType::directory;
    dir.stat.device = 7;
    dir.stat.inode = 200;
    writer->put_dir(state::dir_id(7, 100, 7), record);
    record.entries.clear();
    auto& file = record.entries.emplace_back();
    file.name = "file";
    file.stat.size_bytes = content.size();
    file.only_chunk = manifest::Chunk{
        hash::blake3(as_bytes(content)), {1, 2}, static_cast<std::uint32_t>(content.size()), 1};
    writer->put_dir(state::dir_id(7, 200, 7), record);
    writer->put_dir(300, record);
    writer->commit(false);
  }
  const auto result = manifest_command({"show", temp.path("state.db")});
  CHECK(result.code == 0);
  CHECK(contains(result.out, "state database"));
  CHECK(contains(result.out, "\ndir/file\n"));
  CHECK(contains(result.out, "\n#300/file\n"));
  CHECK(contains(result.out, hash::blake3(as_bytes(content)).hex()));
  CHECK(contains(manifest_command({"show", "--raw", temp.path("state.db")}).out, "  root "));
}

TEST_CASE("names that are not UTF-8 are escaped for people and given in full to programs", "[cli]") {
  TempDir temp;
  temp.make_dir("tree");
  temp.write("tree/a\xff\n", "x");
  CHECK(contains(manifest_command({"show", temp.path("tree")}).out, "a\\377\\012\n"));
  const auto record = json_lines(manifest_command({"export", "--json", temp.path("tree")}).out).at(0);
  CHECK(record["path_bytes"] == "Yf8K");
}

TEST_CASE("an unreadable entry is named and the rest is shown", "[cli]") {
  if (::geteuid() == 0) return;  // root may read everything
  TempDir temp;
  temp.make_dir("tree");
  temp.write("tree/a", "a");
  temp.write("tree/b", "b");
  std::filesystem::permissions(temp.path("tree/a"), std::filesystem::perms::none);
  const auto result = manifest_command({"show", temp.path("tree")});
  CHECK(result.code == 23);
  CHECK(contains(result.err, "tree/a: "));
  CHECK(contains(result.out, "\nb\n"));
}

TEST_CASE("wrong usage, missing files and damaged manifests have their exit codes", "[cli]") {
  TempDir temp;
  temp.write("file", "text");
  CHECK(manifest_command({}).code == 1);
  CHECK(manifest_command({"frobnicate"}).code == 1);
  CHECK(manifest_command({"show"}).code == 1);
  CHECK(manifest_command({"show", "--wrong", temp.path("file")}).code == 1);
  CHECK(manifest_command({"--help"}).code == 0);
  CHECK(manifest_command({"show", temp.path("none")}).code == 11);
  const auto not_saved = manifest_command({"verify", temp.path("file"), temp.path("file")});
  CHECK(not_saved.code == 1);
  CHECK(contains(not_saved.err, "manifest save"));
  CHECK(manifest_command({"diff", temp.path("file"), temp.path()}).code == 1);

  manifest_command({"save", temp.path("file"), temp.path("saved")});
  auto saved = temp.read("saved");
  saved[20] ^= 1;
  temp.write("saved", saved);
  const auto damaged = manifest_command({"show", temp.path("saved")});
  CHECK(damaged.code == 11);
  CHECK(contains(damaged.err, "at byte"));
}
