// SPDX-License-Identifier: Apache-2.0
// The log file of --log-file.
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "base/error.hpp"
#include "cli/numbers.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

class LogOutput final : public Output {
 public:
  LogOutput(Clock& clock, const std::string& path, const OutputPlace& place) : clock_(clock), place_(place) {
    errno = 0;
    // A file that the user names, not an entry of a tree, so it is opened by path.
    file_.open(path, std::ios::app | std::ios::binary);
    if (!file_) throw Error(errno != 0 ? errno : EIO, "--log-file: " + escape_name(path));
  }

  void change(const ChangeEvent& event) override { line(change_line(event, true)); }
  void error(const ErrorEvent& event) override { line(error_line(event)); }
  void notice(const std::string& text) override { line(one_line(text)); }
  void progress(const ProgressEvent&) override {}
  void summary(const CopyReport& report) override {
    line("sent " + std::to_string(report.sent_bytes) + " bytes  received " +
         std::to_string(report.received_bytes) + " bytes  total size " + std::to_string(report.bytes_total) +
         "  errors " + std::to_string(report.errors) + "  exit code " + std::to_string(report.exit_code));
  }
  void standing(const std::string& word, const std::string& sentence) override {
    if (word != "copying") line(sentence.empty() ? word : sentence);
  }
  void failure(const Failure& failure) override {
    line(failure_line(failure) + "  exit code " + std::to_string(failure.code));
  }

 private:
  /// Flushed line by line: the log is read after a crash.
  void line(const std::string& text) {
    file_ << format_moment(clock_.now_ns()) << " [" << ::getpid() << "] " << labelled(place_, text)
          << std::endl;
  }

  Clock& clock_;
  const OutputPlace place_;
  std::ofstream file_;
};

}  // namespace

std::unique_ptr<Output> log_output(Clock& clock, const std::string& path, const OutputPlace& place) {
  return std::make_unique<LogOutput>(clock, path, place);
}

}  // namespace syncline::cli
