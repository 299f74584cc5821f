// SPDX-License-Identifier: Apache-2.0
// All outputs of a command together.
#include <ostream>
#include <utility>

#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

class GuardedOutput final : public Output {
 public:
  GuardedOutput(std::unique_ptr<Output> inner, std::mutex& mutex) : inner_(std::move(inner)), mutex_(mutex) {}
  GuardedOutput(const GuardedOutput&) = delete;
  GuardedOutput& operator=(const GuardedOutput&) = delete;
  ~GuardedOutput() override {
    const std::lock_guard lock(mutex_);  // some write when they go
    inner_.reset();
  }

  void change(const ChangeEvent& event) override { tell(&Output::change, event); }
  void error(const ErrorEvent& event) override { tell(&Output::error, event); }
  void notice(const std::string& text) override { tell(&Output::notice, text); }
  void progress(const ProgressEvent& event) override { tell(&Output::progress, event); }
  void summary(const CopyReport& report) override { tell(&Output::summary, report); }
  void standing(const std::string& word, const std::string& sentence) override {
    tell(&Output::standing, word, sentence);
  }
  void failure(const Failure& failure) override { tell(&Output::failure, failure); }

 private:
  template <class Member, class... Told>
  void tell(Member member, const Told&... told) {
    const std::lock_guard lock(mutex_);
    ((*inner_).*member)(told...);
  }

  std::unique_ptr<Output> inner_;
  std::mutex& mutex_;
};

}  // namespace

Outputs make_outputs(Console& console, const OutputOptions& options, bool dry_run, const OutputPlace& place) {
  Outputs out;
  out.push_back(options.json ? json_output(console, place) : text_output(console, options, dry_run, place));
  if (options.log_file) out.push_back(log_output(console.clock, *options.log_file, place));
  return out;
}

std::unique_ptr<Output> guarded(std::unique_ptr<Output> output, std::mutex& mutex) {
  return std::make_unique<GuardedOutput>(std::move(output), mutex);
}

void close_outputs(Outputs& outputs) {
  while (!outputs.empty()) outputs.pop_back();
}

CopyObserver observer_for(const Outputs& outputs, const std::function<bool()>& cancelled) {
  CopyObserver observer;
  observer.on_change = [&](const ChangeEvent& event) {
    for (const auto& output : outputs) output->change(event);
  };
  observer.on_error = [&](const ErrorEvent& event) {
    for (const auto& output : outputs) output->error(event);
  };
  observer.on_progress = [&](const ProgressEvent& event) {
    for (const auto& output : outputs) output->progress(event);
  };
  observer.on_notice = [&](const std::string& text) {
    for (const auto& output : outputs) output->notice(text);
  };
  observer.cancelled = cancelled;
  return observer;
}

int checked_output(Console& console, int code) {
  console.out.flush();
  if (console.out.good() || code != exit_code::success) return code;
  console.err << failure_line({"standard output", "cannot be written", "the copy itself is complete",
                               exit_code::file_io})
              << std::endl;
  return exit_code::file_io;
}

}  // namespace syncline::cli
