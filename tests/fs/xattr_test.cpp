// SPDX-License-Identifier: Apache-2.0
// Extended attributes and ACLs: which are kept, on what, and how large.
#include "fs/xattr.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>

#include "base/limits.hpp"
#include "expect.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

Bytes to_bytes(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

/// From here on system call `number` fails in this process with `error_number`.
bool forbid(unsigned number, unsigned error_number) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{4, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

TEST_CASE("attributes come back sorted, empty and binary ones too", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto dir = temp.open();
  auto file = dir->create("f");
  CHECK(file->xattrs().empty());
  file->set_xattr("user.z", as_bytes("last"));
  file->set_xattr("user.binary", as_bytes(std::string_view("\0\xFF\n", 3)));
  file->set_xattr("user.empty", {});
  file->set_xattr("user.long", as_bytes(std::string(2000, 'v')));
  const std::vector<fs::XattrPair> wanted = {{"user.binary", to_bytes(std::string_view("\0\xFF\n", 3))},
                                             {"user.empty", {}},
                                             {"user.long", to_bytes(std::string(2000, 'v'))},
                                             {"user.z", to_bytes("last")}};
  CHECK(file->xattrs() == wanted);
  CHECK(dir->xattrs_at("f") == wanted);
  file->remove_xattr("user.long");
  file->remove_xattr("user.never");  // not there: fine
  dir->remove_xattr_at("f", "user.z");
  dir->set_xattr_at("f", "user.empty", as_bytes("no more"));
  CHECK(file->xattrs() == std::vector<fs::XattrPair>{wanted[0], {"user.empty", to_bytes("no more")}});
}

TEST_CASE("a directory has attributes of its own", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto dir = temp.open();
  dir->set_xattr("user.d", as_bytes("1"));
  CHECK(dir->xattrs() == std::vector<fs::XattrPair>{{"user.d", to_bytes("1")}});
  dir->remove_xattr("user.d");
  CHECK(dir->xattrs().empty());
}

TEST_CASE("attributes of a symlink and of a node are theirs, not the target's", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto dir = temp.open();
  dir->create("target")->set_xattr("user.t", as_bytes("1"));
  dir->make_symlink("link", "target");
  dir->make_node("fifo", fs::FileType::fifo, 0600, 0, 0);
  CHECK(dir->xattrs_at("link").empty());
  CHECK(dir->xattrs_at("fifo").empty());
  CHECK(dir->xattrs_at("target").size() == 1);
  CHECK(errno_of([&] { dir->xattrs_at("none"); }) == ENOENT);
  if (is_root()) {
    dir->set_xattr_at("link", "trusted.l", as_bytes("2"));
    dir->set_xattr_at("fifo", "trusted.f", as_bytes("3"));
    CHECK(dir->xattrs_at("link") == std::vector<fs::XattrPair>{{"trusted.l", to_bytes("2")}});
    CHECK(dir->xattrs_at("fifo") == std::vector<fs::XattrPair>{{"trusted.f", to_bytes("3")}});
    CHECK(dir->xattrs_at("target").size() == 1);
  }
}

TEST_CASE("attributes of an entry are found where listxattrat is missing", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto dir = temp.open();
  dir->create("plain");
  dir->create("f")->set_xattr("user.x", as_bytes("1"));
  const int error_number = GENERATE(ENOSYS, EPERM);
  const auto child = run_in_child([&] {
    constexpr unsigned listxattrat = 465;
    if (!forbid(listxattrat, static_cast<unsigned>(error_number))) return 77;
    const bool found = dir->xattrs_at("f").size() == 1 && dir->xattrs_at("f").size() == 1;
    return found && dir->xattrs_at("plain").empty() && errno_of([&] { dir->xattrs_at("none"); }) == ENOENT
               ? 0
               : 1;
  });
  if (child.exit_code == 77) WARN("no seccomp here");
  else CHECK(child.exit_code == 0);
}

TEST_CASE("names that need escaping have attributes as well", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  auto dir = temp.open();
  const std::string name = "odd\n\xFF name";
  dir->create(name);
  dir->set_xattr_at(name, "user.x", as_bytes("1"));
  CHECK(dir->xattrs_at(name).size() == 1);
}

TEST_CASE("labels that each machine computes are not kept in step", "[fs]") {
  for (const char* kept : {"user.x", "user.", "system.posix_acl_access", "system.posix_acl_default"}) {
    CHECK(fs::is_synced_xattr(kept, true));
    CHECK(fs::is_synced_xattr(kept, false));
  }
  for (const char* privileged : {"security.capability", "security.custom", "trusted.x"}) {
    CHECK(fs::is_synced_xattr(privileged, true));
    CHECK_FALSE(fs::is_synced_xattr(privileged, false));
  }
  for (const char* left :
       {"security.selinux", "security.SMACK64", "security.SMACK64EXEC", "security.ima", "security.evm",
        "security.apparmor", "trusted.SGI_ACL_FILE", "system.nfs4_acl", "btrfs.compression", ""})
    CHECK_FALSE(fs::is_synced_xattr(left, true));
}

TEST_CASE("more attributes than the limit are an error, not a part of them", "[fs]") {
  TempDir temp;
  if (!has_user_xattrs(temp)) return;
  // tmpfs and ext4 hold little: only where the file system can hold them is the limit reached.
  auto file = temp.open()->create("f");
  try {
    for (std::size_t i = 0; i <= limits::xattr_bytes_max / 60'000; ++i)
      file->set_xattr("user.large" + std::to_string(i), as_bytes(std::string(60'000, 'v')));
  } catch (const Error&) {
    return;
  }
  CHECK(throws_code(Errc::limit_exceeded, [&] { file->xattrs(); }));
}
