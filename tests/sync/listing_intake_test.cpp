// SPDX-License-Identifier: Apache-2.0
// Listings of a receiver that tells what nobody asked for, twice, or without end.
#include "sync/listing_intake.hpp"

#include "base/error.hpp"
#include "base/limits.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::sync;

namespace {

/// A root with the files `a`, `b` and the directory `d` with the file `e`.
struct Known {
  Known() {
    tree.root = std::make_unique<DirNode>();
    put(*tree.root, "a", fs::FileType::regular);
    put(*tree.root, "b", fs::FileType::regular);
    put(*tree.root, "d", fs::FileType::directory);
    put(tree.root->add_child("d"), "e", fs::FileType::regular);
  }
  static void put(DirNode& node, const std::string& name, fs::FileType type) {
    fs::Stat stat;
    stat.type = type;
    node.put(name, stat);
  }
  Tree tree;
  RemoteDirs dirs;
};

wire::EntryInfo listed(const std::string& name, fs::FileType type = fs::FileType::regular) {
  wire::EntryInfo out;
  out.name = name;
  out.type = type;
  return out;
}

wire::Listing listing_of(const std::string& dir, const std::vector<std::string>& names,
                         bool partial = false) {
  wire::Listing out;
  out.dir = dir;
  out.partial = partial;
  for (const auto& name : names) out.entries.push_back(listed(name));
  return out;
}

Errc refusal(ListingIntake& intake, wire::Listing one) {
  try {
    intake.take(std::move(one));
  } catch (const Error& error) {
    CHECK(error.code().category() == syncline_category());
    return static_cast<Errc>(error.code().value());
  }
  return Errc{};
}

}  // namespace

TEST_CASE("directories are listed as they were asked for, in one or several parts", "[sync][bounds]") {
  Known known;
  ListingIntake intake(known.tree, known.dirs, {});
  const std::vector<std::string> asked{"", "d", "gone"};
  intake.expect(asked);
  intake.take(listing_of("", {"a"}));
  intake.take(listing_of("", {"b", "d"}));
  intake.take(listing_of("d", {"e"}));
  intake.finish();
  CHECK(known.dirs.at("").entries.size() == 3);
  CHECK(known.dirs.at("").whole);
  CHECK(known.dirs.at("d").find("e") != nullptr);
  CHECK_FALSE(known.dirs.contains("gone"));
  CHECK(intake.extra_bytes() == 0);
}

TEST_CASE("a listing that was not asked for, comes twice or out of order is refused", "[sync][bounds]") {
  Known known;
  ListingIntake intake(known.tree, known.dirs, {});
  const std::vector<std::string> asked{"", "d"};
  intake.expect(asked);
  SECTION("another directory") { CHECK(refusal(intake, listing_of("x", {"a"})) == Errc::protocol); }
  SECTION("twice in one answer") {
    intake.take(listing_of("", {"a"}));
    intake.take(listing_of("d", {"e"}));
    CHECK(refusal(intake, listing_of("", {"b"})) == Errc::protocol);
  }
  SECTION("in another order") {
    intake.take(listing_of("d", {"e"}));
    CHECK(refusal(intake, listing_of("", {"a"})) == Errc::protocol);
  }
  SECTION("again in a later answer") {
    intake.take(listing_of("", {"a"}));
    const std::vector<std::string> again{""};
    intake.expect(again);
    CHECK(refusal(intake, listing_of("", {"b"})) == Errc::protocol);
  }
  SECTION("a part where a whole one was asked for") {
    CHECK(refusal(intake, listing_of("", {"a"}, true)) == Errc::protocol);
  }
  SECTION("names twice, out of order, or none") {
    CHECK(refusal(intake, listing_of("", {"b", "a"})) == Errc::malformed);
    CHECK(refusal(intake, listing_of("", {"b"})) == Errc::malformed);
    CHECK(refusal(intake, listing_of("", {"c/d"})) == Errc::malformed);
    CHECK(refusal(intake, listing_of("", {".."})) == Errc::malformed);
  }
  SECTION("names gone from a whole directory") {
    auto one = listing_of("", {"a"});
    one.gone = {"b"};
    CHECK(refusal(intake, std::move(one)) == Errc::malformed);
  }
  SECTION("a path that is none") { CHECK(refusal(intake, listing_of("../d", {"a"})) == Errc::malformed); }
}

TEST_CASE("drift is told once for each directory", "[sync][bounds]") {
  Known known;
  ListingIntake intake(known.tree, known.dirs, {});
  intake.expect_drift();
  auto one = listing_of("", {"a"}, true);
  one.gone = {"x", "y"};
  one.unknown = {"v", "u"};
  intake.take(one);
  CHECK(refusal(intake, listing_of("", {"b"})) == Errc::protocol);  // whole all at once
  one = listing_of("", {}, true);
  one.gone = {"y"};
  CHECK(refusal(intake, one) == Errc::malformed);
  intake.take(listing_of("new", {"f"}));
  CHECK(refusal(intake, listing_of("", {"b"}, true)) == Errc::protocol);
  intake.finish();
  const RemoteDir& root = known.dirs.at("");
  CHECK((root.is_gone("x") && root.is_gone("y") && !root.is_gone("z")));
  CHECK((root.is_unknown("u") && root.is_unknown("v") && !root.is_unknown("w")));
  CHECK(known.dirs.at("new").whole);
}

TEST_CASE("names that only the receiver has reach their limit and do not pass it", "[sync][bounds]") {
  Known known;
  std::uint64_t needed = 0;
  const auto extra = [] { return listing_of("d", {"e", "x", "y"}); };
  const std::vector<std::string> asked{"d"};
  {
    ListingIntake intake(known.tree, known.dirs, {});
    intake.expect(asked);
    intake.take(extra());
    needed = intake.extra_bytes();
    CHECK(needed >= 2 * sizeof(wire::EntryInfo));
  }
  for (const std::uint64_t less : {0u, 1u}) {
    known.dirs.clear();
    ListingRules rules;
    rules.extra_bytes_max = needed - less;
    ListingIntake intake(known.tree, known.dirs, rules);
    intake.expect(asked);
    CHECK(refusal(intake, extra()) == (less == 0 ? Errc{} : Errc::limit_exceeded));
  }
}

TEST_CASE("what the limit does not count is our own, and what does not matter is let go", "[sync][bounds]") {
  Known known;
  ListingRules rules;
  rules.extra_bytes_max = 0;
  rules.keeps_extra = false;
  std::vector<std::string> seen;
  rules.on_dir = [&](const std::string& path, const wire::EntryInfo&, const DirNode* ours) {
    seen.push_back(path + (ours != nullptr ? " ours" : ""));
  };
  ListingIntake intake(known.tree, known.dirs, rules);
  const std::vector<std::string> asked{""};
  intake.expect(asked);
  auto one = listing_of("", {"a", "c"});
  one.entries.push_back(listed("d", fs::FileType::directory));
  one.entries.push_back(listed("dir", fs::FileType::directory));
  intake.take(std::move(one));
  CHECK(known.dirs.at("").entries.size() == 2);
  CHECK(seen == std::vector<std::string>{"d ours"});
}
