// SPDX-License-Identifier: Apache-2.0
// Pins of servers: what counts as the same place, what is kept, what is refused.
#include "trust/known_servers.hpp"

#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "samples.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
using namespace syncline::trust;

namespace {

KnownServers open_known(const TempDir& temp) { return {fs::linux_fs(), temp.path()}; }

Error lookup_error(const TempDir& temp, const std::string& content) {
  write_with_mode(temp, "known_servers", content);
  return error_of([&] { open_known(temp).lookup("a", 1); });
}

}  // namespace

TEST_CASE("a server that nobody pinned is not known", "[trust]") {
  TempDir temp;
  CHECK_FALSE(open_known(temp).lookup("host", 8730));
  CHECK_FALSE(KnownServers(fs::linux_fs(), temp.path("none")).lookup("host", 8730));
  CHECK_FALSE(KnownServers(fs::linux_fs(), temp.path("none")).forget("host", 8730));
  CHECK_FALSE(temp.exists("none"));
}

TEST_CASE("a pin is found under its host and port only", "[trust]") {
  TempDir temp;
  auto servers = open_known(temp);
  servers.pin("host", 8730, key_of(1));
  servers.pin("host", 8731, key_of(2));
  servers.pin("other.example", 8730, key_of(3));
  CHECK(servers.lookup("host", 8730) == key_of(1));
  CHECK(servers.lookup("host", 8731) == key_of(2));
  CHECK(servers.lookup("other.example", 8730) == key_of(3));
  CHECK_FALSE(servers.lookup("other", 8730));
  CHECK_FALSE(servers.lookup("host", 873));
  CHECK(open_known(temp).lookup("host", 8731) == key_of(2));
  CHECK(temp.read("known_servers") == "host:8730 " + key_of(1).text() + "\nhost:8731 " + key_of(2).text() +
                                          "\nother.example:8730 " + key_of(3).text() + "\n");
  CHECK(mode_of(temp.path("known_servers")) == 0600);
}

TEST_CASE("hosts are compared without case and IPv6 addresses by value", "[trust]") {
  TempDir temp;
  auto servers = open_known(temp);
  servers.pin("Files.Example", 1, key_of(1));
  servers.pin("2001:DB8:0:0::1", 1, key_of(2));
  servers.pin("fe80::1%eth0", 1, key_of(3));
  CHECK(servers.lookup("files.EXAMPLE", 1) == key_of(1));
  CHECK(servers.lookup("[2001:db8::1]", 1) == key_of(2));
  CHECK(servers.lookup("2001:0db8::0001", 1) == key_of(2));
  CHECK(servers.lookup("[FE80::1%eth0]", 1) == key_of(3));
  CHECK_FALSE(servers.lookup("fe80::1%eth1", 1));
  CHECK(server_place("2001:DB8::1", 65535) == "[2001:db8::1]:65535");
  CHECK(server_place("192.0.2.1", 1) == "192.0.2.1:1");
}

TEST_CASE("what is no host is refused", "[trust]") {
  const std::string longest(limits::host_bytes_max, 'a');
  CHECK(server_place(longest, 1) == longest + ":1");
  for (const std::string& host :
       {std::string(), longest + "a", std::string("a b"), std::string("a\n"), std::string("#a"),
        std::string("-a"), std::string("a/b"), std::string("user@a"), std::string("[]"), std::string("[a"),
        std::string("a:1"), std::string("::g"), std::string("fe80::1%"), std::string("fe80::1%a b"),
        std::string("h\xC3\xA9"), std::string("a\0b", 3)}) {
    CAPTURE(host);
    CHECK(error_of([&] { server_place(host, 1); }).is(Errc::usage));
  }
  CHECK(error_of([] { server_place("a", 0); }).is(Errc::usage));
}

TEST_CASE("another key for a pinned server is refused with both keys and the remedy", "[trust]") {
  TempDir temp;
  auto servers = open_known(temp);
  servers.pin("host", 1, key_of(1));
  const auto before = temp.read("known_servers");
  servers.pin("host", 1, key_of(1));
  CHECK(temp.read("known_servers") == before);
  const auto error = error_of([&] { servers.pin("HOST", 1, key_of(2)); });
  CHECK(error.is(Errc::untrusted));
  for (const auto& part :
       {key_of(1).text(), key_of(2).text(), temp.path("known_servers"), std::string("host:1")})
    CHECK(contains(error.what(), part));
  CHECK(temp.read("known_servers") == before);
  servers.pin("host", 1, key_of(2), OtherPin::replace);
  CHECK(servers.lookup("host", 1) == key_of(2));
}

TEST_CASE("comments and other lines stay as they are", "[trust]") {
  TempDir temp;
  const std::string head = "# my servers\n\n  # indented\n";
  const std::string a = "\ta:1   " + key_of(1).text() + " \n";
  const std::string b = "[2001:DB8::1]:2 " + key_of(2).text() + "\n";
  write_with_mode(temp, "known_servers", head + a + "# between\n" + b, 0644);
  auto servers = open_known(temp);
  CHECK(servers.lookup("a", 1) == key_of(1));
  CHECK(servers.lookup("2001:db8::1", 2) == key_of(2));
  servers.pin("c", 3, key_of(3));
  servers.pin("2001:db8::1", 2, key_of(4), OtherPin::replace);
  CHECK(temp.read("known_servers") ==
        head + a + "# between\n[2001:db8::1]:2 " + key_of(4).text() + "\nc:3 " + key_of(3).text() + "\n");
  CHECK(servers.forget("A", 1));
  CHECK_FALSE(servers.forget("a", 1));
  CHECK(temp.read("known_servers") ==
        head + "# between\n[2001:db8::1]:2 " + key_of(4).text() + "\nc:3 " + key_of(3).text() + "\n");
}

TEST_CASE("a line that cannot be read makes every call fail with its number", "[trust]") {
  TempDir temp;
  const auto key = key_of(1).text();
  const std::string good = "b:2 " + key + "\n";
  for (const std::string& line :
       {std::string("x"), std::string("a:1"), "a " + key, "a:0 " + key, "a:65536 " + key, "a:x " + key,
        ":1 " + key, "a:-1 " + key, "a:+1 " + key, "a: " + key, "::1:1 " + key, "a:1 " + key + " x",
        "a:1 " + key + "A", "a:1 " + key.substr(0, 49), "a:1 " + key + "\r",
        "a:1 " + key + std::string("\0", 1), "b:2 " + key, "B:2 " + key_of(2).text()}) {
    CAPTURE(line);
    const auto content = "#\n" + good + line + "\n";
    const auto error = lookup_error(temp, content);
    CHECK(error.is(Errc::malformed));
    CHECK(contains(error.what(), "'" + temp.path("known_servers") + "' line 3: "));
    auto servers = open_known(temp);
    CHECK(error_of([&] { servers.pin("c", 3, key_of(3)); }).is(Errc::malformed));
    CHECK(error_of([&] { servers.forget("b", 2); }).is(Errc::malformed));
    CHECK(temp.read("known_servers") == content);
  }
}

TEST_CASE("a torn file of pins is not a shorter one", "[trust]") {
  TempDir temp;
  const std::string content = "a:1 " + key_of(1).text() + "\nb:2 " + key_of(2).text() + "\n";
  const auto first_line_bytes = content.find('\n') + 1;
  for (std::size_t size = 1; size < content.size(); ++size) {
    CAPTURE(size);
    if (size != first_line_bytes) CHECK(lookup_error(temp, content.substr(0, size)).is(Errc::malformed));
  }
}

TEST_CASE("others may read pins but not write them", "[trust]") {
  TempDir temp;
  const std::string content = "a:1 " + key_of(1).text() + "\n";
  write_with_mode(temp, "known_servers", content, 0644);
  CHECK(open_known(temp).lookup("a", 1) == key_of(1));
  for (const unsigned mode : {0664U, 0646U, 0622U}) {
    write_with_mode(temp, "known_servers", content, mode);
    const auto error = error_of([&] { open_known(temp).lookup("a", 1); });
    CHECK(error.is(Errc::untrusted));
    CHECK(contains(error.what(), "chmod 600 '" + temp.path("known_servers") + "'"));
  }
}

TEST_CASE("pins of several threads do not lose each other", "[trust]") {
  constexpr unsigned threads_count = 4, each = 8;
  TempDir temp;
  std::vector<std::thread> threads;
  for (unsigned k = 0; k < threads_count; ++k)
    threads.emplace_back([&, k] {
      auto servers = open_known(temp);
      for (unsigned n = 0; n < each; ++n)
        servers.pin("host", static_cast<std::uint16_t>(1 + k * each + n), key_of(k * each + n));
    });
  for (auto& thread : threads) thread.join();
  for (unsigned k = 0; k < threads_count * each; ++k)
    CHECK(open_known(temp).lookup("host", static_cast<std::uint16_t>(1 + k)) == key_of(k));
}

TEST_CASE("a file of pins never grows past what can be read again", "[trust]") {
  TempDir temp;
  const std::string line = "a:1 " + key_of(1).text() + "\n";
  const std::string room_for_one(limits::trust_file_bytes_max - line.size() - 1, '#');
  write_with_mode(temp, "known_servers", room_for_one + "\n");
  open_known(temp).pin("a", 1, key_of(1));
  CHECK(temp.read("known_servers").size() == limits::trust_file_bytes_max);
  CHECK(open_known(temp).lookup("a", 1) == key_of(1));
  write_with_mode(temp, "known_servers", room_for_one + "#\n");
  const auto error = error_of([&] { open_known(temp).pin("a", 1, key_of(1)); });
  CHECK(error.is(Errc::limit_exceeded));
  CHECK(contains(error.what(), temp.path("known_servers")));
  CHECK_FALSE(open_known(temp).lookup("a", 1));
}

TEST_CASE("a pin that could not be written was not made, and the error names the file", "[trust]") {
  for (std::uint64_t k = 1; k <= 5; ++k) {
    TempDir temp;
    open_known(temp).pin("a", 1, key_of(1));
    FaultFs faults(fs::linux_fs(), Counted::mutating);
    faults.fail_at(k + 1, ENOSPC);  // the first one makes the directory
    CAPTURE(k);
    const auto error = error_of([&] { KnownServers(faults, temp.path()).pin("b", 2, key_of(2)); });
    CHECK(error.is_errno(ENOSPC));
    CHECK(contains(error.what(), temp.path("known_servers")));
    CHECK(open_known(temp).lookup("a", 1) == key_of(1));
    if (k <= 4) CHECK_FALSE(open_known(temp).lookup("b", 2));
  }
}

TEST_CASE("pins are made also where there are no locks", "[trust]") {
  TempDir temp;
  FaultFs faults(fs::linux_fs());
  faults.fail_every("try_lock", EBADF);
  KnownServers(faults, temp.path()).pin("a", 1, key_of(1));
  CHECK(faults.struck() == 1);
  CHECK(open_known(temp).lookup("a", 1) == key_of(1));
}
