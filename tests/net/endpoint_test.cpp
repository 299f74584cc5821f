// SPDX-License-Identifier: Apache-2.0
#include "net/endpoint.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

TEST_CASE("an endpoint is read and written in one form", "[endpoint]") {
  CHECK(Endpoint::parse("host.example:7420") == Endpoint{"host.example", 7420});
  CHECK(Endpoint::parse("192.0.2.1:0") == Endpoint{"192.0.2.1", 0});
  CHECK(Endpoint::parse("[2001:db8::1]:65535") == Endpoint{"2001:db8::1", 65535});
  for (const char* text : {"host.example:7420", "192.0.2.1:0", "[2001:db8::1]:65535"})
    CHECK(Endpoint::parse(text).text() == text);
  CHECK(Endpoint{"a\nb", 1}.text() == "a\\012b:1");
}

TEST_CASE("what is no endpoint is refused as a wrong argument", "[endpoint]") {
  for (const std::string text :
       {"", "host", "host:", ":7", "host:65536", "host:-1", "host:7x", "host: 7", "2001:db8::1:7",
        "[2001:db8::1]", "[]:7", "[::1:7", "::1]:7", "a b:7", "a/b:7"}) {
    CAPTURE(text);
    try {
      Endpoint::parse(text);
      FAIL("was taken");
    } catch (const Error& error) {
      CHECK(error.is(Errc::usage));
    }
  }
  CHECK_THROWS_AS(Endpoint::parse(std::string("a\0b:7", 5)), Error);
  CHECK_NOTHROW(Endpoint::parse(std::string(255, 'a') + ":7"));
  CHECK_THROWS_AS(Endpoint::parse(std::string(256, 'a') + ":7"), Error);
}

}  // namespace
}  // namespace syncline::net
