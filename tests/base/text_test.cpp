// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include "support/catch.hpp"

namespace {

using namespace syncline;

TEST_CASE("UTF-8 is told from what only looks like it", "[numbers]") {
  CHECK(is_utf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82"));
  for (const auto* bad :
       {"\xFF", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("base 64 pads as RFC 4648 shows", "[numbers]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFF\xFE") == "//4=");
}

TEST_CASE("base 64 is read back, and only the one text that stands for the bytes", "[text]") {
  std::string bytes;
  for (int k = 0; k < 300; ++k) {
    CHECK(from_base64(base64(bytes)) == bytes);
    bytes += static_cast<char>(k * 7);
  }
  for (const auto* bad :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm9v\xFF==="})
    CHECK_FALSE(from_base64(bad));
}

}  // namespace
