// SPDX-License-Identifier: Apache-2.0
// The command line of `syncline manifest`.
#include "cli/manifest_command.hpp"

#include <functional>
#include <ostream>

#include "cli/app.hpp"
#include "cli/exit_codes.hpp"
#include "cli/manifest_actions.hpp"

namespace syncline::cli {
namespace {

using Action = int (*)(const ManifestOptions&, Console&);

constexpr const char* description =
    "Shows, compares, verifies and saves chunk manifests.\n"
    "INPUT is a file, a directory, a saved manifest, a tree export or a state database.";

class CommandLine {
 public:
  CommandLine() : app_(new_app(description, "syncline manifest")) {
    app_->require_subcommand(1);
    one("show", "list the chunks of each file: offset, length, id", show_manifest);
    auto* stats = one("stats", "chunk sizes, dedupe ratio, zero runs, compressibility", manifest_stats);
    stats->add_option("--sample", options_.sample_bytes, "compress this many bytes, such as 256M; 0: none")
        ->type_name("BYTES")
        ->transform(CLI::AsSizeValue(false));
    auto* diff =
        two("diff", "changed ranges, and the bytes that a sync would send", diff_manifests, "A", "B");
    diff->add_option("--level", options_.level, "zstd level of the prediction")->check(CLI::Range(1, 19));
    two("verify", "check FILE (or a directory) against MANIFEST; exit code 43 where it differs",
        verify_manifest, "MANIFEST", "FILE");
    one("export", "one JSON object a line for each entry", export_manifest);
    two("save", "write the manifest of INPUT (a tree export for a directory) to OUT", save_manifest, "INPUT",
        "OUT");
  }

  /// Nothing where the arguments were answered already (help, errors).
  std::optional<int> parse(std::vector<std::string> args, Console& console) {
    return take_args(*app_, std::move(args), console);
  }

  int run(Console& console) const { return action_(options_, console); }

 private:
  CLI::App* add(const char* name, const char* text, Action action) {
    auto* command = add_command(*app_, name, text);
    command->callback([this, action] { action_ = action; });
    command->add_flag("--json", options_.json, "print JSON, one object a line");
    command->add_flag("--raw", options_.raw, "take manifests and databases for files like any other");
    return command;
  }
  CLI::App* one(const char* name, const char* text, Action action) {
    auto* command = add(name, text, action);
    command->add_option("INPUT", options_.first)->required();
    return command;
  }
  CLI::App* two(const char* name, const char* text, Action action, const char* first, const char* second) {
    auto* command = add(name, text, action);
    command->add_option(first, options_.first)->required();
    command->add_option(second, options_.second)->required();
    return command;
  }

  const std::unique_ptr<CLI::App> app_;
  ManifestOptions options_;
  Action action_ = nullptr;
};

/// What the exit codes of this command say: wrong usage, stopped, out of memory, or a file that is bad.
int report(const std::exception& error, Console& console) {
  const auto failure = explain(error);
  const bool usage = failure.code == exit_code::usage;
  console.err << "syncline: " << failure.subject << (failure.subject.empty() ? "" : ": ") << failure.cause;
  if (const auto* own = dynamic_cast<const Error*>(&error); own != nullptr && own->offset_bytes())
    console.err << " at byte " << *own->offset_bytes();
  if (usage) console.err << "; see 'syncline manifest --help'";
  console.err << std::endl;
  if (usage || failure.code == exit_code::interrupted || failure.code == exit_code::memory)
    return failure.code;
  return exit_code::file_io;
}

}  // namespace

int run_manifest(const std::vector<std::string>& args, Console& console) {
  CommandLine line;
  if (const auto answered = line.parse(args, console)) return *answered;
  int code = exit_code::success;
  try {
    code = line.run(console);
  } catch (const std::exception& error) {
    code = report(error, console);
  }
  console.out.flush();
  if (console.out.good() || code != exit_code::success) return code;
  console.err << "syncline: standard output cannot be written" << std::endl;
  return exit_code::file_io;
}

}  // namespace syncline::cli
