// SPDX-License-Identifier: Apache-2.0
#include "cli/copy_command_line.hpp"

#include <array>
#include <cstdlib>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/option_table.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using Args = std::vector<std::string>;

CopyCommand parse(Args options, const std::string& input = "") {
  options.insert(options.end(), {"src/", "dst"});
  std::istringstream in(input);
  return parse_copy(options, in);
}

/// The message of a refused command line, or "accepted".
std::string refusal(const Args& args) {
  std::istringstream in;
  try {
    parse_copy(args, in);
  } catch (const Error& error) {
    REQUIRE(error.is(Errc::usage));
    return error.context();
  }
  return "accepted";
}
std::string option_refusal(Args options) {
  options.insert(options.end(), {"src/", "dst"});
  return refusal(options);
}

struct Switch {
  const char* letter;  // "" if there is none
  const char* name;
  bool CopyOptions::*member;
  bool by_default;
};

const std::vector<Switch> switches{
    {"r", "recursive", &CopyOptions::recursive, true},
    {"l", "links", &CopyOptions::links, true},
    {"p", "perms", &CopyOptions::perms, true},
    {"t", "times", &CopyOptions::times, true},
    {"g", "group", &CopyOptions::group, true},
    {"o", "owner", &CopyOptions::owner, true},
    {"D", "", &CopyOptions::devices, true},
    {"H", "hard-links", &CopyOptions::hard_links, true},
    {"A", "acls", &CopyOptions::acls, true},
    {"X", "xattrs", &CopyOptions::xattrs, true},
    {"S", "sparse", &CopyOptions::sparse, true},
    {"n", "dry-run", &CopyOptions::dry_run, false},
    {"u", "update", &CopyOptions::update_only, false},
    {"c", "checksum", &CopyOptions::checksum, false},
    {"x", "one-file-system", &CopyOptions::one_file_system, false},
    {"", "delete", &CopyOptions::delete_extra, false},
    {"", "numeric-ids", &CopyOptions::numeric_ids, false},
    {"", "synclineignore", &CopyOptions::synclineignore, true},
    {"", "gitignore", &CopyOptions::gitignore, false},
};

TEST_CASE("every switch works by letter and by name, on and off, the last one winning", "[cli]") {
  for (const auto& entry : switches) {
    CAPTURE(entry.letter, entry.name);
    CHECK(parse({}).options.*entry.member == entry.by_default);
    std::vector<std::string> on, off;
    if (*entry.letter != '\0') {
      on.push_back(std::string("-") + entry.letter);
      off.push_back(std::string("--no-") + entry.letter);
    }
    if (*entry.name != '\0') {
      on.push_back(std::string("--") + entry.name);
      off.push_back(std::string("--no-") + entry.name);
    }
    for (const auto& yes : on) {
      CHECK(parse({yes}).options.*entry.member);
      for (const auto& no : off) {
        CHECK_FALSE(parse({no}).options.*entry.member);
        CHECK_FALSE(parse({yes, no}).options.*entry.member);
        CHECK(parse({no, yes}).options.*entry.member);
      }
    }
  }
}

TEST_CASE("every flag of the table can be switched off by name and by letter", "[cli]") {
  for (const auto& spec : copy_options()) {
    if (!spec.is_flag() || spec.name == "help") continue;
    Args args;
    if (!spec.name.empty()) args.push_back("--no-" + std::string(spec.name));
    if (spec.letter != '\0') args.push_back(std::string("--no-") + spec.letter);
    if (spec.name == "devices" || spec.name == "specials") args.push_back("--no-D");
    if (spec.name == "links" || spec.name == "archive" || spec.name == "recursive") args.push_back("-r");
    CAPTURE(args);
    CHECK(option_refusal(args) == "accepted");
  }
}

TEST_CASE("letters can be bundled", "[cli]") {
  const auto command = parse({"-aHAXvvni"});
  CHECK(command.options.dry_run);
  CHECK(command.output.itemize);
  CHECK(command.output.verbosity == 2);
}

TEST_CASE("archive mode is the default and --no-a switches off what -a means", "[cli]") {
  const auto plain = parse({"--no-a", "-r"}).options;
  CHECK(plain.recursive);
  CHECK_FALSE(plain.links);
  CHECK_FALSE(plain.perms);
  CHECK_FALSE(plain.times);
  CHECK_FALSE(plain.group);
  CHECK_FALSE(plain.owner);
  CHECK_FALSE(plain.devices);
  CHECK(plain.hard_links);
  const auto back = parse({"--no-archive", "-a"}).options;
  CHECK(back.perms);
  CHECK(back.devices);
}

TEST_CASE("ACLs follow the permissions", "[cli]") {
  CHECK_FALSE(parse({"--no-p"}).options.acls);
  CHECK(parse({"--no-p", "-A"}).options.acls);
  CHECK(parse({"--no-p", "-A"}).options.perms);
  CHECK_FALSE(parse({"-A", "--no-perms"}).options.acls);
}

TEST_CASE("devices and special files cannot be told apart", "[cli]") {
  CHECK(option_refusal({"--no-devices"}).find("--no-D") != std::string::npos);
  CHECK(option_refusal({"--no-specials"}).find("--no-D") != std::string::npos);
  CHECK_FALSE(parse({"--no-devices", "--no-specials"}).options.devices);
}

TEST_CASE("--update alone is -u and with a value says how", "[cli]") {
  CHECK(parse({"--update"}).options.update_only);
  CHECK(parse({"--update"}).options.update == Update::automatic);
  CHECK(parse({"--update=inplace"}).options.update == Update::inplace);
  CHECK_FALSE(parse({"--update=inplace"}).options.update_only);
  CHECK(parse({"--update=atomic"}).options.update == Update::atomic);
  CHECK(parse({"--update=atomic", "--update=auto"}).options.update == Update::automatic);
  CHECK(parse({"--inplace"}).options.update == Update::inplace);
  CHECK(parse({"--inplace", "--no-inplace"}).options.update == Update::automatic);
  CHECK(option_refusal({"--update=true"}) == "--update: 'true' is neither auto, atomic nor inplace");
  CHECK(option_refusal({"--update="}).find("--update=") == 0);
  std::istringstream in;
  const auto command = parse_copy({"src", "--update", "inplace"}, in);  // a path, not a value
  CHECK(command.options.destination == "inplace");
}

TEST_CASE("compression has a flag, a word and levels", "[cli]") {
  CHECK_FALSE(parse({}).options.compress_level);
  CHECK_FALSE(parse({"-z"}).options.compress_level);
  CHECK_FALSE(parse({"--compress=off", "--compress"}).options.compress_level);
  CHECK(parse({"--compress=off"}).options.compress_level == 0);
  CHECK(parse({"--no-z"}).options.compress_level == 0);
  CHECK(parse({"--compress=1"}).options.compress_level == 1);
  CHECK(parse({"--compress=19"}).options.compress_level == 19);
  for (const auto* bad : {"0", "20", "-1", "3x", "", "max"}) {
    CAPTURE(bad);
    const auto message = option_refusal({std::string("--compress=") + bad});
    CHECK(message.find("--compress") == 0);
    CHECK(message.find(bad) != std::string::npos);
  }
}

TEST_CASE("rates are read as rsync reads them", "[cli]") {
  const auto rate = [](const std::string& text) -> std::optional<std::uint64_t> {
    const auto slots = parse({"--bwlimit=" + text}).options.bwlimit;
    if (slots.empty()) return std::nullopt;
    REQUIRE(slots.size() == 1);
    CHECK(slots[0].week_minute == 0);
    return slots[0].bytes_per_second;
  };
  CHECK(rate("100") == 102'400u);
  CHECK(rate("1.5m") == 1'572'864u);
  CHECK(rate("1MB") == 1'000'000u);
  CHECK(rate("2MiB") == 2'097'152u);
  CHECK(rate("1g") == 1'073'741'824u);
  CHECK(rate("512b") == 512u);
  CHECK_FALSE(rate("0"));
  CHECK_FALSE(rate("off"));
  for (const auto* bad : {"abc", "1x", "-1", "1mbb", "511b", "1e3", "nan", "inf"}) {
    CAPTURE(bad);
    CHECK(option_refusal({std::string("--bwlimit=") + bad}).find(std::string("'") + bad) !=
          std::string::npos);
  }
}

TEST_CASE("a timetable of rates is read as rclone reads it", "[cli]") {
  using Slots = std::vector<std::pair<unsigned, std::uint64_t>>;
  const auto slots = [](const std::string& text) {
    Slots out;
    for (const auto& slot : parse({"--bwlimit", text}).options.bwlimit)
      out.emplace_back(slot.week_minute, slot.bytes_per_second);
    return out;
  };
  Slots daily;
  for (unsigned day = 0; day < 7; ++day) {
    daily.emplace_back(day * 1440 + 480, 2'097'152);
    daily.emplace_back(day * 1440 + 1140, 0);
  }
  CHECK(slots("08:00,2M 19:00,off") == daily);
  CHECK(slots(" 19:00,0;; 08:00,2M ") == daily);
  CHECK(slots("Mon-08:00,512 sunday-23:59,1MB TUE-00:00,off") ==
        Slots{{480, 524'288}, {1440, 0}, {6 * 1440 + 1439, 1'000'000}});
  // A day's own entry goes before the one for every day.
  daily[5 * 2].second = 1'048'576;
  CHECK(slots("Sat-08:00,1M 08:00,2M 19:00,off") == daily);
}

TEST_CASE("a timetable with a mistake is refused with the entry at fault", "[cli]") {
  const std::vector<std::array<std::string, 3>> cases{
      {"08:00,2M 24:00,off", "24:00,off", "HH:MM"},
      {"08:60,2M", "08:60,2M", "HH:MM"},
      {"8:00,2M", "8:00,2M", "HH:MM"},
      {"08:00,2M 19:00", "19:00", "HH:MM"},
      {" 1", "1", "HH:MM"},
      {"08:00,", "", "is not a rate"},
      {"08:00,2M,3M", "2M,3M", "is not a rate"},
      {"08:00,fast", "fast", "is not a rate"},
      {"08:00,100b", "100b", "below 512"},
      {"Day-08:00,2M", "Day-08:00,2M", "no day"},
      {"Mon-Tue-08:00,2M", "Mon-Tue-08:00,2M", "HH:MM"},
      {"08:00,1M 08:00,2M", "08:00,2M", "second time"},
      {"Mon-08:00,1M mon-08:00,2M", "mon-08:00,2M", "second time"},
      {"10M:1M", "10M:1M", "each direction"},
      {"08:00,10M:off", "10M:off", "each direction"},
      {" ; ", " ; ", "no timetable"},
  };
  for (const auto& [text, fault, reason] : cases) {
    CAPTURE(text);
    const auto message = option_refusal({"--bwlimit=" + text});
    CHECK(message.find("--bwlimit: '" + fault + "' ") != std::string::npos);
    CHECK(message.find(reason) != std::string::npos);
  }
}

TEST_CASE("a timetable has at most limits::rate_slots_max moments", "[cli]") {
  const auto table = [](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      const auto minute = i % 1440;
      const auto two = [](std::size_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
      out += "mon-" + two(minute / 60) + ':' + two(minute % 60) + ",1M ";
    }
    return out;
  };
  CHECK(parse({"--bwlimit", table(limits::rate_slots_max)}).options.bwlimit.size() == limits::rate_slots_max);
  CHECK(option_refusal({"--bwlimit", table(limits::rate_slots_max + 1)}).find("more than 1024 moments") !=
        std::string::npos);
}

TEST_CASE("values are taken behind a space and behind an equals sign", "[cli]") {
  CHECK(parse({"--state", "/s"}).options.state_dir == "/s");
  CHECK(parse({"--state=/s", "--state=/t"}).options.state_dir == "/t");
  CHECK(parse({"--backup-dir", "old"}).options.backup_dir == "old");
  CHECK(parse({"--max-delete=0"}).options.max_delete == 0u);
  CHECK(parse({"--chown", "u:g"}).options.chown == "u:g");
  CHECK(parse({"--chown=:g"}).options.chown == ":g");
  CHECK(parse({"--log-file=l"}).output.log_file == "l");
  CHECK(parse({"--threads=3"}).options.threads == 3u);
  CHECK(parse({"--durability=none"}).options.durability == Durable::none);
  CHECK(parse({"--durability=file"}).options.durability == Durable::file);
  CHECK(parse({"--durability=batch"}).options.durability == Durable::batch);
  CHECK(parse({}).options.drift == Drift::heal);
  CHECK(parse({}).options.drift_keep == DriftKeep::none);
  CHECK(parse({"--drift=keep"}).options.drift == Drift::keep);
  CHECK(parse({"--drift", "report"}).options.drift == Drift::report);
  CHECK(parse({"--drift=keep", "--drift=heal"}).options.drift == Drift::heal);
  CHECK(parse({"--drift-keep=beside"}).options.drift_keep == DriftKeep::beside);
  CHECK(parse({"--drift-keep=area"}).options.drift_keep == DriftKeep::area);
  CHECK(parse({"--drift-keep=beside", "--drift-keep=none"}).options.drift_keep == DriftKeep::none);
}

TEST_CASE("a bad value is named with its option", "[cli]") {
  CHECK(option_refusal({"--durability=always"}) == "--durability: 'always' is neither none, batch nor file");
  CHECK(option_refusal({"--drift=merge"}) == "--drift: 'merge' is neither heal, keep nor report");
  CHECK(option_refusal({"--drift-keep=there"}) == "--drift-keep: 'there' is neither none, beside nor area");
  CHECK(option_refusal({"--max-delete=-1"}).find("--max-delete: '-1'") == 0);
  CHECK(option_refusal({"--chown=a:b:c"}).find("--chown: 'a:b:c'") == 0);
  CHECK(option_refusal({"--chown=:"}).find("--chown: ':'") == 0);
  CHECK(option_refusal({"--state="}).find("--state=") == 0);
  CHECK(option_refusal({"--durability=a\nb"}).find("a\\012b") != std::string::npos);
  CHECK(refusal({"src", "dst", "--exclude"}).find("value") != std::string::npos);
  CHECK(option_refusal({"--delete=now"}).find("takes no value") != std::string::npos);
  CHECK(option_refusal({"--no-update=auto"}).find("takes no value") != std::string::npos);
}

TEST_CASE("output options count and combine as in rsync", "[cli]") {
  CHECK(parse({}).output.human == 1);
  CHECK(parse({"-h"}).output.human == 2);
  CHECK(parse({"-hh"}).output.human == 3);
  CHECK(parse({"-hhh"}).output.human == 3);
  CHECK(parse({"--no-h"}).output.human == 0);
  CHECK(parse({"-P"}).output.progress == true);
  CHECK(parse({"-P", "--no-progress"}).output.progress == false);
  CHECK_FALSE(parse({}).output.progress);
  CHECK(parse({"-q"}).output.quiet);
  CHECK(parse({"-vv", "--no-v"}).output.verbosity == 0);
  CHECK(parse({"--stats"}).output.stats);
  CHECK(parse({"--json"}).output.json);
}

TEST_CASE("letters that mean more in rsync when repeated are refused", "[cli]") {
  CHECK(option_refusal({"-xx"}).find("--one-file-system") != std::string::npos);
  CHECK(option_refusal({"-i", "-i"}).find("--itemize-changes") != std::string::npos);
  CHECK(option_refusal({"-aa", "-HH"}) == "accepted");
}

TEST_CASE("paths keep every byte and options may follow them", "[cli]") {
  std::istringstream in;
  const auto command = parse_copy({"[a,b]", "-n", "./x:y", "--", "-v", "{d}"}, in);
  CHECK(command.options.sources == Args{"[a,b]", "./x:y", "-v"});
  CHECK(command.options.destination == "{d}");
  CHECK(command.options.dry_run);
  CHECK(command.output.verbosity == 0);
  const auto odd = parse_copy({"a\nb/", "\xFF", "d"}, in);
  CHECK(odd.options.sources == Args{"a\nb/", "\xFF"});
}

TEST_CASE("missing paths are refused", "[cli]") {
  CHECK(refusal({}) == "SRC and DST are missing");
  CHECK(refusal({"-av"}) == "SRC and DST are missing");
  CHECK(refusal({"src"}) == "DST is missing after 'src'");
  CHECK(refusal({"src", ""}).find("empty path") != std::string::npos);
}

TEST_CASE("places on other machines are paths like any other", "[cli]") {
  std::istringstream in;
  for (const auto* remote : {"host:dir", "u@host:", "syncline://h:1/x", "syncline://[::1]/x/y/"}) {
    CAPTURE(remote);
    CHECK(parse_copy({"src", remote}, in).options.destination == remote);
    CHECK(parse_copy({remote, "dst"}, in).options.sources == Args{remote});
  }
  CHECK(refusal({"./a:b", "/x/c:d"}) == "accepted");
}

TEST_CASE("the remote shell is ssh unless -e says otherwise, with words as a shell splits them", "[cli]") {
  const auto shell = [](const std::string& text) { return parse({"-e", text}).options.remote_shell; };
  CHECK(parse({}).options.remote_shell == Args{"ssh"});
  CHECK(shell("ssh -p 22") == Args{"ssh", "-p", "22"});
  CHECK(shell(" \tssh  -v\t ") == Args{"ssh", "-v"});
  CHECK(shell("ssh -o 'ProxyCommand=nc \"a b\"'") == Args{"ssh", "-o", "ProxyCommand=nc \"a b\""});
  CHECK(shell("ssh -i \"it's mine\"") == Args{"ssh", "-i", "it's mine"});
  CHECK(shell("ssh -o'User'\"Name\"=x") == Args{"ssh", "-oUserName=x"});
  CHECK(shell("ssh '' \"\"") == Args{"ssh", "", ""});
  CHECK(shell("ssh a\\ b") == Args{"ssh", "a\\", "b"});  // as in rsync, a backslash is none of the quotes
  CHECK(parse({"--rsh=ssh -4"}).options.remote_shell == Args{"ssh", "-4"});
  CHECK(parse({"-e", "rsh", "--rsh", "ssh -6"}).options.remote_shell == Args{"ssh", "-6"});
}

TEST_CASE("a remote shell that is no command is refused", "[cli]") {
  CHECK(option_refusal({"-e", "ssh 'x"}) == "--rsh: 'ssh 'x' has a quote that is not closed");
  CHECK(option_refusal({"-e", "ssh \"it's"}).find("not closed") != std::string::npos);
  CHECK(option_refusal({"-e", ""}) == "--rsh: '' is empty");
  CHECK(option_refusal({"-e", " \t"}).find("names no command") != std::string::npos);
  CHECK(option_refusal({"-e", "'' -p 22"}).find("names no command") != std::string::npos);
  CHECK(option_refusal({"--rsh="}) == "--rsh=: the value is missing");
  CHECK(refusal({"src/", "dst", "--rsh"}) == "--rsh: the value is missing");
}

TEST_CASE("retries are counted from none to a million", "[cli]") {
  CHECK(parse({}).options.retries == 5u);
  CHECK(parse({"--retries=0"}).options.retries == 0u);
  CHECK(parse({"--retries", "1000000"}).options.retries == 1'000'000u);
  for (const auto* bad : {"1000001", "-1", "many", "1.5"}) {
    CAPTURE(bad);
    CHECK(option_refusal({std::string("--retries=") + bad}) ==
          "--retries: '" + std::string(bad) + "' is not a number from 0 to 1000000");
  }
}

TEST_CASE("the key of a server and the program over there are kept as typed", "[cli]") {
  CHECK_FALSE(parse({}).options.server_key);
  CHECK(parse({}).options.remote_program == "syncline");
  CHECK(parse({"--server-key=SHA256:x"}).options.server_key == "SHA256:x");
  CHECK(parse({"--syncline-path", "/opt/my tools/syncline"}).options.remote_program ==
        "/opt/my tools/syncline");
  CHECK(option_refusal({"--server-key="}) == "--server-key=: the value is missing");
  CHECK(option_refusal({"--server-key", ""}) == "--server-key: '' is empty");
  CHECK(option_refusal({"--syncline-path", ""}) == "--syncline-path: '' is empty");
}

TEST_CASE("rsync's other options are refused by name and typing errors as unknown", "[cli]") {
  CHECK(option_refusal({"--link-dest=x"}) == "rsync's --link-dest is not supported by syncline");
  CHECK(option_refusal({"--filter", "x"}) ==
        "rsync's --filter is not supported by syncline (use --include and --exclude)");
  CHECK(option_refusal({"-R"}) == "rsync's -R is not supported by syncline");
  CHECK(option_refusal({"-avW"}).find("rsync's -W ") == 0);
  CHECK(option_refusal({"-b"}).find("--backup-dir") != std::string::npos);
  CHECK(option_refusal({"--no-relative"}) == "rsync's --no-relative is not supported by syncline");
  CHECK(option_refusal({"--del"}).find("rsync's --del is not") == 0);
  CHECK(option_refusal({"--delet"}) == "unknown option --delet");
  CHECK(option_refusal({"--frob=1"}) == "unknown option --frob");
  CHECK(option_refusal({"-Z"}) == "unknown option -Z");
  CHECK(option_refusal({"-!"}) == "unknown option -!");
  CHECK(option_refusal({"--\033[1m"}).find('\033') == std::string::npos);
}

TEST_CASE("deleting needs recursion", "[cli]") {
  CHECK(option_refusal({"--delete", "--no-r"}).find("--delete") == 0);
  CHECK(option_refusal({"--delete"}) == "accepted");
}

TEST_CASE("help needs no paths", "[cli]") {
  std::istringstream in;
  CHECK(parse_copy({"--help"}, in).help);
}

TEST_CASE("any command line is either understood or refused as wrong usage", "[cli]") {
  const auto seed = std::random_device{}();
  std::mt19937_64 rng(seed);
  const Args words{"-",        "--",        "a",          "=",       "no-",   "update", "compress",
                   "exclude",  "delete",    "-v",         "-n",      "[a,b]", "1",      "auto",
                   "\xFF",     " ",         "!",          "+ ",      "{",     "}",      ":",
                   "--update", "--exclude", "--no-p",     "bwlimit", "\n",    "chown",  "state",
                   "-D",       "%",         "--include=", "/",       ""};
  // Building the grammar anew each time takes twenty times as long with a sanitizer.
  const int rounds = std::getenv("SYNCLINE_SANITIZED") == nullptr ? 4000 : 400;
  for (int round = 0; round < rounds; ++round) {
    Args args;
    for (auto left = rng() % 6; left > 0; --left) {
      args.emplace_back();
      for (auto parts = rng() % 4; parts > 0; --parts) args.back() += words[rng() % words.size()];
    }
    CAPTURE(seed, round, args);
    std::istringstream in;
    try {
      const auto command = parse_copy(args, in);
      CHECK((command.help || !command.options.sources.empty()));
    } catch (const Error& error) {
      CHECK(error.is(Errc::usage));
      CHECK_FALSE(error.context().empty());
    }
  }
}

}  // namespace
}  // namespace syncline::cli
