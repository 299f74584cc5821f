// SPDX-License-Identifier: Apache-2.0
// What one side of a session said, in lines that do not depend on how it was put into messages.
#pragma once

#include <map>
#include <set>
#include <string>

#include "wire/messages.hpp"

namespace syncline::test {

/// Left out is what a peer may do in another way and still mean the same: how much goes into one message, how
/// content is brought across, acks that stand for others, progress. With `by_group` also what depends on the
/// group of whoever runs this.
class Transcript {
 public:
  explicit Transcript(bool by_group = false) : by_group_(by_group) {}
  void add(const wire::Message& message);
  const std::multiset<std::string>& lines() const { return lines_; }

 private:
  void note(const wire::Listing& listing);
  void note(const wire::Partials& partials);

  bool by_group_;
  std::multiset<std::string> lines_;
  std::uint64_t acked_token_ = 0;
};

/// Lines of `expected` that are not in `found`, one below the other.
std::string missing_lines(const std::multiset<std::string>& expected,
                          const std::multiset<std::string>& found);

/// What a sender has made of the other side's tree, as far as it touched it: the same whichever way it chose.
/// Goes on over the sessions of a scenario.
class SentTree {
 public:
  void add(const wire::Message& message);
  void end_session() { files_.clear(); }
  /// One line a path.
  std::multiset<std::string> lines() const;

 private:
  struct Entry {
    std::string content;
    std::string meta;
  };
  void apply(const wire::Op& op);
  void rename(const std::string& from, const std::string& to);

  std::map<std::string, Entry> entries_;
  std::map<std::uint64_t, std::string> files_;  ///< paths by number
};

}  // namespace syncline::test
