// SPDX-License-Identifier: Apache-2.0
// Errors carry code and context; names print without harm.
#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace syncline;

TEST_CASE("an error says what it is about and why", "[base]") {
  const Error error(Errc::corrupt, "journal '.syncline/journal'");
  CHECK(std::string(error.what()) == "journal '.syncline/journal': checksum does not match");
  CHECK(error.context() == "journal '.syncline/journal'");
  CHECK(error.is(Errc::corrupt));
  CHECK_FALSE(error.is(Errc::changed));
  CHECK_FALSE(error.offset_bytes().has_value());
}

TEST_CASE("a decoder's error tells the byte", "[base]") {
  const Error error(Errc::truncated, "manifest", 17);
  CHECK(std::string(error.what()) == "manifest at byte 17: data ends too early");
  CHECK(error.offset_bytes() == 17u);
  CHECK(error.context() == "manifest");
}

TEST_CASE("a system error keeps its errno apart from our own codes", "[base]") {
  // Both are the number 2: only the category tells ENOENT from Errc::truncated.
  const Error missing(ENOENT, "open 'x'");
  const Error truncated(Errc::truncated, "x");
  CHECK(missing.is_errno(ENOENT));
  CHECK_FALSE(missing.is(Errc::truncated));
  CHECK(truncated.is(Errc::truncated));
  CHECK_FALSE(truncated.is_errno(ENOENT));
  CHECK(missing.code() == std::errc::no_such_file_or_directory);
}

TEST_CASE("throw_errno throws the errno of the moment", "[base]") {
  errno = ENOSPC;
  try {
    throw_errno("write 'x'");
    FAIL("nothing was thrown");
  } catch (const std::system_error& error) {
    CHECK(error.code().value() == ENOSPC);
    CHECK(std::string(error.what()).starts_with("write 'x': "));
  }
}

TEST_CASE("every code of ours has its own text", "[base]") {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(Errc::shell); ++value) {
    const auto text = make_error_code(static_cast<Errc>(value)).message();
    CHECK(text != "unknown error");
    CHECK(std::find(texts.begin(), texts.end(), text) == texts.end());
    texts.push_back(text);
  }
  CHECK(syncline_category().message(9999) == "unknown error");
}

TEST_CASE("printable names stay as they are", "[base]") {
  CHECK(escape_name("") == "");
  CHECK(escape_name("plain name.txt") == "plain name.txt");
  CHECK(escape_name("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80") ==
        "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST_CASE("bytes that could drive a terminal are escaped", "[base]") {
  CHECK(escape_name("a\nb\tc") == "a\\012b\\011c");
  CHECK(escape_name("\x1B[31mred") == "\\033[31mred");
  CHECK(escape_name(std::string_view("nul\0", 4)) == "nul\\000");
  CHECK(escape_name("\x7F") == "\\177");
  CHECK(escape_name("back\\slash") == "back\\134slash");
  CHECK(escape_name("\xC2\x9B") == "\\302\\233");  // U+009B: the one-character form of ESC [
}

TEST_CASE("invalid utf-8 is escaped byte by byte", "[base]") {
  CHECK(escape_name("\xFF") == "\\377");
  CHECK(escape_name("\xC3") == "\\303");                             // cut off
  CHECK(escape_name("\xE2\x82") == "\\342\\202");                    // cut off
  CHECK(escape_name("\xC0\xAF") == "\\300\\257");                    // overlong '/'
  CHECK(escape_name("\xE0\x80\xAF") == "\\340\\200\\257");           // overlong
  CHECK(escape_name("\xED\xA0\x80") == "\\355\\240\\200");           // surrogate
  CHECK(escape_name("\xF4\x90\x80\x80") == "\\364\\220\\200\\200");  // past U+10FFFF
  CHECK(escape_name("\x80") == "\\200");                             // lone continuation
  CHECK(escape_name("\xC3\x28z") == "\\303(z");                      // goes on afterwards
}

TEST_CASE("different names never print alike", "[base]") {
  CHECK(escape_name("a\nb") != escape_name("a\\012b"));
  CHECK(escape_name("\xFF") != escape_name("\\377"));
}
