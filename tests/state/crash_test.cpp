// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.hpp"
#include "state/sqlite.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

constexpr int dir_count = 8;

/// Everything that generation `number` stores follows from the number alone.
DirRecord dir_of(std::uint64_t number, int dir) { return Sample(number * 100 + dir).dir(60); }
manifest::Manifest manifest_of(std::uint64_t number) {
  auto out = Sample(7).manifest(900);  // most segments stay from one generation to the next
  out.chunks[number % 900] = Sample(number).chunk();
  Sample::sum_up(out);
  return out;
}

std::uint64_t read_number(const std::optional<Bytes>& value) {
  if (!value) return 0;
  ByteReader in(*value);
  return in.u64();
}

/// Writes generations, telling each committed one through `pipe`, until killed.
[[noreturn]] void write_generations(const std::string& path, int pipe) {
  try {
    const auto database = Database::open(path, false);
    auto number = read_number(database->value("generation"));
    auto id = static_cast<ManifestId>(read_number(database->value("manifest")));
    for (;;) {
      ++number;
      const auto writer = database->writer();
      for (int dir = 0; dir < dir_count; ++dir) writer->put_dir(dir, dir_of(number, dir));
      id = writer->put_manifest(manifest_of(number), id);
      for (const auto& [key, value] :
           {std::pair{"generation", number}, {"manifest", static_cast<std::uint64_t>(id)}}) {
        Bytes bytes;
        ByteWriter(bytes).u64(value);
        writer->put_value(key, bytes);
      }
      writer->commit(number % 3 == 0);
      if (::write(pipe, &number, sizeof number) != sizeof number) break;
    }
  } catch (...) {}
  ::_exit(1);
}

enum class Since { fork, first_commit };

/// Kills a writing child after `microseconds`; returns the last generation that it reported.
std::uint64_t run_and_kill(const std::string& path, Since since, useconds_t microseconds) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    write_generations(path, ends[1]);
  }
  ::close(ends[1]);
  std::uint64_t number = 0;
  std::uint64_t last = 0;
  if (since == Since::first_commit && ::read(ends[0], &number, sizeof number) == sizeof number) last = number;
  ::usleep(microseconds);
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  while (::read(ends[0], &number, sizeof number) == sizeof number) last = number;
  ::close(ends[0]);
  return last;
}

}  // namespace

TEST_CASE("a writer killed at any moment leaves the last commit or the one before, never a mix", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  std::uint64_t reported = 0;
  Sample sample(42);
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    // A slow machine may not come to a commit in so short a time: then every second round is of use.
    const auto since = round % 2 == 0 ? Since::fork : Since::first_commit;
    const auto wait = static_cast<useconds_t>(3000 + sample.below(60'000));
    reported = std::max(reported, run_and_kill(path, since, wait));
    const auto database = Database::open(path, false);
    REQUIRE_FALSE(database->set_aside());
    const auto number = read_number(database->value("generation"));
    // The kernel survives, so nothing that was reported may be lost; one more may have been committed.
    REQUIRE((number == reported || number == reported + 1));
    reported = number;
    if (number == 0) continue;
    const auto reader = database->reader();
    for (int dir = 0; dir < dir_count; ++dir) REQUIRE(reader->dir(dir) == dir_of(number, dir));
    const auto id = static_cast<ManifestId>(read_number(database->value("manifest")));
    REQUIRE(reader->manifest(id) == manifest_of(number));
  }
  CHECK(reported > 0);
  Connection raw(path, Connection::Mode::read_only);
  CHECK(raw.text("PRAGMA integrity_check") == "ok");
}
