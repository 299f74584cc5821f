// SPDX-License-Identifier: Apache-2.0
// Parse, ask about each path, print as `git check-ignore` does.
#include "cli/check_ignore_command.hpp"

#include <cerrno>
#include <istream>
#include <ostream>

#include "base/error.hpp"
#include "cli/check_ignore_command_line.hpp"
#include "cli/deciding_rule.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "sync/ignore_check.hpp"

namespace syncline::cli {
namespace {

constexpr int some_ignored = 0;
constexpr int none_ignored = 1;
constexpr int not_told = 128;

/// Patterns are full of backslashes: these stay as they are.
std::string shown_pattern(std::string_view pattern) {
  std::string out;
  for (;;) {
    const auto end = pattern.find('\\');
    out += escape_name(pattern.substr(0, end));
    if (end == pattern.npos) return out;
    out += '\\';
    pattern.remove_prefix(end + 1);
  }
}

class Answers {
 public:
  Answers(const CheckIgnoreCommand& command, Console& console, const sync::World& world)
      : command_(command), console_(console), check_(world, command.options) {}

  void give(const std::string& typed) {
    const auto verdict = check_.verdict(check_.inside(typed), typed.ends_with('/'));
    const bool matches = verdict.by != sync::Verdict::By::nothing;
    // As in git: with -v a rule that takes an entry in is told, and counts, like any other.
    const bool counts = command_.verbose ? matches : verdict.excluded;
    any_ |= counts;
    if (!counts && !command_.non_matching) return;
    print(deciding_rule(verdict, command_.options), typed);
    if (command_.from_input) console_.out.flush();
  }

  void give_all() {
    for (const auto& path : command_.paths) give(path);
    if (!command_.from_input) return;
    for (std::string path; std::getline(console_.in, path, command_.zero ? '\0' : '\n');) give(path);
  }

  int code() const { return any_ ? some_ignored : none_ignored; }

 private:
  void print(const DecidingRule& rule, const std::string& path) {
    auto& out = console_.out;
    if (command_.zero) {
      if (command_.verbose) out << rule.file << '\0' << rule.line << '\0' << rule.pattern << '\0';
      out << path << '\0';
      return;
    }
    if (command_.verbose)
      out << escape_name(rule.file) << ':' << rule.line << ':' << shown_pattern(rule.pattern) << '\t';
    out << escape_name(path) << '\n';
  }

  const CheckIgnoreCommand& command_;
  Console& console_;
  sync::IgnoreCheck check_;
  bool any_ = false;
};

}  // namespace

int run_check_ignore(const std::vector<std::string>& args, Console& console, const sync::World& world) {
  try {
    const auto command = parse_check_ignore(args, console.in);
    if (command.help) {
      console.out << check_ignore_help() << std::flush;
      return some_ignored;
    }
    Answers answers(command, console, world);
    answers.give_all();
    console.out.flush();
    if (!console.out.good()) throw Error(EIO, "standard output");
    return answers.code();
  } catch (const std::exception& error) {
    auto failure = explain(error);
    failure.next =
        failure.code == exit_code::usage ? "see 'syncline check-ignore --help'" : "nothing more is told";
    console.out.flush();
    console.err << failure_line(failure) << std::endl;
    return not_told;
  }
}

}  // namespace syncline::cli
