// SPDX-License-Identifier: Apache-2.0
// Output for people, in rsync's words where rsync has them.
#include <chrono>
#include <optional>
#include <ostream>

#include "base/error.hpp"
#include "cli/numbers.hpp"
#include "cli/progress.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

constexpr std::string_view deletion_mark = "*deleting";

bool is_deletion(const ChangeEvent& event) { return event.itemized.starts_with(deletion_mark); }

/// rsync -v does not name a file of which attributes alone differ, but a directory it does.
bool is_named(const ChangeEvent& event) {
  return !event.itemized.starts_with('.') || event.path.ends_with('/') || !event.renamed_from.empty();
}

std::string link_part(const ChangeEvent& event) {
  if (event.link_target.empty()) return {};
  const bool symlink = event.itemized.size() > 1 && event.itemized[0] != 'h' && event.itemized[1] == 'L';
  return (symlink ? " -> " : " => ") + escape_name(event.link_target);
}

class TextOutput final : public Output {
 public:
  TextOutput(Console& console, const OutputOptions& options, bool dry_run, const OutputPlace& place)
      : console_(console),
        options_(options),
        dry_run_(dry_run),
        place_(place),
        own_area_(console),
        area_(place.area != nullptr ? *place.area : own_area_) {
    const bool wanted = options.progress.value_or(console.err_is_terminal);
    if (wanted && !options.quiet)
      display_.emplace(console, ProgressDisplay::Place{area_, place.row, labelled(place, "")});
  }

  void change(const ChangeEvent& event) override {
    if (options_.quiet) return;
    if (options_.itemize || (options_.verbosity > 0 && is_named(event)))
      print(change_line(event, options_.itemize));
  }
  void error(const ErrorEvent& event) override { complain(error_line(event)); }
  void notice(const std::string& text) override {
    if (!options_.quiet) complain("syncline: " + one_line(text));
  }
  void progress(const ProgressEvent& event) override {
    console_.out.flush();
    if (display_) display_->update(event);
  }
  void summary(const CopyReport& report) override {
    clear();
    if (options_.quiet) return;
    if ((options_.stats || options_.verbosity > 0) && !place_.label.empty())
      console_.out << '\n' << place_.label << ':';
    if (options_.stats) print_stats(report);
    if (options_.stats || options_.verbosity > 0) print_totals(report);
    console_.out.flush();
  }
  void standing(const std::string& word, const std::string& sentence) override {
    if (word != "copying" && display_) display_->end();
    if (!sentence.empty()) notice(sentence);
  }
  void failure(const Failure& failure) override {
    clear();
    complain(failure_line(failure));
  }

 private:
  /// No bar is to come back, which is that of a copy that has ended.
  void clear() {
    if (display_) display_->end();
    area_.hide();
  }
  void print(const std::string& line) {
    area_.hide();
    console_.out << labelled(place_, line) << '\n';
  }
  /// Names printed so far come first, so that both streams read in order on one terminal.
  void complain(const std::string& line) {
    area_.hide();
    console_.out.flush();
    console_.err << labelled(place_, line) << std::endl;
  }
  std::string count(std::uint64_t number) const { return format_count(number, options_.human); }
  std::string bytes(std::uint64_t number) const { return count(number) + " bytes"; }

  void print_totals(const CopyReport& report) {
    const auto traffic = static_cast<double>(report.sent_bytes) + static_cast<double>(report.received_bytes);
    // rsync's half second keeps the rate of a very short run in bounds.
    console_.out << "\nsent " << bytes(report.sent_bytes) << "  received " << bytes(report.received_bytes)
                 << "  " << format_decimal(traffic / (0.5 + report.seconds), options_.human)
                 << " bytes/sec\ntotal size is " << count(report.bytes_total) << "  speedup is "
                 << format_decimal(traffic > 0 ? static_cast<double>(report.bytes_total) / traffic : 0,
                                   options_.human)
                 << (dry_run_ ? " (DRY RUN)\n" : "\n");
  }
  void print_stats(const CopyReport& report) {
    console_.out << "\nNumber of files: " << count(report.files_total)
                 << "\nNumber of changed files: " << count(report.files_changed)
                 << "\nNumber of deleted files: " << count(report.files_deleted)
                 << "\nNumber of renamed files: " << count(report.files_renamed)
                 << "\nTotal file size: " << bytes(report.bytes_total)
                 << "\nTotal changed file size: " << bytes(report.bytes_changed)
                 << "\nLiteral data: " << bytes(report.bytes_literal)
                 << "\nMatched data: " << bytes(report.bytes_matched)
                 << "\nContent read: " << bytes(report.content_read_bytes)
                 << "\nWritten to disk: " << bytes(report.disk_written_bytes)
                 << "\nTotal bytes sent: " << count(report.sent_bytes)
                 << "\nTotal bytes received: " << count(report.received_bytes)
                 << "\nErrors: " << count(report.errors) << "\nElapsed: " << format_decimal(report.seconds, 0)
                 << " seconds"
                 << "\nTree digest: " << (report.root.empty() ? "not known" : report.root)
                 << "\nIn step: " << (report.in_step ? "yes, proven" : "not proven") << '\n';
  }

  Console& console_;
  OutputOptions options_;
  bool dry_run_;
  const OutputPlace place_;
  LiveArea own_area_;
  LiveArea& area_;
  std::optional<ProgressDisplay> display_;
};

}  // namespace

std::string change_line(const ChangeEvent& event, bool itemize) {
  std::string line;
  if (itemize) line = event.itemized + ' ';
  else if (is_deletion(event)) line = "deleting ";
  else if (event.itemized.starts_with("*keeping")) line = "keeping ";
  else if (event.itemized.starts_with("*drifted")) line = "drifted ";
  line += escape_name(event.path) + link_part(event);
  if (!event.renamed_from.empty()) line += " (renamed from " + escape_name(event.renamed_from) + ")";
  if (!event.kept_as.empty()) line += " as " + escape_name(event.kept_as);
  if (event.edited_in_destination) line += " [edited in destination]";
  return line;
}

std::string labelled(const OutputPlace& place, const std::string& line) {
  if (place.label.empty()) return line;
  constexpr std::string_view program = "syncline: ";
  return line.starts_with(program) ? std::string(program) + place.label + ": " + line.substr(program.size())
                                   : place.label + ": " + line;
}

std::string failure_line(const Failure& failure) {
  std::string line = "syncline: ";
  if (!failure.subject.empty()) line += one_line(failure.subject) + ": ";
  line += one_line(failure.cause);
  if (!failure.next.empty()) line += "; " + one_line(failure.next);
  return line;
}

std::string error_line(const ErrorEvent& event) {
  std::string cause = event.cause;
  if (!event.side.empty()) cause += " (" + event.side + ")";
  return failure_line({escape_name(event.path), cause, event.next, event.exit_code});
}

std::unique_ptr<Output> text_output(Console& console, const OutputOptions& options, bool dry_run,
                                    const OutputPlace& place) {
  return std::make_unique<TextOutput>(console, options, dry_run, place);
}

}  // namespace syncline::cli
