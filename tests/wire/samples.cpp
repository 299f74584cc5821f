// SPDX-License-Identifier: Apache-2.0
#include "samples.hpp"

#include <sstream>

namespace syncline::test {
namespace {

using namespace wire;

using ShortId = std::array<std::byte, hash::short_id_bytes>;

ShortId id_of(unsigned byte) {
  ShortId out;
  out.fill(static_cast<std::byte>(byte));
  return out;
}

Bytes text(const std::string& value) {
  const auto view = as_bytes(value);
  return {view.begin(), view.end()};
}

/// The same in all samples that carry one.
Meta meta() { return {0644, 1, 2, 1'000'000'000, {{"user.a", from_hex("ca fe")}}}; }
const std::string meta_hex = "a4 03 01 02 80 a8 d6 b9 07 01 06 75 73 65 72 2e 61 02 ca fe ";
const std::string params_hex = "80 40 80 80 01 80 80 04 ";

EntryInfo entry(const std::string& name, fs::FileType type, std::uint32_t mode) {
  EntryInfo out;
  out.name = name;
  out.type = type;
  out.mode = mode;
  return out;
}

Sample hello() {
  Hello m;
  m.features = feature_privileged;
  m.replica_id.fill(std::byte{0x11});
  return {m, from_hex("53 4c 57 31 01 01 11*16")};
}

Sample begin() {
  Begin m;
  m.attributes = 511;
  m.flags = begin_dry_run | begin_sparse;
  m.options = digest_of(0x22);
  m.sum_key = 0x0102030405060708;
  m.backup_dir = "old";
  return {m, from_hex("ff 03 09 22*32 08 07 06 05 04 03 02 01 03 6f 6c 64 00")};
}

Sample guessing_begin() {
  Begin m;
  m.guess = std::get<Hello>(hello().message);
  return {m, from_hex("00 00 00*32 00*8 00 01 53 4c 57 31 01 01 11*16")};
}

Sample pushing_open() {
  Open m;
  m.features = 2;
  m.share = "music";
  m.path = "a/b";
  m.entries = {"f", "g"};
  m.flags = open_contents | open_dry_run;
  m.update = 2;
  m.durability = 1;
  return {m, from_hex("53 4c 57 31 01 02 01 05 6d 75 73 69 63 03 61 2f 62 02 01 66 01 67 03 02 01 00")};
}

Sample pulling_open() {
  Open m;
  m.direction = Direction::pull;
  PullOptions pull;
  pull.flags = pull_recursive | pull_delete | pull_synclineignore;
  pull.uid = 300;
  pull.max_delete = 5;
  pull.filters = {{true, "*.c"}, {false, "*"}};
  pull.files_from = {"x", "y/z"};
  pull.backup_dir = "old";
  pull.level = 3;
  pull.others = {{true, "", "b"}, {false, "s", "c/d"}};
  pull.rates = {{480, 2'000}, {10'079, 0}};
  pull.week_second = 604'799;
  m.pull = pull;
  return {m, from_hex("53 4c 57 31 01 00 02 00 00 00 00 00 00 01 81 c0 04 01 ac 02 00 01 05 "
                      "02 01 03 2a 2e 63 00 01 2a 01 02 01 78 03 79 2f 7a 03 6f 6c 64 01 03 02 e0 03 d0 0f "
                      "df 4e 00 ff f4 24 02 01 00 01 62 00 01 73 03 63 2f 64")};
}

Sample round_open() {
  Open m;
  m.direction = Direction::pull;
  m.flags = open_round | open_standing;
  PullOptions pull;
  pull.round.guards_deletes = true;
  pull.round.deleted = 300;
  pull.round.changed = {"a", "b/c"};
  pull.round.created = {"d"};
  pull.round.changed_more = 7;
  pull.round.source.fill(std::byte{0x31});
  m.pull = pull;
  return {m, from_hex("53 4c 57 31 01 00 02 00 00 00 18 00 00 01 00 00 00 00 00 00 00 00 00 00 00 "
                      "01 00 ac 02 02 01 61 03 62 2f 63 01 01 64 07 31*16")};
}

Sample mounts_open() {
  Open m;
  m.direction = Direction::pull;
  m.flags = open_round | open_mounts;
  PullOptions pull;
  pull.round.mounts = {"a", "b/c"};
  m.pull = pull;
  return {m, from_hex("53 4c 57 31 01 00 02 00 00 00 90 02 00 00 01 00 00 00 00 00 00 00 00 00 00 00 "
                      "00 00 00 00 00 00 00*16 02 01 61 03 62 2f 63")};
}

Sample partials() {
  Partials m;
  m.number = 2;
  m.lengths = {9, 65536};
  m.offsets = {0, 300};
  m.ids = {digest_of(0x88), digest_of(0x99)};
  return {m, from_hex("02 02 09 80 80 04 02 00 ac 02 02 88*16 99*16")};
}

Sample summary() {
  Summary m;
  m.files_total = 1, m.files_changed = 2, m.files_deleted = 3, m.files_renamed = 4, m.bytes_total = 300;
  m.bytes_changed = 6, m.bytes_matched = 7, m.bytes_literal = 8, m.content_read_bytes = 9, m.errors = 10;
  m.exit_code = 23, m.delete_limit_reached = true;
  return {m, from_hex("01 02 03 04 ac 02 06 07 08 09 0a 17 00 01")};
}

Sample round_summary() {
  Summary m;
  RoundSummary round;
  round.deletions_held = 300, round.changes_held = 2, round.deletions_unnamed = 3, round.changes_unnamed = 4;
  round.source.fill(std::byte{0x31});
  round.is_followed = true;
  m.round = round;
  return {m, from_hex("00*10 00 00 02 ac 02 02 03 04 31*16 01")};
}

Sample mounts_summary() {
  Summary m;
  m.mounts = RoundMounts{{"a", "b/c"}, "d"};
  return {m, from_hex("00*10 00 00 04 02 01 61 03 62 2f 63 01 64")};
}

Sample roots(bool agreed) {
  Roots m;
  m.root = digest_of(0x55);
  if (agreed) m.agreed = AgreedRoots{digest_of(0x66), digest_of(0x77)};
  m.in_step = agreed;
  m.root_entry = entry("", fs::FileType::directory, 0755);
  return {m, from_hex("55*32 " + std::string(agreed ? "01 66*32 77*32 01 " : "00 00 ") +
                      "00 02 ed 03 00 00 00 00 00 00*32 00")};
}

Sample listing() {
  Listing m;
  m.dir = "d";
  m.partial = true;
  auto file = entry("a.txt", fs::FileType::regular, 0644);
  file.uid = 1000, file.gid = 100, file.size_bytes = 300, file.mtime_ns = -1;
  file.link_group = 7, file.content = 0x1122334455667788, file.edited = true;
  auto dir = entry("d", fs::FileType::directory, 0755);
  dir.mtime_ns = 2, dir.xattr_digest = digest_of(0x33), dir.tree = digest_of(0x44);
  auto link = entry("l", fs::FileType::symlink, 0777);
  link.link_target = "x/y";
  auto device = entry("n", fs::FileType::char_device, 0600);
  device.device_major = 4, device.device_minor = 64;
  m.entries = {file, dir, link, device, entry("p", fs::FileType::fifo, 0600)};
  m.gone = {"g"};
  m.unknown = {"."};
  return {m, from_hex("01 64 01 05 "
                      "05 61 2e 74 78 74 01 a4 03 e8 07 64 ac 02 01 00 07 88 77 66 55 44 33 22 11 01 "
                      "01 64 02 ed 03 00 00 00 04 01 33*32 44*32 00 "
                      "01 6c 03 ff 03 00 00 00 00 00 03 78 2f 79 00 "
                      "01 6e 06 80 03 00 00 00 00 00 04 40 00 "
                      "01 70 04 80 03 00 00 00 00 00 00 "
                      "01 01 67 01 01 2e")};
}

Sample drifted_listing() {
  Listing m;
  auto changed = entry("c", fs::FileType::fifo, 0600);
  changed.edited = changed.drifted = true;
  auto left = entry("l", fs::FileType::fifo, 0600);
  left.drifted = true, left.left_version = 0x0102030405060708;
  auto absent = entry("x", fs::FileType::fifo, 0600);
  absent.drifted = absent.absent = true;
  m.entries = {changed, left, absent};
  return {m, from_hex("00 00 03 "
                      "01 63 04 80 03 00 00 00 00 00 03 "
                      "01 6c 04 80 03 00 00 00 00 00 0a 08 07 06 05 04 03 02 01 "
                      "01 78 04 80 03 00 00 00 00 00 06 "
                      "00 00")};
}

Sample manifest_reply() {
  ManifestReply m;
  m.path = "f";
  m.size_bytes = 3 * 65536 + 9;
  m.content = 1;
  m.more = true;
  m.lengths = {65536, 9};
  m.repeats = {3, 1};
  m.ids = {digest_of(0x88), digest_of(0x99)};
  return {m, from_hex("01 66 89 80 0c 01 00*7 01 " + params_hex + "02 80 80 04 09 02 03 01 02 88*16 99*16")};
}

Sample batch() {
  WriteFile file;
  file.path = "f";
  file.meta = meta();
  file.lengths = {5};
  file.root = id_of(0xAA);
  file.content = text("hello");
  WriteFile local = file;
  local.ids = {digest_of(0xAB)};
  Batch m;
  m.ops = {MakeDir{"d"},
           MakeSymlink{"l", "t", meta()},
           MakeNode{"n", fs::FileType::char_device, 4, 64, meta()},
           MakeLink{"h", "f"},
           file,
           SetMeta{"f", meta()},
           Rename{"a", "b"},
           Remove{"d", true, true},
           local};
  return {m,
          from_hex("09 00 01 64 01 01 6c 01 74 " + meta_hex + "02 01 6e 06 04 40 " + meta_hex +
                   "03 01 68 01 66 04 01 66 " + meta_hex + params_hex + "01 05 aa*16 00 05 68 65 6c 6c 6f " +
                   "05 01 66 " + meta_hex + "06 01 61 01 62 07 01 64 03 " + "04 01 66 " + meta_hex +
                   params_hex + "01 05 aa*16 01 ab*32 05 68 65 6c 6c 6f")};
}

Sample file_begin(bool has_base) {
  FileBegin m;
  m.file = 3;
  m.path = "f";
  m.size_bytes = 100'000;
  m.has_base = has_base;
  if (has_base) m.base_bytes = 99'999, m.base_content = 2;
  m.matched_in_place_bytes = 10;
  m.matched_moved_bytes = 20;
  m.changed_bytes = 300;
  return {m, from_hex("03 01 66 a0 8d 06 " + params_hex + (has_base ? "01 9f 8d 06 02 00*7 " : "00 ") +
                      "0a 14 ac 02")};
}

Sample file_steps() {
  StepGap gap;
  gap.old_offset = 256;
  gap.plan = {4096, 4106, 5, 1024, 9, 128, 11};
  gap.chunks = {{4106, id_of(0xCC)}};
  StepGap plain;  // a gap without rounds
  plain.plan.old_bytes = 8;
  plain.plan.new_bytes = 3;
  plain.chunks = {{3, id_of(0xCE)}};
  FileSteps m;
  m.file = 3;
  m.steps = {StepMatch{1, 128},
             StepZeros{4096},
             StepData{{3, id_of(0xBB)}, text("abc")},
             StepOther{{3, id_of(0xBB)}, "g", 5},
             gap,
             plain,
             StepPatch{7, 9, {{5, id_of(0xDD)}}, from_hex("de ad")},
             StepLocal{digest_of(0xEE), text("abc")}};
  return {m, from_hex("03 08 00 01 80 01 01 80 20 02 03 bb*16 03 61 62 63 03 03 bb*16 01 67 05 "
                      "04 80 02 80 20 14 02 05 0a 09 07 0b 01 8a 20 cc*16 "
                      "04 00 08 09 00 01 03 ce*16 "
                      "05 07 09 01 05 dd*16 02 de ad "
                      "06 ee*32 03 61 62 63")};
}

std::vector<Sample> make_samples() {
  Failure failure;
  failure.path = "f", failure.code = 28, failure.retry = true, failure.message = "no";
  Failure full;
  full.path = "f", full.code = 28, full.space = Space{300, 7};
  Pair pair;
  pair.proof.fill(std::byte{1});
  Paired paired;
  paired.proof.fill(std::byte{2});
  paired.share = "s", paired.right = 3;
  return {
      hello(),
      begin(),
      guessing_begin(),
      roots(false),
      roots(true),
      {ListRequest{{"", "d/e"}, true}, from_hex("02 00 03 64 2f 65 01")},
      listing(),
      {ListEnd{}, {}},
      {ManifestRequest{{"a", "b/c"}}, from_hex("02 01 61 03 62 2f 63")},
      manifest_reply(),
      batch(),
      file_begin(false),
      file_begin(true),
      file_steps(),
      {FileEnd{3, false, meta(), digest_of(0xEE)}, from_hex("03 00 " + meta_hex + "ee*32")},
      {GapSums{3, 1, 2, from_hex("01 02")}, from_hex("03 01 02 02 01 02")},
      {GapMatches{3, 1, from_hex("05")}, from_hex("03 01 01 05")},
      {GapDelta{3, 1, from_hex("05"), text("hi")}, from_hex("03 01 01 05 02 68 69")},
      {ChunkRequest{3, 4096, 8192}, from_hex("03 80 20 80 40")},
      {ChunkData{3, 4096, text("hi")}, from_hex("03 80 20 02 68 69")},
      {Flush{300}, from_hex("ac 02")},
      {Ack{300}, from_hex("ac 02")},
      {failure, from_hex("01 66 1c 00 01 02 6e 6f 00")},
      {full, from_hex("01 66 1c 00 00 00 01 ac 02 07")},
      {Finish{true, false, digest_of(0x0F)}, from_hex("01 00 0f*32")},
      {Finish{false, true, digest_of(0x0F)}, from_hex("00 01 0f*32")},
      {Finished{digest_of(0x0F), true, 300, 128}, from_hex("0f*32 01 ac 02 80 01")},
      {Fatal{8, true, "bad"}, from_hex("08 01 03 62 61 64")},
      pushing_open(),
      pulling_open(),
      round_open(),
      mounts_open(),
      {Opened{1, 3, "f", {}}, from_hex("01 03 01 66 00")},
      {Opened{1, 3, "", 300}, from_hex("01 03 00 01 ac 02")},
      partials(),
      {Event{ChangeInfo{">f", "a", "", "b", true}}, from_hex("00 02 3e 66 01 61 00 01 62 01")},
      {Event{ErrorInfo{"a", "no", "go", 24, true}}, from_hex("01 01 61 02 6e 6f 02 67 6f 18 01")},
      {Event{NoticeInfo{"hi"}}, from_hex("02 02 68 69")},
      {Event{ProgressInfo{1, 2, 3, 4, 5, 300, 7}}, from_hex("03 01 02 03 04 05 ac 02 07")},
      {Event{HeldInfo{true, {">f", "a", "", "b", true}}}, from_hex("04 01 02 3e 66 01 61 00 01 62 01")},
      summary(),
      round_summary(),
      mounts_summary(),
      {pair, from_hex("01*32")},
      {paired, from_hex("02*32 01 73 03")},
      {Owners{{{0, "", 0, true}, {1000, "al", 300, true}}, {{5, "g", 6, false}}},
       from_hex("02 00 00 00 01 e8 07 02 61 6c ac 02 01 01 05 01 67 06 00")},
      {OwnerIds{{0, 300}, {{6, false}}}, from_hex("02 00 ac 02 01 06 00")},
      {Stirred{}, from_hex("")},
      {Left{{{"a/b", 0}, {"c", 0x0102030405060708}}, true},
       from_hex("02 03 61 2f 62 00*8 01 63 08 07 06 05 04 03 02 01 01")},
      {Kept{"a", "a.conflict-b-1"}, from_hex("01 61 0e 61 2e 63 6f 6e 66 6c 69 63 74 2d 62 2d 31")},
      drifted_listing(),
  };
}

}  // namespace

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = make_samples();
  return all;
}

Bytes from_hex(const std::string& text) {
  Bytes out;
  std::istringstream in(text);
  for (std::string token; in >> token;) {
    const auto star = token.find('*');
    const std::size_t count = star == std::string::npos ? 1 : std::stoul(token.substr(star + 1));
    out.insert(out.end(), count, static_cast<std::byte>(std::stoi(token.substr(0, 2), nullptr, 16)));
  }
  return out;
}

std::string to_hex(ByteView data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : data) {
    out += digits[static_cast<unsigned>(byte) >> 4];
    out += digits[static_cast<unsigned>(byte) & 15];
    out += ' ';
  }
  return out;
}

hash::Digest digest_of(unsigned byte) {
  hash::Digest out;
  out.bytes.fill(static_cast<std::byte>(byte));
  return out;
}

}  // namespace syncline::test
