// SPDX-License-Identifier: Apache-2.0
// A directory in which everything that a session tells of is given: content, modes, times.
#pragma once

#include <string>

#include "base/bytes.hpp"

namespace syncline::test {

/// Reads as text, so that recordings of it are small; the same for the same arguments.
std::string words(std::size_t size_bytes, unsigned seed);

/// `day`: when an entry was changed last.
class Site {
 public:
  explicit Site(std::string root);
  const std::string& root() const { return root_; }
  std::string path(const std::string& name) const { return root_ + '/' + name; }

  void file(const std::string& name, const std::string& content, int day) const;
  void dir(const std::string& name) const;
  void symlink(const std::string& name, const std::string& target, int day) const;
  void fifo(const std::string& name, int day) const;
  void hard_link(const std::string& name, const std::string& existing) const;
  void rename(const std::string& from, const std::string& to) const;
  void remove(const std::string& name) const;
  void mode(const std::string& name, unsigned mode) const;
  void xattr(const std::string& name, const std::string& attribute, const std::string& value) const;
  bool takes_xattrs() const;
  /// Modes and times of all directories; the last thing after a change.
  void settle(int day) const;
  /// Where only root could: a group that has a number other than 0.
  void leave_group_0() const;

 private:
  std::string root_;
};

/// All that is in a replica but owners, in lines. Without `with_root` the root directory itself, too.
std::string picture_text(const std::string& root, bool with_root);

}  // namespace syncline::test
