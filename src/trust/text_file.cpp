// SPDX-License-Identifier: Apache-2.0
// Files of lines: access, locking, replacing, splitting.
#include "trust/text_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/small_file.hpp"

namespace syncline::trust {
namespace {

constexpr std::string_view blanks = " \t";

/// The errors of src/fs name an entry and not where it lies.
template <class Call>
auto naming(const std::string& path, Call&& call) {
  try {
    return call();
  } catch (const Error& error) {
    const std::string context = "'" + escape_name(path) + "': " + error.context();
    if (error.code().category() == std::generic_category()) throw Error(error.code().value(), context);
    throw Error(static_cast<Errc>(error.code().value()), context);
  }
}

std::string octal(std::uint32_t mode) {
  char out[16];
  std::snprintf(out, sizeof out, "%04o", mode);
  return out;
}

}  // namespace

TextFile::TextFile(fs::Fs& files, std::string dir, const std::string& name, Secrecy secrecy)
    : files_(files), dir_(std::move(dir)), name_(name), path_(dir_ + "/" + name), secrecy_(secrecy) {}

void TextFile::check_owner(const fs::Stat& stat, const std::string& path) const {
  const auto own = files_.effective_uid();
  if (stat.uid == own || stat.uid == 0) return;
  throw Error(Errc::untrusted, "'" + escape_name(path) + "' belongs to user " + std::to_string(stat.uid) +
                                   " and not to user " + std::to_string(own) +
                                   " who runs this; run it as that user, or find out who made it");
}

void TextFile::check_access(const fs::Stat& stat) const {
  check_owner(stat, path_);
  const std::uint32_t forbidden = secrecy_ == Secrecy::secret ? 077 : 022;
  if ((stat.mode & forbidden) == 0) return;
  const auto quoted = "'" + escape_name(path_) + "'";
  throw Error(Errc::untrusted, quoted + " is open to other users (mode " + octal(stat.mode) +
                                   "); check its content, then run: chmod 600 " + quoted);
}

std::unique_ptr<fs::Dir> TextFile::open_own_dir() const {
  auto out = naming(path_, [&] {
    files_.make_dirs(dir_, 0700);
    return files_.open_root(dir_);
  });
  check_owner(naming(path_, [&] { return out->stat(); }), dir_);
  return out;
}

std::optional<std::string> TextFile::read() const {
  auto found = naming(path_, [&]() -> std::optional<fs::SmallFile> {
    if (!files_.stat_path(dir_, true)) return std::nullopt;
    return fs::read_small_file(*files_.open_root(dir_), name_, limits::trust_file_bytes_max);
  });
  if (!found) return std::nullopt;
  check_access(found->stat);
  return std::move(found->content);
}

bool TextFile::create(std::string_view content) const {
  const auto dir = open_own_dir();
  return naming(path_, [&] { return fs::create_small_file(*dir, name_, content); });
}

void TextFile::edit(const std::function<void(std::string&)>& change) const {
  const auto dir = open_own_dir();
  naming(path_, [&] {
    if (!fs::wait_for_lock(*dir) && secrecy_ == Secrecy::secret)
      throw Error(EOPNOTSUPP, "lock its directory; keep it on a local file system");
  });
  const auto old = read();
  auto content = old.value_or("");
  change(content);
  if (content == old.value_or("")) return;
  if (content.size() > limits::trust_file_bytes_max)
    throw Error(Errc::limit_exceeded, "'" + escape_name(path_) + "' would be larger than " +
                                          std::to_string(limits::trust_file_bytes_max) +
                                          " bytes; remove entries that nobody needs");
  naming(path_, [&] { fs::replace_small_file(*dir, name_, content); });
}

std::vector<Line> TextFile::lines(std::string_view content) const {
  std::vector<Line> out;
  while (!content.empty()) {
    const auto end = content.find('\n');
    if (end == content.npos) refuse_line(out.size() + 1, "it does not end in a newline");
    out.push_back({out.size() + 1, content.substr(0, end)});
    content.remove_prefix(end + 1);
  }
  return out;
}

void TextFile::refuse_line(std::size_t number, const std::string& why) const {
  throw Error(Errc::malformed, "'" + escape_name(path_) + "' line " + std::to_string(number) + ": " + why +
                                   "; correct or remove the line");
}

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  const auto word = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(word.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  return word;
}

bool says_nothing(std::string_view line) {
  const auto first = line.find_first_not_of(blanks);
  return first == line.npos || line[first] == '#';
}

std::optional<std::int64_t> parse_number(std::string_view word) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  if (error != std::errc() || end != word.data() + word.size() || word.front() == '-') return std::nullopt;
  return out;
}

}  // namespace syncline::trust
