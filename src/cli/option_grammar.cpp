// SPDX-License-Identifier: Apache-2.0
// CLI11 splits the arguments; their meaning is applied afterwards.
#include "cli/option_grammar.hpp"

#include <map>

#include "base/error.hpp"
#include "cli/app.hpp"
#include "cli/option_values.hpp"
#include "cli/rsync_options.hpp"

namespace syncline::cli {
namespace {

/// Of each option what the table says of it.
template <class Visit>
void for_each_option(const OptionTables& tables, Visit&& visit) {
  for (const auto& table : tables)
    for (const auto& spec : table) visit(spec);
}

[[noreturn]] void refuse(const std::string& message) { throw Error(Errc::usage, message); }

[[noreturn]] void refuse_unknown(std::string_view argument) {
  const bool is_long = argument.starts_with("--");
  auto shown = argument.substr(0, is_long ? argument.find('=') : 2);
  auto name = shown.substr(is_long ? 2 : 1);
  if (is_long && name.starts_with("no-") && !rsync_has_long(name)) name.remove_prefix(3);
  const bool known = name.size() == 1 ? rsync_has_short(name.front()) : rsync_has_long(name);
  if (!known) refuse("unknown option " + escape_name(shown));
  std::string message = "rsync's " + escape_name(shown) + " is not supported by syncline";
  if (const auto advice = instead_of(name); !advice.empty()) message += " (" + std::string(advice) + ")";
  refuse(message);
}

/// The arguments with the three shapes repaired that CLI11 reads otherwise than rsync:
/// "--update" and "--compress" without a value are flags, never followed by one; "--name="
/// does not take the next argument as its value; a flag takes no value.
std::vector<std::string> repaired(const std::vector<std::string>& args, const OptionTables& tables) {
  std::vector<std::string> out;
  bool is_value = false;
  bool only_paths = false;
  for (const auto& arg : args) {
    out.push_back(arg);
    if (std::exchange(is_value, false) || only_paths || !arg.starts_with("--")) continue;
    only_paths = arg == "--";
    const auto equals = arg.find('=');
    auto name = std::string_view(arg).substr(2, equals == arg.npos ? arg.npos : equals - 2);
    const bool negative = name.starts_with("no-");
    for_each_option(tables, [&](const OptionSpec& spec) {
      if (spec.name != (negative ? name.substr(3) : name) || spec.name.empty()) return;
      if (equals == arg.npos) {
        if (!negative && shares_name(spec)) out.back() = {'-', spec.letter};
        else if (!spec.is_flag() && !negative) is_value = out.back() == arg;
      } else if (spec.is_flag() && (negative || !shares_name(spec))) {
        refuse(escape_name(arg) + ": this option takes no value");
      } else if (!spec.is_flag() && equals + 1 == arg.size()) {
        refuse(escape_name(arg) + ": the value is missing");
      }
    });
  }
  return out;
}

/// The CLI11 application: for each flag one option that switches it on and one that switches it off.
class Grammar {
 public:
  explicit Grammar(const OptionTables& tables) : app_(new_app("", "syncline copy")) {
    app_->set_help_flag();
    app_->allow_extras();  // the paths: as CLI11 positionals, a name like "[a,b]" would be split
    for_each_option(tables,
                    [this](const OptionSpec& spec) { spec.is_flag() ? add_flag(spec) : add_value(spec); });
  }

  void parse(std::vector<std::string> args) { parse_args(*app_, std::move(args)); }

  /// Calls apply(spec, use) for each option in the order typed.
  void replay(CopyDraft& draft) {
    std::map<const CLI::Option*, std::size_t> seen;
    for (const auto* option : app_->parse_order()) {
      const auto& entry = entries_.at(option);
      const auto turn = seen[option]++;
      if (entry.spec->once && turn > 0 && entry.on)
        refuse("repeating " + entry.shown + " is not supported by syncline; give it once");
      const auto value = entry.spec->is_flag() ? std::string() : option->results().at(turn);
      entry.spec->apply(draft, {entry.shown, value, entry.on});
    }
  }

  /// What is left: the paths. Throws for an option that is not in the table.
  std::vector<std::string> paths() const {
    return paths_among(app_->remaining(), [](const std::string& arg) { refuse_unknown(arg); });
  }

 private:
  struct Entry {
    const OptionSpec* spec;
    std::string shown;
    bool on;
  };

  static std::string joined(std::string a, const std::string& b) {
    if (!a.empty() && !b.empty()) a += ',';
    return a + b;
  }
  void add_flag(const OptionSpec& spec) {
    const std::string letter(spec.letter == '\0' ? 0 : 1, spec.letter);
    const std::string name(spec.name);
    const auto with = [](const char* before, const std::string& text) {
      return text.empty() ? text : before + text;
    };
    const auto shown = name.empty() ? "-" + letter : "--" + name;
    const auto on = joined(with("-", letter), shares_name(spec) ? "" : with("--", name));
    entries_[app_->add_flag(on)] = {&spec, shown, true};
    const auto off = joined(with("--no-", name), with("--no-", letter));
    entries_[app_->add_flag(off)] = {&spec, "--no-" + (name.empty() ? letter : name), false};
  }
  void add_value(const OptionSpec& spec) {
    auto shown = "--" + std::string(spec.name);
    auto* option = app_->add_option(spec.letter == '\0' ? shown : std::string{'-', spec.letter, ','} + shown);
    option->type_size(1)->take_all();
    entries_[option] = {&spec, std::move(shown), true};
  }

  const std::unique_ptr<CLI::App> app_;
  std::map<const CLI::Option*, Entry> entries_;
};

}  // namespace

std::vector<std::string> take_options(const std::vector<std::string>& args, const OptionTables& tables,
                                      CopyDraft& draft) {
  Grammar grammar(tables);
  grammar.parse(repaired(args, tables));
  auto paths = grammar.paths();
  grammar.replay(draft);
  return paths;
}

void check_paths(const std::vector<std::string>& paths) {
  if (paths.empty()) refuse("SRC and DST are missing");
  if (paths.size() == 1) refuse("DST is missing after '" + escape_name(paths.front()) + "'");
  for (const auto& path : paths)
    if (path.empty()) refuse("an empty path was given; write '.' for the current directory");
}

void settle_options(CopyDraft& draft) {
  auto& options = draft.command.options;
  if (draft.devices != draft.specials)
    refuse("devices and special files go together in syncline; use -D or --no-D");
  options.devices = draft.devices;
  if (options.files_from) {
    if (options.sources.size() != 1) refuse("--files-from works with one SRC");
    if (!draft.recursive_asked) options.recursive = false;
    // The list is relative to SRC and so is what arrives in DST, slash or not, as in rsync.
    if (!options.sources.front().ends_with('/')) options.sources.front() += '/';
  }
  if (options.delete_extra && !options.recursive)
    refuse("--delete does not work without recursion; give -r, or do not give --no-r");
}

}  // namespace syncline::cli
