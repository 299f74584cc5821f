// SPDX-License-Identifier: Apache-2.0
// The table of options and what each does to the command.
#include "cli/option_table.hpp"

#include <algorithm>
#include <array>

#include "cli/bandwidth.hpp"
#include "cli/filter_arguments.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {
namespace {

using Draft = CopyDraft;
using Use = OptionUse;
using enum OptionGroup;

template <bool CopyOptions::*Member>
void attribute(Draft& draft, const Use& use) {
  draft.command.options.*Member = use.on;
}
template <bool OutputOptions::*Member>
void show(Draft& draft, const Use& use) {
  draft.command.output.*Member = use.on;
}

void recursive(Draft& draft, const Use& use) {
  draft.command.options.recursive = use.on;
  draft.recursive_asked = use.on;
}

// rsync's -rlptgoD. With --files-from rsync's -a does not mean -r, hence no recursive_asked.
void archive(Draft& draft, const Use& use) {
  auto& options = draft.command.options;
  for (auto* member : {&options.recursive, &options.links, &options.perms, &options.times, &options.group,
                       &options.owner, &draft.devices, &draft.specials})
    *member = use.on;
}

// An ACL contains the permission bits: -A implies -p as in rsync, and without -p there is none.
void perms(Draft& draft, const Use& use) {
  draft.command.options.perms = use.on;
  if (!use.on) draft.command.options.acls = false;
}
void acls(Draft& draft, const Use& use) {
  draft.command.options.acls = use.on;
  if (use.on) draft.command.options.perms = true;
}

void devices(Draft& draft, const Use& use) { draft.devices = use.on; }
void specials(Draft& draft, const Use& use) { draft.specials = use.on; }
void both_devices(Draft& draft, const Use& use) { draft.devices = draft.specials = use.on; }

void verbose(Draft& draft, const Use& use) {
  draft.command.output.verbosity = use.on ? draft.command.output.verbosity + 1 : 0;
}
void human(Draft& draft, const Use& use) {
  auto& level = draft.command.output.human;
  level = use.on ? std::min(level + 1, 3) : 0;
}
void progress(Draft& draft, const Use& use) { draft.command.output.progress = use.on; }
void partial(Draft& draft, const Use& use) { draft.partial = use.on; }
void partial_progress(Draft& draft, const Use& use) {
  partial(draft, use);
  progress(draft, use);
}
void log_file(Draft& draft, const Use& use) { draft.command.output.log_file = use.value; }
void help(Draft& draft, const Use&) { draft.command.help = true; }

void inplace(Draft& draft, const Use& use) {
  auto& update = draft.command.options.update;
  if (use.on) update = Update::inplace;
  else if (update == Update::inplace) update = Update::automatic;
}
void update_how(Draft& draft, const Use& use) {
  draft.command.options.update = parse_update(use.option, use.value);
}
void durability(Draft& draft, const Use& use) {
  draft.command.options.durability = parse_durability(use.option, use.value);
}
void compress(Draft& draft, const Use& use) {
  draft.command.options.compress_level = use.on ? std::nullopt : std::optional<int>(0);
}
void compress_how(Draft& draft, const Use& use) {
  draft.command.options.compress_level = parse_compression(use.option, use.value);
}
void bwlimit(Draft& draft, const Use& use) {
  draft.command.options.bwlimit = parse_bandwidth(use.option, use.value);
}
void threads(Draft& draft, const Use& use) {
  draft.command.options.threads = static_cast<unsigned>(parse_number(use.option, use.value, 0, 1024));
}
void max_delete(Draft& draft, const Use& use) {
  draft.command.options.max_delete = parse_number(use.option, use.value, 0, 1'000'000'000'000);
}
void chown(Draft& draft, const Use& use) {
  draft.command.options.chown = parse_ownership(use.option, use.value);
}

void required(const Use& use) {
  if (use.value.empty()) refuse_value(use.option, use.value, "is empty");
}
void backup_dir(Draft& draft, const Use& use) {
  required(use);
  draft.command.options.backup_dir = use.value;
}
void state(Draft& draft, const Use& use) {
  required(use);
  draft.command.options.state_dir = use.value;
}

void of_watch(Draft& draft, const Use& use) {
  if (draft.command.watch.named.empty()) draft.command.watch.named = use.option;
}
void guard_changes(Draft& draft, const Use& use) {
  of_watch(draft, use);
  draft.command.watch.guard_changes = use.on;
}
void watch_with(Draft& draft, const Use& use) {
  of_watch(draft, use);
  draft.command.watch.with = parse_watch_with(use.option, use.value);
}

void remote_shell(Draft& draft, const Use& use) {
  required(use);
  draft.command.options.remote_shell = split_words(use.option, use.value);
}
void remote_program(Draft& draft, const Use& use) {
  required(use);
  draft.command.options.remote_program = use.value;
}
void server_key(Draft& draft, const Use& use) {
  required(use);
  draft.command.options.server_key = use.value;
}
void retries(Draft& draft, const Use& use) {
  draft.command.options.retries = static_cast<unsigned>(parse_number(use.option, use.value, 0, 1'000'000));
}

void exclude(Draft& draft, const Use& use) {
  add_filter_text(draft.command.options.filters, false, use.option, use.value);
}
void include(Draft& draft, const Use& use) {
  add_filter_text(draft.command.options.filters, true, use.option, use.value);
}
void exclude_from(Draft& draft, const Use& use) {
  add_filter_file(draft.command.options.filters, false, use.option, use.value, *draft.standard_input);
}
void include_from(Draft& draft, const Use& use) {
  add_filter_file(draft.command.options.filters, true, use.option, use.value, *draft.standard_input);
}
void files_from(Draft& draft, const Use& use) {
  draft.command.options.files_from = read_name_list(use.option, use.value, *draft.standard_input);
}

using Opt = CopyOptions;
using Out = OutputOptions;

constexpr auto table = std::to_array<OptionSpec>({
    {"archive", 'a', "", attributes, "same as -rlptgoD; on by default, like -HAXS", archive},
    {"recursive", 'r', "", attributes, "go into directories", recursive},
    {"links", 'l', "", attributes, "copy symlinks as symlinks", attribute<&Opt::links>},
    {"perms", 'p', "", attributes, "keep permissions (--no-perms also drops ACLs)", perms},
    {"times", 't', "", attributes, "keep modification times, to the nanosecond", attribute<&Opt::times>},
    {"group", 'g', "", attributes, "keep the group", attribute<&Opt::group>},
    {"owner", 'o', "", attributes, "keep the owner (when privileged)", attribute<&Opt::owner>},
    {"devices", '\0', "", attributes, "keep device files (when privileged)", devices},
    {"specials", '\0', "", attributes, "keep sockets and FIFOs", specials},
    {"", 'D', "", attributes, "same as --devices --specials", both_devices},
    {"hard-links", 'H', "", attributes, "keep hard links", attribute<&Opt::hard_links>},
    {"acls", 'A', "", attributes, "keep POSIX ACLs (implies --perms)", acls},
    {"xattrs", 'X', "", attributes, "keep extended attributes", attribute<&Opt::xattrs>},
    {"sparse", 'S', "", attributes, "write runs of zeros as holes", attribute<&Opt::sparse>},
    {"numeric-ids", '\0', "", attributes, "keep user and group numbers, do not map names",
     attribute<&Opt::numeric_ids>},
    {"chown", '\0', "USER:GROUP", attributes, "give everything to USER and GROUP", chown},

    {"update", 'u', "", selection, "skip files that are newer in DST (no value: see --update=)",
     attribute<&Opt::update_only>},
    {"checksum", 'c', "", selection, "compare contents, not sizes and times", attribute<&Opt::checksum>},
    {"one-file-system", 'x', "", selection, "stay on the file systems of the sources",
     attribute<&Opt::one_file_system>, true},
    {"exclude", '\0', "PATTERN", selection, "leave out what matches PATTERN", exclude},
    {"include", '\0', "PATTERN", selection, "do not leave out what matches PATTERN", include},
    {"exclude-from", '\0', "FILE", selection, "read exclude patterns from FILE ('-': standard input)",
     exclude_from},
    {"include-from", '\0', "FILE", selection, "read include patterns from FILE", include_from},
    {"files-from", '\0', "FILE", selection, "copy only what FILE lists; -r must be given for recursion",
     files_from},
    {"synclineignore", '\0', "", selection, "leave out what .synclineignore files name (on by default)",
     attribute<&Opt::synclineignore>},
    {"gitignore", '\0', "", selection, "leave out what .gitignore files name, and .git",
     attribute<&Opt::gitignore>},

    {"delete", '\0', "", deletion, "delete from DST what SRC does not have", attribute<&Opt::delete_extra>},
    {"max-delete", '\0', "N", deletion, "delete at most N entries, then exit 25", max_delete},
    {"backup-dir", '\0', "DIR", deletion, "move what is replaced or deleted to DIR", backup_dir},

    {"dry-run", 'n', "", receiving, "change nothing, show what would be done", attribute<&Opt::dry_run>},
    {"inplace", '\0', "", receiving, "same as --update=inplace", inplace},
    {"update", '\0', "HOW", receiving, "how files change: auto, atomic (by rename) or inplace", update_how},
    {"durability", '\0', "WHEN", receiving, "sync to disk: none, batch (default) or each file", durability},
    {"partial", '\0', "", receiving, "accepted: work done before a stop is always kept", partial},
    {"compress", 'z', "", receiving, "same as --compress=auto", compress},
    {"compress", '\0', "HOW", receiving, "off, auto (default) or a zstd level from 1 to 19", compress_how},
    {"bwlimit", '\0', "RATE", receiving, "limit the transfer; KiB a second or with a suffix, or by the time",
     bwlimit},
    {"state", '\0', "DIR", receiving, "keep the state in DIR, not in $XDG_STATE_HOME/syncline", state},
    {"threads", '\0', "N", receiving, "use N threads; 0 means one a core", threads},

    {"rsh", 'e', "COMMAND", remote, "the remote shell for HOST:PATH (default ssh)", remote_shell},
    {"syncline-path", '\0', "PROGRAM", remote, "where syncline is at HOST", remote_program},
    {"server-key", '\0', "KEY", remote, "the key that the server must have (see 'syncline id')", server_key},
    {"retries", '\0', "N", remote, "try again so often after a connection that broke (5)", retries},

    {"verbose", 'v', "", output, "name what changes, then sum up", verbose},
    {"quiet", 'q', "", output, "print errors only", show<&Out::quiet>},
    {"itemize-changes", 'i', "", output, "tell for each change what differs, as rsync does",
     show<&Out::itemize>, true},
    {"human-readable", 'h', "", output, "numbers in units of 1000; -hh: of 1024", human},
    {"progress", '\0', "", output, "show progress also where there is no terminal", progress},
    {"", 'P', "", output, "same as --partial --progress", partial_progress},
    {"stats", '\0', "", output, "print figures of the transfer", show<&Out::stats>},
    {"log-file", '\0', "FILE", output, "append a line for each change and error to FILE", log_file},
    {"event-log", '\0', "", output, "note what is done, for 'syncline log'; watch does it anyway",
     show<&Out::event_log>},
    {"json", '\0', "", output, "print NDJSON records; the last is 'summary' or 'error'", show<&Out::json>},
    {"guard-changes", '\0', "", watching, "hold changes of many files at once (on by default)",
     guard_changes},
    {"watch-with", '\0', "HOW", watching, "how SRC is watched: inotify, fanotify or auto (default)",
     watch_with},

    {"help", '\0', "", other, "show this help", help},
});

}  // namespace

std::span<const OptionSpec> copy_options() { return table; }

bool shares_name(const OptionSpec& flag) {
  return flag.is_flag() && !flag.name.empty() && std::ranges::any_of(table, [&](const auto& other) {
           return !other.is_flag() && other.name == flag.name;
         });
}

}  // namespace syncline::cli
