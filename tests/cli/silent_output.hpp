// SPDX-License-Identifier: Apache-2.0
// An output for tests that look at one of its messages.
#pragma once

#include "cli/report_output.hpp"

namespace syncline::cli {

class SilentOutput : public Output {
 public:
  void change(const ChangeEvent&) override {}
  void error(const ErrorEvent&) override {}
  void notice(const std::string&) override {}
  void progress(const ProgressEvent&) override {}
  void summary(const CopyReport&) override {}
  void standing(const std::string&, const std::string&) override {}
  void failure(const Failure&) override {}
};

}  // namespace syncline::cli
