// SPDX-License-Identifier: Apache-2.0
// Help texts, made from the table of options.
#include <algorithm>
#include <array>
#include <string>

#include "cli/copy_command.hpp"
#include "cli/option_table.hpp"

namespace syncline::cli {
namespace {

constexpr std::size_t help_column = 26;

std::string left_side(const OptionSpec& spec) {
  std::string text = spec.letter == '\0' ? "    " : "  -";
  if (spec.letter != '\0') text += spec.letter;
  if (!spec.name.empty()) text.append(spec.letter == '\0' ? "  --" : ", --").append(spec.name);
  if (!spec.is_flag()) text.append("=").append(spec.value_name);
  return text;
}

struct Heading {
  OptionGroup group;
  const char* text;
};

constexpr auto headings = std::to_array<Heading>({
    {OptionGroup::attributes, "What is copied (all of it by default):"},
    {OptionGroup::selection, "Which entries:"},
    {OptionGroup::deletion, "Deleting and keeping:"},
    {OptionGroup::receiving, "How:"},
    {OptionGroup::remote, "Other machines:"},
    {OptionGroup::output, "Output:"},
    {OptionGroup::watching, "Of 'syncline watch' alone:"},
    {OptionGroup::other, "Other:"},
});

}  // namespace

std::string option_line(const OptionSpec& spec) {
  auto line = left_side(spec);
  if (line.size() + 2 > help_column) line += "\n" + std::string(help_column, ' ');
  else line.resize(help_column, ' ');
  return line + std::string(spec.help) + "\n";
}

std::string copy_help() {
  std::string text =
      "Usage: syncline copy [options] SRC... DST\n"
      "\n"
      "Makes DST like the sources, sending only what changed. A trailing slash on SRC means\n"
      "its contents, as in rsync. Options have rsync's names and meaning; archive mode is the\n"
      "default. Every flag can be switched off: --no-perms, --no-p.\n"
      "The sources or DST may be on another machine: syncline://HOST[:PORT]/SHARE/PATH, or\n"
      "[USER@]HOST:PATH by ssh.\n";
  for (const auto& heading : headings) {
    text += "\n" + std::string(heading.text) + "\n";
    for (const auto& spec : copy_options())
      if (spec.group == heading.group) text += option_line(spec);
  }
  return text +
         "\n"
         "Exit codes: 0 success, 1 usage, 11 file I/O, 12 connection, 20 interrupted, 23 some entries\n"
         "failed, 24 some sources vanished, 25 deletion limit, 41 key not trusted, 46 locked; all in\n"
         "syncline-copy(1).\n";
}

std::string general_help() {
  return "Usage: syncline COMMAND [arguments]\n"
         "       syncline [options] SRC... DST     (same as syncline copy)\n"
         "\n"
         "Commands:\n"
         "  copy          make a directory like another one\n"
         "  watch         keep a directory like another one, from now on\n"
         "  status        tell how running watches stand\n"
         "  wait          return once what was written is at the other side\n"
         "  why           tell how one path of a watched directory stands\n"
         "  approve       let a watch make what its guards hold, or list it (-n)\n"
         "  log           tell what happened to a path, and when\n"
         "  check-ignore  tell which paths copy and watch leave out, and by which rule\n"
         "  manifest      show, compare, verify and export chunk manifests\n"
         "  config        check and show the configuration of a server, or of watch\n"
         "  serve         serve directories to other machines\n"
         "  pair          make a server and a client know each other\n"
         "  id            print the fingerprint of this installation's key\n"
         "  grants        list and remove what clients may do at the server here\n"
         "\n"
         "  --help        show this help; 'syncline COMMAND --help' tells more\n"
         "  --version     show the version\n";
}

}  // namespace syncline::cli
