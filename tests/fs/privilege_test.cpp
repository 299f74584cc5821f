// SPDX-License-Identifier: Apache-2.0
// What an ordinary user meets: unreadable directories, foreign owners, privileged attributes.
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "expect.hpp"
#include "fs/metadata.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

/// Runs `body` as the user nobody (as ourselves when we are not root); 0 is success.
template <class Body>
int as_nobody(Body&& body) {
  return run_in_child([&] {
           if (is_root() && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0))
             return 99;
           return body();
         })
      .exit_code;
}

void give_to_nobody(const TempDir& temp, const std::string& name = "") {
  const auto path = name.empty() ? temp.path() : temp.path(name);
  if (is_root()) REQUIRE(::lchown(path.c_str(), nobody, nobody) == 0);
}

}  // namespace

TEST_CASE("an unreadable directory is an error of its own, its siblings are listed", "[fs]") {
  TempDir temp;
  temp.make_dir("closed/inner");
  temp.write("open", "x");
  for (const char* name : {"", "closed", "open"}) give_to_nobody(temp, name);
  ::chmod(temp.path("closed").c_str(), 0);
  CHECK(as_nobody([&] {
          auto dir = temp.open();
          const auto listing = dir->list();
          if (listing.entries.size() != 2 || !listing.unknown.empty()) return 1;
          return errno_of([&] { dir->open_dir("closed"); }) == EACCES ? 0 : 2;
        }) == 0);
  ::chmod(temp.path("closed").c_str(), 0755);
}

TEST_CASE("entries that cannot be examined are told as unknown, never as absent", "[fs]") {
  TempDir temp;
  temp.make_dir("listable");
  temp.write("listable/b", "x");
  temp.write("listable/a", "x");
  for (const char* name : {"", "listable"}) give_to_nobody(temp, name);
  ::chmod(temp.path("listable").c_str(), 0444);  // names may be read, nothing else
  CHECK(as_nobody([&] {
          const auto listing = temp.open()->open_dir("listable")->list();
          if (!listing.entries.empty() || listing.unknown.size() != 2) return 1;
          const bool sorted = listing.unknown[0].name == "a" && listing.unknown[1].name == "b";
          return sorted && listing.unknown[0].error_number == EACCES ? 0 : 2;
        }) == 0);
  ::chmod(temp.path("listable").c_str(), 0755);
}

TEST_CASE("files of others are read without O_NOATIME", "[fs]") {
  TempDir temp;
  temp.write("f", "content");
  ::chmod(temp.path().c_str(), 0755);
  ::chmod(temp.path("f").c_str(), 0644);
  CHECK(as_nobody([&] { return content(*temp.open()->open_read("f")) == "content" ? 0 : 1; }) == 0);
}

TEST_CASE("a user cannot give files away, and hears so", "[fs]") {
  TempDir temp;
  give_to_nobody(temp);
  CHECK(as_nobody([&] {
          auto file = temp.open()->create("f");
          fs::Metadata wanted;
          wanted.uid = 0;
          return errno_of([&] { fs::apply_metadata(*file, wanted, nullptr); }) == EPERM ? 0 : 1;
        }) == 0);
}

TEST_CASE("privileged attributes fail for a user and stay invisible", "[fs]") {
  TempDir temp;
  temp.write("f", "");
  give_to_nobody(temp);
  give_to_nobody(temp, "f");
  if (is_root()) temp.open()->set_xattr_at("f", "trusted.hidden", as_bytes("x"));
  CHECK(as_nobody([&] {
          auto file = temp.open()->open_write("f");
          if (!file->xattrs().empty()) return 1;
          for (const char* name : {"trusted.x", "security.custom"}) {
            fs::Metadata wanted;
            wanted.xattrs = std::vector<fs::XattrPair>{{name, Bytes(20)}};
            if (errno_of([&] { fs::apply_metadata(*file, wanted, nullptr); }) != EPERM) return 2;
          }
          return 0;
        }) == 0);
  if (is_root()) CHECK(temp.open()->xattrs_at("f").size() == 1);
}

TEST_CASE("attributes of a read-only file can be set by its owner, its mode stays", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  temp.write("f", "");
  give_to_nobody(temp);
  give_to_nobody(temp, "f");
  CHECK(as_nobody([&] {
          auto dir = temp.open();
          auto file = dir->open_write("f");
          file->set_mode(0440);
          fs::Metadata wanted;
          wanted.xattrs = std::vector<fs::XattrPair>{{"user.a", Bytes(3)}};
          fs::apply_metadata(*file, wanted, nullptr);
          if (file->xattrs() != *wanted.xattrs || file->stat().mode != 0440) return 1;
          wanted.xattrs->clear();
          fs::apply_metadata_at(*dir, "f", fs::FileType::regular, wanted, nullptr);
          return file->xattrs().empty() && file->stat().mode == 0440 ? 0 : 2;
        }) == 0);
}
