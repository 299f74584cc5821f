// SPDX-License-Identifier: Apache-2.0
#include "config/server_text.hpp"

#include "base/limits.hpp"
#include "expect.hpp"

namespace syncline::config {
namespace {

TEST_CASE("an endpoint is a host and a port", "[server]") {
  CHECK(parse_endpoint(":8737") == Endpoint{"", 8737});
  CHECK(parse_endpoint("[::1]:0") == Endpoint{"::1", 0});
  CHECK(parse_endpoint("[fe80::1%eth0]:1") == Endpoint{"fe80::1%eth0", 1});
  CHECK(parse_endpoint("192.0.2.7:65535") == Endpoint{"192.0.2.7", 65535});
  CHECK(parse_endpoint("host-1.example:80") == Endpoint{"host-1.example", 80});
  for (const auto* text : {":8737", "[::1]:0", "[::]:8737", "192.0.2.7:65535", "localhost:1"})
    CHECK(to_text(parse_endpoint(text)) == text);
}

TEST_CASE("an endpoint that cannot be meant is refused with its cause", "[server]") {
  const auto refused = [](const char* text) { return refusal([&] { parse_endpoint(text); }); };
  CHECK(refused("8737") == "'8737' has no port; write ADDR:PORT, or :PORT for every address");
  CHECK(refused("::1:80") == "'::1:80' has an IPv6 address without brackets; write [ADDR]:PORT");
  CHECK(refused("host:65536") == "'host:65536' has no port from 0 to 65535 behind its last colon");
  CHECK(refused("[::1]") != "");
  CHECK(refused("[::1]:") != "");
  CHECK(refused("host:-1") != "");
  CHECK(refused("host: 1") != "");
  CHECK(refused("[::g]:1") == "'::g' is not an IPv6 address");
  CHECK(refused("[::1%]:1") == "'::1%' is not an IPv6 address");
  CHECK(refused("[host]:1") == "'[host]:1' has no IPv6 address in its brackets");
  CHECK(refused("[]:1") != "");
  CHECK(refused("1.2.3:1") == "'1.2.3' is not an IPv4 address; write four numbers from 0 to 255");
  CHECK(refused("1.2.3.256:1") != "");
  CHECK(refused("a b:1") == "'a b' is neither an address nor the name of a host");
  CHECK(refused("-x:1") != "");
  CHECK(refused("a\nb:1") == "'a\\012b' is neither an address nor the name of a host");
  CHECK(parse_endpoint(std::string(253, 'a') + ":1").host.size() == 253);
  CHECK(refused((std::string(254, 'a') + ":1").c_str()) != "");
}

TEST_CASE("a share is a name, a directory and perhaps a mode", "[server]") {
  CHECK(parse_share("a=/srv/a") == Share{"a", "/srv/a", ShareMode::read_write});
  CHECK(parse_share("a=/srv/a:ro") == Share{"a", "/srv/a", ShareMode::read_only});
  CHECK(parse_share("a=/srv/a:rw") == Share{"a", "/srv/a", ShareMode::read_write});
  CHECK(parse_share("a=/srv/x=y:ro").dir == "/srv/x=y");
  CHECK(parse_share("a=/srv/x:y/z").dir == "/srv/x:y/z");
  CHECK(parse_share("a=/srv/x:y:rw").dir == "/srv/x:y");
  CHECK(parse_share("a=/srv/x:ro:rw") == Share{"a", "/srv/x:ro", ShareMode::read_write});
  CHECK(parse_share("a=//srv/./a//").dir == "/srv/a");
  CHECK(parse_share("a=/").dir == "/");
}

TEST_CASE("a share that cannot be meant is refused with its cause", "[server]") {
  const auto refused = [](const std::string& text) { return refusal([&] { parse_share(text); }); };
  CHECK(refused("/srv/a") == "'/srv/a' has no directory; write NAME=DIR or NAME=DIR:ro");
  CHECK(refused("a=srv") == "'srv' is relative; write the path from / on");
  CHECK(refused("a=~/x") != "");
  CHECK(refused("a=") == "'' is empty; write an absolute path");
  CHECK(refused("a=/srv/../b") == "'/srv/../b' goes up by '..'; write the path that is meant");
  CHECK(refused("a=/srv/..") != "");
  CHECK(parse_share("a=/srv/..b").dir == "/srv/..b");
  // A misspelt suffix would otherwise offer another directory, writable.
  CHECK(refused("a=/srv/a:r0") ==
        "'a=/srv/a:r0' ends neither in :ro nor in :rw; behind a directory whose name has a colon write :rw");
  CHECK(refused("a=/srv/a:") != "");
  CHECK(refused("a=/srv/\xff") != "");
  CHECK(refused("a=/srv/a\nb") != "");
  CHECK(refused("a=/srv/ä") == "");
  CHECK(refused("a=/" + std::string(limits::path_bytes_max - 1, 'x')) == "");
  CHECK(refused("a=/" + std::string(limits::path_bytes_max, 'x')) != "");
}

TEST_CASE("the name of a share is sane", "[server]") {
  CHECK_FALSE(fault_of_share_name("Photos_2.x-y"));
  CHECK_FALSE(fault_of_share_name("-a"));
  CHECK_FALSE(fault_of_share_name(std::string(limits::share_name_bytes_max, 'a')));
  CHECK(fault_of_share_name(std::string(limits::share_name_bytes_max + 1, 'a')));
  for (const auto* name : {"", ".", "..", ".a", "a/b", "a b", "*", "a=b", "ä", "a\n"})
    CHECK(fault_of_share_name(name));
}

TEST_CASE("an authorization names a client, perhaps a share and a right", "[server]") {
  CHECK(parse_authorization(fingerprint) == Authorization{fingerprint, "*", Right::read_write});
  CHECK(parse_authorization(fingerprint + "=a") == Authorization{fingerprint, "a", Right::read_write});
  CHECK(parse_authorization(fingerprint + "=a:ro") == Authorization{fingerprint, "a", Right::read_only});
  CHECK(parse_authorization(fingerprint + "=*:nodelete") ==
        Authorization{fingerprint, "*", Right::no_delete});
  const auto refused = [](const std::string& text) { return refusal([&] { parse_authorization(text); }); };
  CHECK(refused(fingerprint + "=a:wr") == "'wr' is not known; write ro, rw or nodelete");
  CHECK(refused(fingerprint + "=a:") != "");
  CHECK(refused(fingerprint + "=") != "");
  CHECK(refused(fingerprint + "=.a") != "");
  CHECK(refused("") != "");
}

TEST_CASE("one digest has one fingerprint", "[server]") {
  const std::string body(42, 'x');
  CHECK_FALSE(fault_of_fingerprint("SHA256:" + body + "A"));
  CHECK_FALSE(fault_of_fingerprint("SHA256:" + std::string(42, '_') + "8"));
  // "B" would be the digest of "A" with a bit set that no digest has.
  CHECK(fault_of_fingerprint("SHA256:" + body + "B"));
  CHECK(fault_of_fingerprint("SHA256:" + body));
  CHECK(fault_of_fingerprint("SHA256:" + body + "AA"));
  CHECK(fault_of_fingerprint("sha256:" + body + "A"));
  CHECK(fault_of_fingerprint("SHA256:" + std::string(42, '+') + "A"));
}

TEST_CASE("a rate has a unit and a range", "[server]") {
  CHECK(parse_rate("10M") == 10 * limits::mib);
  CHECK(parse_rate("1.5MiB") == limits::mib * 3 / 2);
  CHECK(parse_rate("1.5MB") == 1'500'000);
  CHECK(parse_rate("4096B") == 4096);
  CHECK(parse_rate("4K") == limits::config_bwlimit_min);
  CHECK(parse_rate("1T") == limits::config_bwlimit_max);
  for (const auto* text : {"10", "", "M", "-1M", "1e3M", "10 M", "10m", "10Mb", "10X", "infM", "nanM", "0B",
                           "4095B", "1025G", "1.001T"}) {
    CAPTURE(text);
    CHECK(refusal([&] { parse_rate(text); }) != "");
  }
  for (const std::uint64_t rate : {std::uint64_t{4096}, std::uint64_t{4097}, std::uint64_t{1'500'000},
                                   std::uint64_t{10 * limits::mib}, limits::config_bwlimit_max})
    CHECK(parse_rate(rate_text(rate)) == rate);
  CHECK(rate_text(10 * limits::mib) == "10M");
}

TEST_CASE("the words of enumerations are read and printed", "[server]") {
  for (const auto* word : {"none", "batch", "file"}) CHECK(to_text(parse_durability(word)) == word);
  for (const auto* word : {"auto", "atomic", "inplace"}) CHECK(to_text(parse_update(word)) == word);
  for (const auto* word : {"ro", "rw"}) CHECK(to_text(parse_share_mode(word)) == word);
  for (const auto* word : {"ro", "rw", "nodelete"}) CHECK(to_text(parse_right(word)) == word);
  CHECK(refusal([] { parse_share_mode("nodelete"); }) == "'nodelete' is not known; write ro or rw");
  CHECK(refusal([] { parse_update(""); }) != "");
}

}  // namespace
}  // namespace syncline::config
