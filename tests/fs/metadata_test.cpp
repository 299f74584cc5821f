// SPDX-License-Identifier: Apache-2.0
// Applying metadata: everything arrives, whatever the order of effects, and nothing is done twice.
#include "fs/metadata.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

constexpr const char* acl_access = "system.posix_acl_access";

Bytes to_bytes(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

/// The kernel's form (version 2) of: user::rw-, user:12:r--, group::r--, mask::r--, other::---.
Bytes sample_acl() {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(2);
  const auto entry = [&](std::uint16_t tag, std::uint16_t permissions, std::uint32_t id) {
    writer.u16(tag);
    writer.u16(permissions);
    writer.u32(id);
  };
  entry(0x01, 6, ~0u);
  entry(0x02, 4, 12);
  entry(0x04, 4, ~0u);
  entry(0x10, 4, ~0u);
  entry(0x20, 0, ~0u);
  return out;
}

bool has_acls(const TempDir& temp) {
  temp.write("acl-probe", "");
  const auto acl = sample_acl();
  const auto path = temp.path("acl-probe");
  const bool out = ::setxattr(path.c_str(), acl_access, acl.data(), acl.size(), 0) == 0;
  ::unlink(path.c_str());
  if (!out) WARN("the file system of the temporary directory has no ACLs");
  return out;
}

fs::Metadata sample() {
  fs::Metadata out;
  out.mode = 0640;
  out.mtime_ns = 1'600'000'000'123'456'789;
  out.xattrs = std::vector<fs::XattrPair>{{"user.a", to_bytes("1")}};
  return out;
}

}  // namespace

TEST_CASE("all metadata arrives on a file, a directory and a name", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto dir = temp.open();
  auto wanted = sample();
  if (is_root()) {
    wanted.uid = 12;
    wanted.gid = 34;
  }
  auto file = dir->create("file");
  dir->make_dir("dir", 0700);
  auto sub = dir->open_dir("dir");
  dir->create("name");
  fs::apply_metadata(*file, wanted, nullptr);
  fs::apply_metadata(*sub, wanted, nullptr);
  fs::apply_metadata_at(*dir, "name", fs::FileType::regular, wanted, nullptr);
  for (const char* name : {"file", "dir", "name"}) {
    CAPTURE(name);
    const auto got = *dir->stat_at(name);
    CHECK(got.mode == 0640);
    CHECK(got.mtime_ns == wanted.mtime_ns);
    CHECK(dir->xattrs_at(name) == *wanted.xattrs);
    if (is_root()) {
      CHECK(got.uid == 12);
      CHECK(got.gid == 34);
    }
  }
}

TEST_CASE("setuid survives a change of the owner", "[fs]") {
  if (!is_root()) {
    WARN("not root: owners are not tested");
    return;
  }
  TempDir temp;
  auto file = temp.open()->create("f");
  fs::Metadata wanted;
  wanted.mode = 06755;
  wanted.uid = 12;
  wanted.gid = 34;
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(file->stat().mode == 06755);
  // The mode is right by `current`, but the chown in between clears it.
  wanted.uid = 13;
  const auto current = file->stat();
  fs::apply_metadata(*file, wanted, &current);
  CHECK(file->stat().mode == 06755);
  CHECK(file->stat().uid == 13);
}

TEST_CASE("only one of owner and group may be wanted", "[fs]") {
  if (!is_root()) return;
  TempDir temp;
  auto file = temp.open()->create("f");
  file->set_owner(1, 2);
  fs::Metadata wanted;
  wanted.gid = 7;
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(file->stat().uid == 1);
  CHECK(file->stat().gid == 7);
}

TEST_CASE("what is absent is left alone", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  temp.write("f", "x");
  auto dir = temp.open();
  auto file = dir->open_write("f");
  file->set_xattr("user.kept", as_bytes("1"));
  const auto before = file->stat();
  fs::apply_metadata(*file, {}, nullptr);
  CHECK(file->stat() == before);  // not even ctime
  CHECK(file->xattrs().size() == 1);
}

TEST_CASE("attributes become exactly the wanted set", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto file = temp.open()->create("f");
  file->set_xattr("user.gone", as_bytes("x"));
  file->set_xattr("user.changed", as_bytes("old"));
  file->set_xattr("user.same", as_bytes("same"));
  fs::Metadata wanted;
  wanted.xattrs = std::vector<fs::XattrPair>{
      {"user.changed", to_bytes("new")}, {"user.fresh", to_bytes("f")}, {"user.same", to_bytes("same")}};
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(file->xattrs() == *wanted.xattrs);
  wanted.xattrs->clear();
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(file->xattrs().empty());
}

TEST_CASE("an ACL arrives with the mode it belongs to, and goes again", "[fs]") {
  TempDir temp;
  if (!has_acls(temp)) return;
  auto file = temp.open()->create("f");
  fs::Metadata wanted;
  wanted.mode = 0640;
  wanted.xattrs = std::vector<fs::XattrPair>{{acl_access, sample_acl()}};
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(file->xattrs() == *wanted.xattrs);
  CHECK(file->stat().mode == 0640);
  wanted.mode = 0604;
  wanted.xattrs->clear();
  const auto current = file->stat();
  fs::apply_metadata(*file, wanted, &current);
  CHECK(file->xattrs().empty());
  CHECK(file->stat().mode == 0604);
}

TEST_CASE("an ACL inherited from the directory does not stay on a file that has none", "[fs]") {
  TempDir temp;
  if (!has_acls(temp)) return;
  auto dir = temp.open();
  dir->set_xattr("system.posix_acl_default", sample_acl());
  auto file = dir->create("f");
  CHECK(file->xattrs().size() == 1);
  fs::Metadata wanted;
  wanted.mode = 0640;
  wanted.xattrs.emplace();
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(file->xattrs().empty());
  CHECK(file->stat().mode == 0640);
}

TEST_CASE("metadata that is right already costs no change", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  FaultFs counting(fs::linux_fs(), Counted::mutating);
  auto dir = temp.open(counting);
  auto file = dir->create("f");
  auto wanted = sample();
  fs::apply_metadata(*file, wanted, nullptr);
  const auto current = file->stat();
  wanted.uid = current.uid;
  wanted.gid = current.gid;
  counting.reset();
  fs::apply_metadata(*file, wanted, &current);
  CHECK(counting.trace().empty());
  wanted.mode = 0600;
  fs::apply_metadata(*file, wanted, &current);
  CHECK(counting.trace() == std::vector<std::string>{"set_mode f"});
}

TEST_CASE("the steps come in the order owner, attributes, mode, time", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  FaultFs counting(fs::linux_fs(), Counted::mutating);
  auto file = temp.open(counting)->create("f");
  auto wanted = sample();
  wanted.uid = ::geteuid();
  counting.reset();
  fs::apply_metadata(*file, wanted, nullptr);
  CHECK(counting.trace() ==
        std::vector<std::string>{"set_owner f", "set_xattr f", "set_mode f", "set_mtime f"});
}

TEST_CASE("the first failing step is thrown and the later ones are not made", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  for (const char* op : {"set_xattr", "set_mode", "set_mtime", "xattrs"}) {
    CAPTURE(op);
    FaultFs faults(fs::linux_fs());
    auto file = temp.open(faults)->create(std::string("f-") + op);
    faults.fail_op(op, EIO);
    CHECK(errno_of([&] { fs::apply_metadata(*file, sample(), nullptr); }) == EIO);
    CHECK(faults.struck() == 1);
    CHECK(file->stat().mtime_ns != sample().mtime_ns);
  }
}

TEST_CASE("the mode of a symlink is not set, its time is", "[fs]") {
  TempDir temp;
  temp.write("target", "");
  auto dir = temp.open();
  dir->make_symlink("link", "target");
  const auto before = *dir->stat_at("target");
  auto wanted = sample();
  wanted.xattrs->clear();
  fs::apply_metadata_at(*dir, "link", fs::FileType::symlink, wanted, nullptr);
  CHECK(dir->stat_at("link")->mtime_ns == wanted.mtime_ns);
  CHECK(*dir->stat_at("target") == before);
  CHECK(errno_of([&] { fs::apply_metadata_at(*dir, "none", fs::FileType::fifo, wanted, nullptr); }) ==
        ENOENT);
}

TEST_CASE("a peer cannot write the labels of this machine", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto file = temp.open()->create("f");
  for (const char* name : {"security.selinux", "security.evm", "system.other", "nonsense", ""}) {
    CAPTURE(name);
    fs::Metadata wanted;
    wanted.xattrs = std::vector<fs::XattrPair>{{name, to_bytes("x")}};
    CHECK(throws_code(Errc::unsupported, [&] { fs::apply_metadata(*file, wanted, nullptr); }));
  }
}
