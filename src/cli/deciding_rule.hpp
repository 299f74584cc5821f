// SPDX-License-Identifier: Apache-2.0
// A verdict on a path in the words of the person who gave the rule.
#pragma once

#include <string>

#include "sync/selector.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// In the three fields of `git check-ignore -v`: an option stands in place of a file and has no line. All are
/// empty where no rule decided.
struct DecidingRule {
  std::string file;
  std::string line;
  std::string pattern;
};

DecidingRule deciding_rule(const sync::Verdict& verdict, const CopyOptions& options);

}  // namespace syncline::cli
