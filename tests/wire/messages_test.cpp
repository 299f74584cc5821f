// SPDX-License-Identifier: Apache-2.0
#include "wire/messages.hpp"

#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include "base/limits.hpp"
#include "samples.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::wire;
using test::from_hex;
using test::samples;
using test::to_hex;

namespace {

std::optional<Errc> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    REQUIRE(error.code().category() == syncline_category());
    return static_cast<Errc>(error.code().value());
  }
  return std::nullopt;
}

std::optional<Errc> decode_error(MessageType type, ByteView payload) {
  return error_of([&] { (void)decode(type, payload); });
}

std::optional<Errc> encode_error(const Message& message) {
  return error_of([&] { (void)encode(message); });
}

/// A varint followed by `tail`.
Bytes counted(std::uint64_t count, ByteView tail = {}) {
  Bytes out;
  ByteWriter writer(out);
  writer.varint(count);
  writer.bytes(tail);
  return out;
}

template <class T>
T again(const T& message) {
  return std::get<T>(decode(type_of(message), encode(message)));
}

}  // namespace

TEST_CASE("every message type has the bytes that the format page gives it", "[wire]") {
  std::set<MessageType> seen;
  for (const auto& sample : samples()) {
    const auto type = type_of(sample.message);
    CAPTURE(name_of(type));
    seen.insert(type);
    CHECK(to_hex(encode(sample.message)) == to_hex(sample.golden));
    CHECK(encoded_bytes(sample.message) == sample.golden.size());
    const auto back = decode(type, sample.golden);
    CHECK(type_of(back) == type);
    CHECK(to_hex(encode(back)) == to_hex(sample.golden));
  }
  CHECK(seen.size() == std::variant_size_v<Message>);
}

TEST_CASE("decoding puts every field where it belongs", "[wire]") {
  const auto get = [](MessageType type) {
    const auto sample =
        std::ranges::find_if(samples(), [&](const auto& one) { return type_of(one.message) == type; });
    return decode(type, sample->golden);
  };
  const auto begin = std::get<Begin>(get(MessageType::begin));
  CHECK(begin.attributes == 511);
  CHECK(begin.flags == (begin_dry_run | begin_sparse));
  CHECK(begin.sum_key == 0x0102030405060708);
  CHECK(begin.backup_dir == "old");
  const auto listing = std::get<Listing>(get(MessageType::listing));
  REQUIRE(listing.entries.size() == 5);
  CHECK(listing.entries[0].mtime_ns == -1);
  CHECK(listing.entries[0].content == 0x1122334455667788);
  CHECK(listing.entries[0].edited);
  CHECK(listing.entries[1].tree == test::digest_of(0x44));
  CHECK(listing.entries[2].link_target == "x/y");
  CHECK(listing.entries[3].device_minor == 64);
  CHECK(listing.gone == std::vector<std::string>{"g"});
  const auto batch = std::get<Batch>(get(MessageType::batch));
  REQUIRE(batch.ops.size() == 9);
  const auto& file = std::get<WriteFile>(batch.ops[4]);
  CHECK(as_text(file.content) == "hello");
  CHECK(file.ids.empty());
  CHECK(std::get<WriteFile>(batch.ops[8]).ids == std::vector{test::digest_of(0xAB)});
  CHECK(file.meta.mtime_ns == 1'000'000'000);
  REQUIRE(file.meta.xattrs.size() == 1);
  CHECK(file.meta.xattrs[0].name == "user.a");
  const auto steps = std::get<FileSteps>(get(MessageType::file_steps));
  CHECK(std::get<StepGap>(steps.steps.at(4)).plan == delta::GapPlan{4096, 4106, 5, 1024, 9, 128, 11});
  CHECK(std::get<StepPatch>(steps.steps.at(6)).old_bytes == 9);
  CHECK(std::get<StepLocal>(steps.steps.at(7)).id == test::digest_of(0xEE));
  const auto open = std::get<Open>(get(MessageType::open));
  CHECK(open.direction == Direction::push);
  CHECK(open.share == "music");
  CHECK(open.path == "a/b");
  CHECK(open.entries == std::vector<std::string>{"f", "g"});
}

TEST_CASE("a message that ends early is refused at every length, and so is one that goes on", "[wire]") {
  for (const auto& sample : samples()) {
    const auto type = type_of(sample.message);
    const Bytes& whole = sample.golden;
    for (std::size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(name_of(type), length);
      CHECK(decode_error(type, ByteView(whole).first(length)) == Errc::truncated);
    }
    CAPTURE(name_of(type));
    Bytes longer = whole;
    longer.push_back(std::byte{0});
    CHECK(decode_error(type, longer) == Errc::malformed);
  }
}

TEST_CASE("a flipped bit gives an error or another message that codes back to itself", "[wire]") {
  for (const auto& sample : samples()) {
    const auto type = type_of(sample.message);
    for (std::size_t bit = 0; bit < sample.golden.size() * 8; ++bit) {
      Bytes bytes = sample.golden;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      try {
        const auto coded = encode(decode(type, bytes));
        if (coded != encode(decode(type, coded))) FAIL("not stable: " << name_of(type) << " bit " << bit);
      } catch (const Error&) {
        // The usual end; anything else than Error fails the test.
      }
    }
  }
}

TEST_CASE("random bytes never do worse than an error", "[wire]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes(random() % 64);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : random() % 4);
    refused += decode_error(static_cast<MessageType>(random() % 26), bytes) ? 1u : 0u;
  }
  CHECK(refused > 10'000);
}

TEST_CASE("only the message types of this version exist", "[wire]") {
  for (const unsigned type : {0u, 36u, 255u}) {
    CAPTURE(type);
    CHECK(decode_error(static_cast<MessageType>(type), {}) == Errc::unsupported);
    CHECK(std::string(name_of(static_cast<MessageType>(type))) == (type == 0 ? "none" : "unknown"));
  }
  std::set<std::string> names;
  for (unsigned type = 0; type <= 35; ++type) names.insert(name_of(static_cast<MessageType>(type)));
  CHECK(names.size() == 36);
}

TEST_CASE("flags, kinds and numbers have one form", "[wire]") {
  CHECK(decode_error(MessageType::list_request, from_hex("00 02")) == Errc::malformed);  // flag
  CHECK(decode_error(MessageType::batch, from_hex("01 08 01 61")) == Errc::malformed);   // operation
  CHECK_FALSE(decode_error(MessageType::batch, from_hex("01 07 01 61 03")));
  CHECK(decode_error(MessageType::batch, from_hex("01 07 01 61 04")) == Errc::malformed);  // bits of a remove
  const auto fifo_of = [](const std::string& bits) {
    return from_hex("00 00 01 01 70 04 80 03 00 00 00 00 00 " + bits + " 00 00");
  };
  CHECK_FALSE(decode_error(MessageType::listing, fifo_of("07")));
  for (const auto* bits : {"04", "05", "08 00*8", "10"})  // absent or left, not drifted; an unknown one
    CHECK(decode_error(MessageType::listing, fifo_of(bits)) == Errc::malformed);
  CHECK(decode_error(MessageType::file_steps, from_hex("00 01 07")) == Errc::malformed);  // step
  CHECK(decode_error(MessageType::flush, from_hex("80 00")) == Errc::malformed);          // padded varint
  CHECK(decode_error(MessageType::flush, from_hex("ff*9 02")) == Errc::malformed);        // above 64 bits
  CHECK_FALSE(decode_error(MessageType::flush, from_hex("ff*9 01")));
  const auto listing_of = [](const std::string& type) {
    return from_hex("00 00 01 01 61 " + type + " 00*60");
  };
  CHECK(decode_error(MessageType::listing, listing_of("00")) == Errc::malformed);
  CHECK(decode_error(MessageType::listing, listing_of("08")) == Errc::malformed);
}

TEST_CASE("numbers are held to the width of their field", "[wire]") {
  const auto hello = [](const std::string& version) {
    return from_hex("53 4c 57 31 " + version + " 00 11*16");
  };
  CHECK_FALSE(decode_error(MessageType::hello, hello("ff ff 03")));
  CHECK(decode_error(MessageType::hello, hello("80 80 04")) == Errc::limit_exceeded);
  CHECK_FALSE(decode_error(MessageType::gap_sums, from_hex("00 00 ff 01 00")));
  CHECK(decode_error(MessageType::gap_sums, from_hex("00 00 80 02 00")) == Errc::limit_exceeded);
  EntryInfo extreme;
  extreme.name = "x";
  for (const auto time :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    extreme.mtime_ns = time;
    CHECK(again(Listing{"", false, {extreme}, {}, {}}).entries.at(0).mtime_ns == time);
  }
}

TEST_CASE("a chunk has at least one byte and at most the limit, wherever it is announced", "[wire]") {
  const auto check = [](auto&& make) {
    const auto refusal = [&](std::uint32_t length) {
      const Message message = make(length);
      return decode_error(type_of(message), encode(message));
    };
    CHECK_FALSE(refusal(1));
    CHECK_FALSE(refusal(limits::chunk_bytes_max));
    CHECK(refusal(0) == Errc::malformed);
    CHECK(refusal(limits::chunk_bytes_max + 1) == Errc::limit_exceeded);
  };
  check([](std::uint32_t length) { return ChunkRequest{0, 0, length}; });
  check([](std::uint32_t length) { return FileSteps{0, {StepOther{{length, {}}, "f", 0}}}; });
  check([](std::uint32_t length) { return FileSteps{0, {StepPatch{0, 0, {{length, {}}}, {}}}}; });
  check([](std::uint32_t length) { return FileSteps{0, {StepGap{0, {}, {{length, {}}}}}}; });
  check([](std::uint32_t length) { return Batch{{WriteFile{"f", {}, {}, {length}, {}, {}, {}}}}; });
  check([](std::uint32_t length) { return ManifestReply{"f", 0, 0, false, {}, {length}, {1}, {{}}}; });
}

TEST_CASE("chunk sizes of a peer are held to what a manifest may say", "[wire]") {
  const auto refusal = [](std::uint32_t min, std::uint32_t avg, std::uint32_t max) {
    FileBegin begin;
    begin.params = {min, avg, max};
    return decode_error(MessageType::file_begin, encode(begin));
  };
  CHECK_FALSE(refusal(1, 1, limits::chunk_bytes_max));
  CHECK(refusal(1, 1, limits::chunk_bytes_max + 1) == Errc::malformed);
  CHECK(refusal(0, 0, 0) == Errc::malformed);
  CHECK(refusal(1, 3, 4) == Errc::malformed);
  CHECK(refusal(4, 2, 8) == Errc::malformed);
}

TEST_CASE("texts end at their limits", "[wire]") {
  const auto check = [](const std::function<Message(std::string)>& make, std::size_t max) {
    CAPTURE(max);
    const auto message = make(std::string(max, 'x'));
    CHECK_FALSE(encode_error(message));
    CHECK_FALSE(decode_error(type_of(message), encode(message)));
    CHECK(encode_error(make(std::string(max + 1, 'x'))) == Errc::limit_exceeded);
  };
  check([](std::string text) { return ManifestRequest{{text}}; }, limits::path_bytes_max);
  check([](std::string text) { return Fatal{1, true, text}; }, limits::path_bytes_max);
  check([](std::string text) { return Batch{{MakeSymlink{"l", text, {}}}}; }, limits::link_target_bytes_max);
  check([](std::string text) { return Listing{"", true, {}, {text}, {}}; }, limits::name_bytes_max);
  check(
      [](std::string text) {
        return FileEnd{0, false, Meta{0, 0, 0, 0, {{text, {}}}}, {}};
      },
      limits::name_bytes_max);
}

TEST_CASE("a reader refuses a text above its limit by the length alone", "[wire]") {
  const auto path = [](std::size_t bytes) {
    Bytes out = counted(1);
    const Bytes text = counted(bytes, Bytes(bytes, std::byte{'x'}));
    out.insert(out.end(), text.begin(), text.end());
    return out;
  };
  CHECK_FALSE(decode_error(MessageType::manifest_request, path(limits::path_bytes_max)));
  CHECK(decode_error(MessageType::manifest_request, path(limits::path_bytes_max + 1)) ==
        Errc::limit_exceeded);
  const auto fatal = [](std::size_t bytes) {
    Bytes out = from_hex("01 00");
    const Bytes length = counted(bytes);
    out.insert(out.end(), length.begin(), length.end());
    return out;
  };
  CHECK(decode_error(MessageType::fatal, fatal(limits::path_bytes_max)) == Errc::truncated);
  CHECK(decode_error(MessageType::fatal, fatal(limits::path_bytes_max + 1)) == Errc::limit_exceeded);
}

TEST_CASE("extended attributes are bounded in number and size", "[wire]") {
  const auto end = [](std::size_t count, std::size_t bytes) {
    FileEnd out;
    for (std::size_t i = 0; i < count; ++i) out.meta.xattrs.push_back({"user.a", Bytes(bytes)});
    return out;
  };
  CHECK(again(end(limits::xattr_count_max, 1)).meta.xattrs.size() == limits::xattr_count_max);
  CHECK(encode_error(end(limits::xattr_count_max + 1, 1)) == Errc::limit_exceeded);
  CHECK(again(end(1, limits::xattr_bytes_max)).meta.xattrs[0].value.size() == limits::xattr_bytes_max);
  CHECK(encode_error(end(1, limits::xattr_bytes_max + 1)) == Errc::limit_exceeded);
  // What a writer refuses to send a reader refuses to take: file 0, not aborted, four numbers, then the
  // count.
  const auto coded = [](std::size_t count) {
    Bytes out = from_hex("00 00 00 00 00 00");
    const Bytes list = counted(count, Bytes(2 * count + hash::digest_bytes));
    out.insert(out.end(), list.begin(), list.end());
    return out;
  };
  CHECK_FALSE(decode_error(MessageType::file_end, coded(limits::xattr_count_max)));
  CHECK(decode_error(MessageType::file_end, coded(limits::xattr_count_max + 1)) == Errc::limit_exceeded);
}

TEST_CASE("a list cannot announce more elements than bytes follow", "[wire]") {
  for (const auto type : {MessageType::list_request, MessageType::manifest_request, MessageType::batch}) {
    CAPTURE(name_of(type));
    CHECK(decode_error(type, counted(limits::list_items_max)) == Errc::truncated);
    CHECK(decode_error(type, counted(limits::list_items_max + 1)) == Errc::limit_exceeded);
    CHECK(decode_error(type, counted(~std::uint64_t{0})) == Errc::limit_exceeded);
  }
}

TEST_CASE("a timetable of rates ascends within one week and is bounded", "[wire]") {
  const auto open = [](std::vector<RateSlot> rates, std::uint32_t week_second = 0) {
    Open out;
    out.direction = Direction::pull;
    out.pull.emplace();
    out.pull->rates = std::move(rates);
    out.pull->week_second = week_second;
    return out;
  };
  const auto error = [&](std::vector<RateSlot> rates, std::uint32_t week_second = 0) {
    return decode_error(MessageType::open, encode(open(std::move(rates), week_second)));
  };
  CHECK_FALSE(error({{0, 5}, {1, 5}, {week_minutes - 1, 0}}, week_minutes * 60U - 1));
  CHECK(error({{1, 5}, {1, 5}}) == Errc::malformed);
  CHECK(error({{2, 5}, {1, 5}}) == Errc::malformed);
  CHECK(error({{week_minutes, 5}}) == Errc::malformed);
  CHECK(error({}, week_minutes * 60U) == Errc::malformed);
  std::vector<RateSlot> most;
  for (std::uint16_t i = 0; i < limits::rate_slots_max; ++i) most.push_back({i, 1});
  CHECK(again(open(most)).pull->rates == most);
  most.push_back({week_minutes - 1, 1});
  CHECK(encode_error(open(most)) == Errc::limit_exceeded);
}

TEST_CASE("owners ascend and are bounded, and so are the answers", "[wire]") {
  const auto owners = [](std::size_t count) {
    std::vector<Owner> out;
    for (std::uint32_t i = 0; i < count; ++i) out.push_back({i, "", i, true});
    return out;
  };
  const auto most = owners(limits::owners_max), more = owners(limits::owners_max + 1);
  CHECK(again(Owners{most, most}).groups.size() == limits::owners_max);
  CHECK(encode_error(Owners{more, {}}) == Errc::limit_exceeded);
  CHECK(encode_error(Owners{{}, more}) == Errc::limit_exceeded);
  CHECK(decode_error(MessageType::owners, counted(limits::owners_max)) == Errc::truncated);
  CHECK(decode_error(MessageType::owners, counted(limits::owners_max + 1)) == Errc::limit_exceeded);
  const std::vector<std::uint32_t> ids(limits::owners_max + 1);
  CHECK(encode_error(OwnerIds{ids, {}}) == Errc::limit_exceeded);
  CHECK(decode_error(MessageType::owner_ids, counted(limits::owners_max + 1)) == Errc::limit_exceeded);
  const Owner one{3, "a", 3, true}, other{4, std::string(limits::name_bytes_max, 'n'), 4, true};
  CHECK(again(Owners{{one, other}, {}}).users[1].name.size() == limits::name_bytes_max);
  CHECK(decode_error(MessageType::owners, encode(Owners{{other, one}, {}})) == Errc::malformed);
  CHECK(decode_error(MessageType::owners, encode(Owners{{}, {one, one}})) == Errc::malformed);
  CHECK(encode_error(Owners{{{5, std::string(limits::name_bytes_max + 1, 'n'), 5, true}}, {}}) ==
        Errc::limit_exceeded);
}

TEST_CASE("a manifest has as many lengths as repeats and ids", "[wire]") {
  ManifestReply reply;
  reply.lengths = {1, 2};
  reply.repeats = {1, 1};
  reply.ids.resize(2);
  CHECK(again(reply).lengths == reply.lengths);
  auto fewer = reply;
  fewer.repeats.pop_back();
  CHECK(decode_error(MessageType::manifest_reply, encode(fewer)) == Errc::malformed);
  fewer = reply;
  fewer.ids.pop_back();
  CHECK(decode_error(MessageType::manifest_reply, encode(fewer)) == Errc::malformed);
}

TEST_CASE("a message fills limits::frame_bytes_max and not a byte more", "[wire]") {
  const std::size_t head = 2 + 4;  // file and offset, length
  ChunkData data;
  data.content.resize(limits::frame_bytes_max - head);
  const auto whole = encode(data);
  CHECK(whole.size() == limits::frame_bytes_max);
  CHECK_FALSE(decode_error(MessageType::chunk_data, whole));
  data.content.resize(data.content.size() + 1);
  CHECK(encode_error(data) == Errc::limit_exceeded);
  CHECK(decode_error(MessageType::chunk_data, Bytes(limits::frame_bytes_max + 1)) == Errc::limit_exceeded);
}

TEST_CASE("a gap's plan is held to its limits", "[wire]") {
  const auto gap = [](std::uint64_t old_bytes) {
    Bytes out = from_hex("00 01 04 00");
    const Bytes plan =
        counted(old_bytes, from_hex("00 00 00"));  // as long as the old side, no rounds, no chunks
    out.insert(out.end(), plan.begin(), plan.end());
    return out;
  };
  CHECK_FALSE(decode_error(MessageType::file_steps, gap(limits::gap_side_bytes_max)));
  CHECK(decode_error(MessageType::file_steps, gap(limits::gap_side_bytes_max + 1)) == Errc::limit_exceeded);
}
