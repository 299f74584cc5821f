// SPDX-License-Identifier: Apache-2.0
// The journal's bytes: round trips, the format page's example, damage of every kind.
#include <fstream>
#include <random>
#include <sstream>

#include "patch/journal.hpp"
#include "patch/journal_scan.hpp"
#include "replica.hpp"
#include "support/catch.hpp"

namespace syncline::patch {
namespace {

constexpr std::uint64_t example_generation = 0x1122334455667788;

/// A journal like that of the format page: the file `a` gets its first sector changed.
Bytes example_journal() {
  Bytes journal = encode_file_header(example_generation);
  const auto add = [&](RecordType type, std::uint64_t jid, std::uint32_t sequence, ByteView body) {
    const Bytes record = encode_record({type, example_generation, journal.size(), jid, sequence, 0, 0}, body);
    journal.insert(journal.end(), record.begin(), record.end());
  };
  BeginRecord begin;
  begin.device = 0x801;
  begin.inode = 12;
  begin.base_bytes = begin.new_bytes = 16;
  begin.base_mtime_ns = 1'000'000'000;
  begin.base_ctime_ns = 2'000'000'000;
  begin.path = "d/a";
  add(RecordType::begin, 1, 0, encode_begin(begin));
  const auto sum = journal_sum(as_bytes("old old old old."), example_generation);
  add(RecordType::data, 1, 1, encode_data({{{0, 16}}, {{0, 16}}, {sum}, as_bytes("new new new new.")}));
  fs::Metadata metadata;
  metadata.mode = 0644;
  metadata.mtime_ns = 3'000'000'000;
  add(RecordType::finish, 1, 2, encode_finish({1, metadata}));
  const auto digest = hash::blake3(ByteView(journal).subspan(sector_bytes));
  add(RecordType::commit, 0, 0, encode_commit({sector_bytes, {1}, digest}));
  add(RecordType::checkpoint, 0, 0, encode_jids({1}));
  return journal;
}

/// The bytes of the block "```hex NAME" of the format page, filled up to a sector.
Bytes page_sector(const std::string& name) {
  std::ifstream in(SYNCLINE_SOURCE_DIR "/docs/format/journal.md");
  std::string line;
  while (std::getline(in, line) && line != "```hex " + name) {}
  Bytes out;
  while (std::getline(in, line) && line != "```") {
    std::istringstream digits(line.substr(0, line.find('|')));
    for (std::string pair; digits >> pair;)
      out.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
  }
  REQUIRE(!out.empty());
  out.resize(sector_bytes);
  return out;
}

JournalContent scan(const Bytes& bytes) {
  const test::TempDir dir;
  dir.write("journal", std::string(as_text(bytes)));
  return scan_journal(*dir.open()->open_read("journal"));
}

/// True when the scan refuses the journal as damaged.
bool is_refused(const Bytes& bytes) {
  try {
    scan(bytes);
  } catch (const Error& error) {
    REQUIRE(error.is(Errc::corrupt));
    return true;
  }
  return false;
}

Bytes without_checkpoint() {
  Bytes journal = example_journal();
  journal.resize(journal.size() - sector_bytes);
  return journal;
}

/// Two commits; the second transaction began before the first commit. One more is unfinished.
Bytes long_journal() {
  const test::TempDir dir;
  std::shared_ptr<fs::Dir> root = dir.open();
  std::atomic<std::uint64_t> written{0};
  Journal journal(root, root, {false, 1 << 30, 5}, written);
  BeginRecord begin;
  begin.base_bytes = begin.new_bytes = 4096;
  begin.path = "x";
  std::mt19937_64 random(3);
  const auto data = [&](std::uint64_t jid, std::uint32_t sequence) {
    const auto bytes = test::random_text(random, 1024);
    journal.append(RecordType::data, jid, sequence,
                   encode_data({{{0, 512}, {2048, 512}}, {}, {1, 2}, as_bytes(bytes)}));
  };
  const auto first = journal.begin(begin);
  const auto second = journal.begin(begin);
  data(first, 1);
  data(second, 1);
  journal.append(RecordType::finish, first, 2, encode_finish({1, {}}));
  journal.commit({first});
  data(second, 2);
  journal.append(RecordType::finish, second, 3, encode_finish({2, {}}));
  journal.commit({second});
  const auto third = journal.begin(begin);
  data(third, 1);
  const auto content = dir.read("journal");
  return {as_bytes(content).begin(), as_bytes(content).end()};
}

}  // namespace

TEST_CASE("the journal of the format page is the one that is written", "[patch]") {
  Bytes page;
  for (const auto* name : {"file-header", "begin", "data", "finish", "commit", "checkpoint"}) {
    const auto sector = page_sector(name);
    page.insert(page.end(), sector.begin(), sector.end());
  }
  CHECK(page == example_journal());
  CHECK(scan(page).committed.empty());

  page.resize(page.size() - sector_bytes);
  const auto content = scan(page);
  CHECK(content.generation == example_generation);
  REQUIRE(content.committed.size() == 1);
  const auto& transaction = content.committed[0];
  CHECK(transaction.begin.path == "d/a");
  CHECK(transaction.begin.inode == 12);
  CHECK(transaction.finish.metadata.mode == 0644u);
  CHECK(transaction.finish.metadata.mtime_ns == 3'000'000'000);
  CHECK(transaction.data_offsets == std::vector<std::uint64_t>{2 * sector_bytes});
}

TEST_CASE("record bodies survive encoding", "[patch]") {
  fs::Metadata metadata;
  metadata.mode = 07777;
  metadata.uid = 1;
  metadata.gid = ~0u;
  metadata.mtime_ns = -5;
  metadata.xattrs = {{"user.a", {}}, {"user.b", Bytes(300, std::byte{9})}};
  const auto finish = decode_finish(encode_finish({7, metadata}));
  CHECK(finish.data_count == 7);
  CHECK(finish.metadata.mode == metadata.mode);
  CHECK(finish.metadata.uid == metadata.uid);
  CHECK(finish.metadata.gid == metadata.gid);
  CHECK(finish.metadata.mtime_ns == metadata.mtime_ns);
  CHECK(finish.metadata.xattrs == metadata.xattrs);
  CHECK_FALSE(decode_finish(encode_finish({0, {}})).metadata.xattrs);

  CHECK(decode_jids(encode_jids({})).empty());
  CHECK(decode_jids(encode_jids({5, ~0ull})) == std::vector<std::uint64_t>{5, ~0ull});
}

TEST_CASE("every truncation of a record body is refused", "[patch]") {
  fs::Metadata metadata;
  metadata.mode = 1;
  metadata.xattrs = {{"user.a", Bytes(3)}};
  BeginRecord begin;
  begin.path = "some/path";
  const auto refused_when_cut = [](const Bytes& body, auto&& decode) {
    decode(body);
    for (std::size_t size = 0; size < body.size(); ++size)
      CHECK_THROWS_AS(decode(ByteView(body).first(size)), Error);
  };
  refused_when_cut(encode_begin(begin), decode_begin);
  refused_when_cut(encode_finish({1, metadata}), decode_finish);
  refused_when_cut(encode_commit({1, {2, 3}, {}}), decode_commit);
  refused_when_cut(encode_jids({1}), decode_jids);
  refused_when_cut(encode_data({{{512, 100}}, {{500, 300}, {9, 1}}, {1}, Bytes(100)}), decode_data);
}

TEST_CASE("a committed change stays in force when what follows is torn", "[patch]") {
  const auto journal = without_checkpoint();
  CHECK(scan(journal).committed.size() == 1);
  auto torn = example_journal();
  const auto record_end = journal.size() + record_header_bytes + 16;
  for (std::size_t size = journal.size(); size < record_end; ++size) {
    CAPTURE(size);
    CHECK(scan(Bytes(torn.begin(), torn.begin() + static_cast<std::ptrdiff_t>(size))).committed.size() == 1);
  }
  torn[torn.size() - sector_bytes + 70] ^= std::byte{1};
  CHECK(scan(torn).committed.size() == 1);
}

TEST_CASE("a journal that ends before its commit asks for nothing", "[patch]") {
  const auto journal = without_checkpoint();
  for (std::size_t size = 0; size < journal.size() - sector_bytes + 120; size += 24) {
    CAPTURE(size);
    CHECK(
        scan(Bytes(journal.begin(), journal.begin() + static_cast<std::ptrdiff_t>(size))).committed.empty());
  }
}

TEST_CASE("a flipped bit before a valid commit is damage, after it a torn tail", "[patch][long]") {
  const auto journal = long_journal();
  const auto whole = scan(journal);
  REQUIRE(whole.committed.size() == 2);
  REQUIRE(whole.unfinished.size() == 1);
  // The second commit is the last but two of the records (begin and data of the third follow).
  std::size_t last_commit = 0;
  for (std::size_t at = sector_bytes; at < journal.size(); at += sector_bytes) {
    const auto header = decode_record_header(ByteView(journal).subspan(at), at, std::nullopt);
    if (header && header->type == RecordType::commit) last_commit = at;
  }
  std::mt19937_64 random(9);
  for (std::size_t at = 0; at < journal.size(); at += at % sector_bytes < 72 ? 1 : 13) {
    CAPTURE(at);
    // The rest of the file header's sector means nothing.
    if (at >= 32 && at < sector_bytes) continue;
    auto damaged = journal;
    damaged[at] ^= static_cast<std::byte>(1u << random() % 8);
    if (at < last_commit) {
      REQUIRE(is_refused(damaged));
    } else {
      // The commit itself, a record after it, or padding.
      REQUIRE_FALSE(is_refused(damaged));
      REQUIRE(scan(damaged).committed.size() + 1 >= whole.committed.size());
    }
  }
}

TEST_CASE("a change that was left is neither redone nor unfinished", "[patch]") {
  const test::TempDir dir;
  std::shared_ptr<fs::Dir> root = dir.open();
  std::atomic<std::uint64_t> written{0};
  Journal journal(root, root, {false, 1 << 30, 6}, written);
  BeginRecord begin;
  begin.path = "x";
  const auto jid = journal.begin(begin);
  journal.append(RecordType::data, jid, 1, encode_data({{{0, 512}}, {{0, 512}}, {1}, Bytes(512)}));
  journal.leave(jid);
  CHECK_FALSE(journal.has_room(1));
  journal.remove();  // must not
  const auto content = scan_journal(*root->open_read(journal_name));
  CHECK(content.committed.empty());
  CHECK(content.unfinished.empty());
  REQUIRE(content.left.size() == 1);
  CHECK(content.left[0].data_offsets.size() == 1);
}

TEST_CASE("bytes that look like a record in a payload are none", "[patch]") {
  // A payload with the records of another journal, at their own offsets.
  const auto inner = without_checkpoint();
  const test::TempDir dir;
  std::shared_ptr<fs::Dir> root = dir.open();
  std::atomic<std::uint64_t> written{0};
  Journal journal(root, root, {false, 1 << 30, 6}, written);
  BeginRecord begin;
  begin.path = "x";
  const auto jid = journal.begin(begin);
  Bytes payload(inner.begin() + sector_bytes, inner.end());
  payload.insert(payload.begin(), sector_bytes, std::byte{0});
  journal.append(RecordType::data, jid, 1,
                 encode_data({{{0, static_cast<std::uint32_t>(payload.size())}},
                              {},
                              std::vector<std::uint64_t>(payload.size() / sector_bytes),
                              payload}));
  auto bytes = dir.read("journal");
  bytes[2 * sector_bytes] ^= 1;  // so that the search goes through the payload
  CHECK(scan(Bytes(as_bytes(bytes).begin(), as_bytes(bytes).end())).committed.empty());
}

}  // namespace syncline::patch
