// SPDX-License-Identifier: Apache-2.0
// Which files are known to be open.
#include "watch/open_writers.hpp"

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using fs::DirChange;
using watch::OpenWriters;
using enum fs::DirChange::Kind;

DirChange change(DirChange::Kind kind, std::string name = "f", int watch = 1) {
  return {kind, watch, false, 0, std::move(name)};
}

TEST_CASE("a file is open from its first write, or from when it is made, until it is closed or gone",
          "[watch]") {
  for (const auto begun : {made, written})
    for (const auto ended : {closed, gone, moved_away, moved_here}) {
      OpenWriters writers;
      writers.take(change(begun));
      writers.take(change(written));
      writers.take(change(attributes));
      writers.take(change(closed, "g"));
      writers.take(change(closed, "f", 2));
      CHECK(writers.is_any());
      writers.take(change(ended));
      CHECK_FALSE(writers.is_any());
      CHECK(writers.take_made().empty());
    }
}

TEST_CASE("directories, and what is said of a directory itself, are no open files", "[watch]") {
  OpenWriters writers;
  writers.take({made, 1, true, 0, "d"});
  writers.take(change(attributes, ""));
  writers.take(DirChange{});
  CHECK_FALSE(writers.is_any());
}

TEST_CASE("whoever was let go counts again once it has closed", "[watch]") {
  OpenWriters writers;
  writers.take(change(written));
  writers.let_go();
  writers.take(change(written));
  CHECK_FALSE(writers.is_any());
  writers.take(change(written, "g"));
  CHECK(writers.is_any());
  writers.take(change(closed, "g"));
  CHECK_FALSE(writers.is_any());
  writers.take(change(closed));
  writers.take(change(written));
  CHECK(writers.is_any());
}

TEST_CASE("what was made and is not closed is to be looked at once", "[watch]") {
  OpenWriters writers;
  writers.take(change(made));
  writers.take(change(made, "g"));
  writers.take(change(closed, "g"));
  const auto made_files = writers.take_made();
  REQUIRE(made_files.size() == 1);
  CHECK(made_files[0] == OpenWriters::File(1, "f"));
  CHECK(writers.take_made().empty());
  CHECK(writers.is_any());
  writers.forget(made_files[0]);
  CHECK_FALSE(writers.is_any());
}

TEST_CASE("with a directory its files are forgotten, and no others", "[watch]") {
  OpenWriters writers;
  writers.take(change(written, "a", 1));
  writers.take(change(written, "b", 2));
  writers.take(change(made, "c", 2));
  writers.forget_dir(2);
  CHECK(writers.is_any());
  CHECK(writers.take_made().empty());
  writers.forget_dir(1);
  CHECK_FALSE(writers.is_any());
  writers.take(change(made));
  writers.clear();
  CHECK_FALSE(writers.is_any());
}

TEST_CASE("so many files are known to be open, and one more is not", "[watch][limits]") {
  OpenWriters writers;
  const auto name = [](std::size_t number) { return "f" + std::to_string(number); };
  for (std::size_t k = 0; k <= limits::watch_writers_max; ++k) writers.take(change(made, name(k)));
  CHECK(writers.take_made().size() == limits::watch_writers_max);
  for (std::size_t k = 0; k + 1 < limits::watch_writers_max; ++k) writers.take(change(closed, name(k)));
  CHECK(writers.is_any());
  writers.take(change(closed, name(limits::watch_writers_max - 1)));
  CHECK_FALSE(writers.is_any());
}

}  // namespace
