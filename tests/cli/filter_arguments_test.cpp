// SPDX-License-Identifier: Apache-2.0
#include "cli/filter_arguments.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "cli/copy_command_line.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using Args = std::vector<std::string>;

/// Rules as "+p" and "-p", to be compared in one go.
Args shown(const std::vector<FilterRule>& rules) {
  Args out;
  for (const auto& rule : rules) {
    out.emplace_back(1, rule.include ? '+' : '-');
    out.back() += rule.pattern;
  }
  return out;
}

CopyOptions parse_options(Args options, const std::string& input = "") {
  options.insert(options.end(), {"src/", "dst"});
  std::istringstream in(input);
  return parse_copy(options, in).options;
}

class ListFile {
 public:
  explicit ListFile(const std::string& content) {
    path_ = (std::filesystem::temp_directory_path() / "syncline-cli-XXXXXX").string();
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~ListFile() { std::filesystem::remove(path_); }
  ListFile(const ListFile&) = delete;
  ListFile& operator=(const ListFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_CASE("include and exclude keep the order they were typed in", "[cli][filter]") {
  const ListFile list("x1\n+ x2\n");
  const ListFile other("y1\n- y2\n");
  const auto options = parse_options({"--exclude", "a", "--include=b", "--exclude-from", list.path(), "-v",
                                      "--exclude=c", "--include-from=" + other.path(), "--include", "d"});
  CHECK(shown(options.filters) == Args{"-a", "+b", "-x1", "+x2", "-c", "+y1", "-y2", "+d"});
}

TEST_CASE("patterns reach the engine byte by byte", "[cli][filter]") {
  const auto options = parse_options({"--exclude", "[ab]", "--exclude", "-x", "--exclude=- *.o", "--include",
                                      "{a,b}", "--exclude", "\xFF*", "--exclude=a=b", "--exclude", "--"});
  CHECK(shown(options.filters) == Args{"-[ab]", "--x", "-*.o", "+{a,b}", "-\xFF*", "-a=b", "---"});
}

TEST_CASE("prefixes turn a rule around and an exclamation mark drops all before", "[cli][filter]") {
  CHECK(shown(parse_options({"--exclude=+ a", "--include=- b"}).filters) == Args{"+a", "-b"});
  CHECK(shown(parse_options({"--exclude=a", "--exclude=!", "--exclude=b"}).filters) == Args{"-b"});
  CHECK(shown(parse_options({"--exclude=!a", "--exclude=+a", "--exclude=-a"}).filters) ==
        Args{"-!a", "-+a", "--a"});
  CHECK_THROWS_AS(parse_options({"--exclude=+ "}), Error);
}

TEST_CASE("files of patterns skip blank lines and comments and know all line ends", "[cli][filter]") {
  const ListFile list("# one\n;two\n\na\r\n b \rc#d\n!x\n/last");
  CHECK(shown(parse_options({"--exclude-from=" + list.path()}).filters) ==
        Args{"-a", "- b ", "-c#d", "-!x", "-/last"});
  const ListFile clearing("a\n!\nb\n");
  CHECK(shown(parse_options({"--exclude=z", "--exclude-from=" + clearing.path()}).filters) == Args{"-b"});
}

TEST_CASE("a dash reads standard input", "[cli][filter]") {
  CHECK(shown(parse_options({"--exclude-from=-"}, "a\nb\n").filters) == Args{"-a", "-b"});
  CHECK(parse_options({"--files-from", "-"}, "a\n\n#c\nd/\n").files_from == Args{"a", "d/"});
}

TEST_CASE("a list of files switches recursion off unless -r was typed", "[cli][filter]") {
  CHECK_FALSE(parse_options({"--files-from=-"}, "a\n").recursive);
  CHECK_FALSE(parse_options({"-a", "--files-from=-"}, "a\n").recursive);
  CHECK(parse_options({"-r", "--files-from=-"}, "a\n").recursive);
  CHECK(parse_options({"--files-from=-", "-ar"}, "a\n").recursive);
  std::istringstream in("a\n");
  CHECK_THROWS_AS(parse_copy({"--files-from=-", "s1", "s2", "dst"}, in), Error);
}

TEST_CASE("a list of files is relative to the source with or without a slash", "[cli][filter]") {
  for (const auto* source : {"s", "s/"}) {
    std::istringstream in("a\n");
    CHECK(parse_copy({"--files-from=-", source, "dst"}, in).options.sources == Args{"s/"});
  }
}

TEST_CASE("a file that cannot be read is named with its option", "[cli][filter]") {
  for (const auto* path : {"/nonexistent/list", "/"}) {
    try {
      parse_options({std::string("--exclude-from=") + path});
      FAIL("accepted " << path);
    } catch (const Error& error) {
      CHECK(error.context() == std::string("--exclude-from: ") + path);
      CHECK((error.is_errno(ENOENT) || error.is_errno(EISDIR)));
    }
  }
}

}  // namespace
}  // namespace syncline::cli
