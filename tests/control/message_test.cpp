// SPDX-License-Identifier: Apache-2.0
// Lines, also those that nobody of ours writes.
#include "control/message.hpp"

#include "base/error.hpp"
#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using control::Ask;

TEST_CASE("requests are read as they were written, whatever bytes a path has", "[control]") {
  for (const auto ask : {Ask::status, Ask::wait, Ask::why, Ask::held, Ask::approve}) {
    const auto line = control::request_line({ask, "a/b"});
    CHECK(line.ends_with("\n"));
    CHECK(line.find('\n') == line.size() - 1);
    const auto back = control::parse_request(line);
    CHECK(back.ask == ask);
    CHECK(back.path == (ask == Ask::why ? "a/b" : ""));
  }
  for (const auto& path : {std::string("n\xFF\n\x01\"\\"), std::string(limits::path_bytes_max, '\xFF'),
                           std::string(limits::path_bytes_max, '\x01')}) {
    const auto line = control::request_line({Ask::why, path});
    CHECK(line.size() <= limits::control_line_bytes_max);
    CHECK(control::parse_request(line).path == path);
  }
  CHECK(control::request_line({Ask::why, "x\xFF"}) ==
        "{\"v\":1,\"ask\":\"why\",\"path\":\"x\xEF\xBF\xBD\",\"path_bytes\":\"eP8=\"}\n");
}

TEST_CASE("what is no request is refused", "[control]") {
  for (const auto* bad :
       {"", "x", "[]", "1", "null", "{}", "{\"v\":\"1\"}", "{\"v\":1}", "{\"v\":1,\"ask\":2}",
        "{\"v\":1,\"ask\":\"stop\"}", "{\"v\":1,\"ask\":\"why\",\"path_bytes\":\"?\"}",
        "{\"v\":1,\"ask\":\"why\",\"path_bytes\":7}", "{\"v\":1,\"ask\":\"status\"}}",
        "{\"v\":1,\"ask\":\"status\"", "\xFF", "{\"v\":1,\"ask\":\"\xFF\"}"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(control::parse_request(bad), Error);
  }
  CHECK_THROWS_AS(control::parse_request(std::string(100'000, '[')), Error);
  try {
    control::parse_request("{\"v\":2,\"ask\":\"status\"}");
    FAIL("another version");
  } catch (const Error& error) {
    CHECK(error.is(Errc::unsupported));
  }
}

TEST_CASE("what a newer program adds is passed over", "[control]") {
  CHECK(control::parse_request("{\"x\":{},\"ask\":\"wait\",\"v\":1,\"path\":3}").ask == Ask::wait);
  const auto answer = control::parse_answer("{\"v\":1,\"type\":\"new\",\"n\":-1,\"b\":1,\"t\":[]}");
  CHECK(control::number_in(answer, "n") == 0);
  CHECK_FALSE(control::flag_in(answer, "b"));
  CHECK(control::text_in(answer, "t").empty());
  CHECK(control::text_in(answer, "nothing").empty());
  CHECK_THROWS_AS(control::parse_answer("{\"v\":1}"), Error);
}

}  // namespace
