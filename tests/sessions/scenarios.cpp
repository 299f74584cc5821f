// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

namespace syncline::test {
namespace {

constexpr int kib = 1024;

std::string edited(std::string text) {
  for (std::size_t at = 60'000; at < 180'000; at += 3000) text.insert(at, "edit " + std::to_string(at));
  return text;
}

std::string book() { return words(300 * kib, 2); }

void make_tree(const Site& site) {
  site.dir("dir/deep");
  site.file("a.txt", "alpha\n", 1);
  site.file("empty", "", 1);
  site.file("dir/b.txt", words(3000, 1), 1);
  site.file("dir/deep/c", "gamma\n", 1);
  site.file("dir/deep/d", "delta\n", 1);
  site.symlink("link", "dir/b.txt", 1);
  site.fifo("fifo", 1);
  site.file("one", "hard\n", 1);
  site.hard_link("two", "one");
  site.file("book", book(), 1);
  site.file("holes", words(70 * kib, 3) + std::string(256 * kib, '\0') + words(10 * kib, 4), 1);
  site.settle(1);
}

void change_tree(const Site& site) {
  site.file("book", edited(book()), 2);
  site.file("new", words(5000, 5), 2);
  site.rename("dir/b.txt", "dir/renamed");
  site.mode("dir/deep/c", 0600);
  site.remove("a.txt");
  site.settle(2);
}

void change_again(const Site& site) {
  auto text = edited(book());
  text.replace(100'000, 20, "changed once more...");
  site.file("book", text, 3);
}

void drift(const Site& site) {
  site.file("dir/renamed", "edited over there\n", 4);
  site.file("extra", "made over there\n", 4);
  site.remove("dir/deep/d");
  site.settle(4);
}

void delete_extra(CopyOptions& options) { options.delete_extra = true; }

/// A first copy, one that finds nothing to do, changes of every kind, a change of what changed last time, and
/// what somebody did at the target.
Scenario changes(bool push) {
  Scenario out{.name = push ? "push-changes" : "pull-changes", .push = push};
  out.steps = {{make_tree, {}, delete_extra},
               {{}, {}, delete_extra},
               {change_tree, {}, delete_extra},
               {change_again, {}, delete_extra},
               {[](const Site& site) { site.file("new", "newer\n", 5); }, drift, delete_extra}};
  return out;
}

/// Both have a tree and neither remembers the other: a dry run, then the real one.
Scenario first_meeting(bool push) {
  const auto with_dry_run = [](CopyOptions& options) { options.delete_extra = options.dry_run = true; };
  const auto make_new = [](const Site& site) { make_tree(site), change_tree(site); };
  const auto make_old = [](const Site& site) {
    make_tree(site);
    site.file("dir/deep/c", "of long ago\n", 0);
    site.file("gone", "not at the source\n", 0);
    site.settle(0);
  };
  Scenario out{.name = push ? "push-meeting" : "pull-meeting", .push = push};
  out.steps = {{make_new, make_old, with_dry_run}, {{}, {}, delete_extra}};
  return out;
}

/// The connection breaks off inside of a large file; the next one goes on there.
Scenario broken(bool push) {
  const auto make = [](const Site& site) {
    site.file("big", words(1700 * kib, 6), 1);
    site.file("small", "small\n", 1);
    site.settle(1);
  };
  Scenario out{.name = push ? "push-broken" : "pull-broken", .push = push};
  // What breaks off leaves the time of the target's root moved.
  const auto restore = [](const Site& site) { site.settle(0); };
  out.steps = {{make, {}, {}, 1280 * kib}, {{}, restore, {}}};
  return out;
}

/// A new file has much in common with one that was changed at the target, and stays so: what cannot be copied
/// from there is asked for.
Scenario asked_for(bool push) {
  const auto update_only = [](CopyOptions& options) { options.update_only = true; };
  const auto make = [](const Site& site) { site.file("a", words(300 * kib, 7), 1), site.settle(1); };
  const auto add = [](const Site& site) {
    site.file("b", words(4000, 8) + words(300 * kib, 7), 2);
    site.settle(2);
  };
  const auto change = [](const Site& site) {
    auto text = words(300 * kib, 7);
    text.replace(150'000, 16, "other content...");
    site.file("a", text, 9);
  };
  Scenario out{.name = push ? "push-chunks" : "pull-chunks", .push = push};
  out.steps = {{make, {}, update_only}, {add, change, update_only}};
  return out;
}

void make_two(const Site& site) {
  site.file("a", "alpha\n", 1);
  site.file("b", "beta\n", 1);
  site.settle(1);
}

/// Without the right to remove anything.
Scenario may_not_remove() {
  const auto remove = [](const Site& site) { site.remove("b"), site.settle(2); };
  Scenario out{.name = "push-no-removal"};
  out.may_delete = false;
  out.steps = {{make_two, {}, delete_extra}, {remove, {}, delete_extra}};
  return out;
}

/// What is left at the source is nothing, which a guard holds.
Scenario guarded() {
  const auto with_guards = [](CopyOptions& options) {
    options.delete_extra = options.guard_deletes = options.guard_changes = true;
  };
  const auto empty = [](const Site& site) { site.remove("a"), site.remove("b"), site.settle(2); };
  Scenario out{.name = "pull-guarded", .push = false};
  out.steps = {{make_two, {}, with_guards}, {empty, {}, with_guards}};
  return out;
}

Scenario may_not_write() {
  Scenario out{.name = "push-refused"};
  out.may_write = false;
  out.steps = {{make_two, {}, {}}};
  return out;
}

/// The target's groups are others; the second session knows that already. Other options keep it from being
/// in step, which would depend on the group of whoever runs it.
Scenario groups(bool push) {
  const auto with_group = [](CopyOptions& options) { options.group = true; };
  const auto with_more = [](CopyOptions& options) { options.group = options.delete_extra = true; };
  const auto make = [](const Site& site) { make_two(site), site.leave_group_0(); };
  const auto change = [](const Site& site) {
    site.file("a", "other\n", 2);
    site.leave_group_0();
  };
  Scenario out{.name = push ? "push-groups" : "pull-groups", .push = push, .by_group = true};
  out.steps = {{make, {}, with_group}, {change, {}, with_more}};
  return out;
}

Scenario attributes() {
  const auto with_xattrs = [](CopyOptions& options) { options.xattrs = true; };
  const auto make = [](const Site& site) {
    make_two(site);
    site.xattr("a", "user.note", "first");
  };
  const auto change = [](const Site& site) { site.xattr("b", "user.note", "second"); };
  Scenario out{.name = "push-xattrs", .needs_xattrs = true};
  out.steps = {{make, {}, with_xattrs}, {change, {}, with_xattrs}};
  return out;
}

/// One file, under another name.
Scenario one_entry(bool push) {
  const auto change = [](const Site& site) { site.file("a", "other\n", 2); };
  Scenario out{.name = push ? "push-entry" : "pull-entry", .push = push, .sources = {"a"}, .target = "c"};
  out.steps = {{make_two, {}, {}}, {change, {}, {}}};
  return out;
}

/// One of them is not there.
Scenario several_sources() {
  const auto make = [](const Site& site) {
    site.dir("one/common");
    site.dir("two/common");
    site.file("one/a", "alpha\n", 1);
    site.file("two/a", "hidden by the first\n", 1);
    site.file("one/common/b", "beta\n", 1);
    site.file("two/common/c", "gamma\n", 1);
    site.settle(1);
  };
  Scenario out{.name = "pull-several", .push = false, .sources = {"one/", "two/", "three/"}};
  out.steps = {{make, {}, {}}};
  return out;
}

/// The server has forgotten everything and is another replica: what the client begins with is a wrong guess.
Scenario state_lost(bool push) {
  const auto change = [](const Site& site) { site.file("a", "other\n", 2); };
  Scenario out{.name = push ? "push-state-lost" : "pull-state-lost", .push = push};
  out.steps = {{make_two, {}, {}}, {.at_source = change, .at_target = {}, .with = {}, .loses_state = true}};
  return out;
}

/// Content counts, and not size and time: what is the same under another time is not sent.
Scenario checksum() {
  const auto with_checksum = [](CopyOptions& options) { options.checksum = true; };
  const auto change = [](const Site& site) {
    site.file("a", "alpha\n", 2);
    site.file("b", "BETA\n", 1);
  };
  Scenario out{.name = "push-checksum"};
  out.steps = {{make_two, {}, with_checksum}, {change, {}, with_checksum}};
  return out;
}

/// What a person may want besides, as far as the other side is told of it.
Scenario with_options(bool push) {
  const auto all = [](CopyOptions& options) {
    options.filters = {{true, "*.c"}, {false, "*.o"}};
    options.files_from = {"a", "b.o", "dir"};
    options.backup_dir = "old";
    options.bwlimit = {{0, 100'000'000}, {600, 200'000'000}};
    options.max_delete = 5;
    options.sparse = false;
    options.one_file_system = options.numeric_ids = true;
  };
  const auto make = [](const Site& site) {
    make_two(site);
    site.dir("dir");
    site.file("b.o", "left out\n", 1);
    site.file("dir/c.c", "included\n", 1);
    site.settle(1);
  };
  Scenario out{.name = push ? "push-options" : "pull-options", .push = push};
  out.steps = {{make, {}, all}};
  return out;
}

Scenario uncompressed(bool push) {
  const auto level_0 = [](CopyOptions& options) { options.compress_level = 0; };
  const auto make = [](const Site& site) {
    make_two(site);
    site.file("c", words(5000, 9), 1);
    site.settle(1);
  };
  Scenario out{.name = push ? "push-level-0" : "pull-level-0", .push = push};
  out.steps = {{make, {}, level_0}};
  return out;
}

/// Rules that lie in the source: what they name is neither sent nor removed, until they change.
Scenario with_rules_files(bool push) {
  const auto make = [](const Site& site) {
    make_two(site);
    site.dir("dir");
    site.file(".synclineignore", "*.o\n", 1);
    site.file("dir/.synclineignore", "!c.o\n", 1);
    site.file("b.o", "left out\n", 1);
    site.file("dir/c.o", "taken in\n", 1);
    site.settle(1);
  };
  const auto make_old = [](const Site& site) { site.file("theirs.o", "kept\n", 0), site.settle(0); };
  const auto change = [](const Site& site) { site.file(".synclineignore", "b.*\n", 2), site.settle(2); };
  const auto with_rules = [](CopyOptions& options) { options.delete_extra = options.synclineignore = true; };
  Scenario out{.name = push ? "push-rules-files" : "pull-rules-files", .push = push};
  out.steps = {{make, make_old, with_rules}, {{}, {}, with_rules}, {change, {}, with_rules}};
  return out;
}

/// What others made of the receiving side is kept, and after that left.
Scenario drift(bool push) {
  const auto kept = [](CopyOptions& options) {
    options.delete_extra = true;
    options.drift_keep = DriftKeep::area;  // not beside: the name of this machine is no other one's
  };
  const auto left = [](CopyOptions& options) {
    options.delete_extra = true;
    options.drift = Drift::keep;
  };
  const auto change = [](const Site& site) {
    site.file("a", "theirs\n", 3);
    site.dir("dir");
    site.file("dir/extra", "theirs too\n", 3);
    site.settle(3);
  };
  const auto change_more = [](const Site& site) { site.file("b", "theirs again\n", 4), site.settle(4); };
  Scenario out{.name = push ? "push-drift" : "pull-drift", .push = push};
  out.steps = {{make_two, {}, kept}, {{}, change, kept}, {{}, change_more, left}, {{}, {}, left}};
  return out;
}

}  // namespace

std::vector<Scenario> scenarios() {
  return {changes(true),
          changes(false),
          first_meeting(true),
          first_meeting(false),
          broken(true),
          broken(false),
          asked_for(true),
          asked_for(false),
          may_not_remove(),
          may_not_write(),
          groups(true),
          groups(false),
          attributes(),
          one_entry(true),
          one_entry(false),
          several_sources(),
          state_lost(true),
          state_lost(false),
          uncompressed(true),
          uncompressed(false),
          checksum(),
          with_options(true),
          with_options(false),
          with_rules_files(true),
          with_rules_files(false),
          drift(true),
          drift(false),
          guarded()};
}

}  // namespace syncline::test
