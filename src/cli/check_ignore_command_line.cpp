// SPDX-License-Identifier: Apache-2.0
// From arguments to a CheckIgnoreCommand. The rules are applied in the order typed, by copy's own table.
#include "cli/check_ignore_command_line.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "cli/app.hpp"
#include "cli/option_table.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {
namespace {

[[noreturn]] void refuse_line(const std::string& message) { throw Error(Errc::usage, message); }

/// Those of copy that say which entries its rules leave out.
constexpr auto rule_options = std::to_array<std::string_view>(
    {"exclude", "include", "exclude-from", "include-from", "synclineignore", "gitignore"});

bool is_rule_option(const OptionSpec& spec) {
  return std::ranges::find(rule_options, spec.name) != rule_options.end();
}

class CheckIgnoreLine {
 public:
  explicit CheckIgnoreLine(CheckIgnoreCommand& command) : app_(new_app("", "syncline check-ignore")) {
    app_->set_help_flag();
    app_->allow_extras();  // the paths: as CLI11 positionals, a name like "[a,b]" would be split
    flag("-v,--verbose", command.verbose);
    flag("-n,--non-matching", command.non_matching);
    flag("-z,--null", command.zero);
    flag("--stdin", command.from_input);
    flag("--help", command.help);
    root_ = app_->add_option("-C,--root")->type_size(1)->take_last();
    for (const auto& spec : copy_options()) {
      if (!is_rule_option(spec)) continue;
      const std::string name(spec.name);
      if (spec.is_flag()) {
        entries_[app_->add_flag("--" + name)->disable_flag_override()] = {&spec, "--" + name, true};
        entries_[app_->add_flag("--no-" + name)->disable_flag_override()] = {&spec, "--no-" + name, false};
      } else {
        entries_[app_->add_option("--" + name)->type_size(1)->take_all()] = {&spec, "--" + name, true};
      }
    }
  }

  void parse(std::vector<std::string> args) { parse_args(*app_, std::move(args)); }

  std::string root() const { return root_->count() == 0 ? "." : root_->results().back(); }

  void replay(CopyDraft& draft) const {
    std::map<const CLI::Option*, std::size_t> seen;
    for (const auto* option : app_->parse_order()) {
      const auto found = entries_.find(option);
      if (found == entries_.end()) continue;
      const auto& entry = found->second;
      const auto value = entry.spec->is_flag() ? std::string() : option->results().at(seen[option]++);
      entry.spec->apply(draft, {entry.shown, value, entry.on});
    }
  }

  std::vector<std::string> paths() const { return paths_among(app_->remaining()); }

 private:
  struct Entry {
    const OptionSpec* spec;
    std::string shown;
    bool on;
  };
  void flag(const char* names, bool& value) { app_->add_flag(names, value)->disable_flag_override(); }

  const std::unique_ptr<CLI::App> app_;
  CLI::Option* root_ = nullptr;
  std::map<const CLI::Option*, Entry> entries_;
};

}  // namespace

CheckIgnoreCommand parse_check_ignore(const std::vector<std::string>& args, std::istream& standard_input) {
  CheckIgnoreCommand out;
  CheckIgnoreLine line(out);
  line.parse(args);
  out.paths = line.paths();
  if (out.help) return out;
  if (out.non_matching && !out.verbose) refuse_line("--non-matching goes with --verbose only");
  if (out.from_input && !out.paths.empty())
    refuse_line("paths are given by --stdin or as arguments, not both");
  if (!out.from_input && out.paths.empty()) refuse_line("no PATH is given");
  CopyDraft draft;
  draft.standard_input = &standard_input;
  line.replay(draft);
  out.options = std::move(draft.command.options);
  out.options.sources = {line.root()};
  return out;
}

std::string check_ignore_help() {
  std::string text =
      "Usage: syncline check-ignore [options] PATH...\n"
      "       syncline check-ignore [options] --stdin\n"
      "\n"
      "Prints those of the paths that copy and watch would leave out of ROOT because of a rule.\n"
      "\n"
      "  -v, --verbose           tell the rule that decided: FILE:LINE:PATTERN, a tab, the path\n"
      "  -n, --non-matching      with -v: print paths without any rule too\n"
      "  -z, --null              NUL bytes behind paths and fields; names are not escaped\n"
      "      --stdin             read the paths from standard input, one a line\n"
      "  -C, --root=ROOT         what would be given to copy as SRC (default: .)\n";
  const auto add = [&](std::string left, std::string_view help) {
    left.resize(std::max<std::size_t>(left.size() + 1, 26), ' ');
    text.append(left).append(help) += '\n';
  };
  for (const auto& spec : copy_options()) {
    const std::string name(spec.name);
    if (name == "synclineignore") add("      --no-synclineignore", "do not look at .synclineignore files");
    else if (is_rule_option(spec))
      add("      --" + name + (spec.is_flag() ? "" : "=" + std::string(spec.value_name)), spec.help);
  }
  return text +
         "      --help              show this help\n"
         "\n"
         "Exit codes: 0 a path is ignored, 1 none is, 128 it could not be told.\n";
}

}  // namespace syncline::cli
