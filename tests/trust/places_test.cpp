// SPDX-License-Identifier: Apache-2.0
// Where the configuration lies.
#include "trust/places.hpp"

#include <stdlib.h>

#include "samples.hpp"

using namespace syncline;
using namespace syncline::test;
using trust::config_directory;

namespace {

/// A variable of the environment with another value, or without one, until the end of the test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = ::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) const {
    if (value == nullptr) ::unsetenv(name_);
    else ::setenv(name_, value, 1);
  }
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("a directory that is given is the configuration's", "[trust]") {
  const Variable xdg("XDG_CONFIG_HOME", "/xdg");
  CHECK(config_directory("/etc/syncline") == "/etc/syncline");
  CHECK(config_directory("relative/dir//") == "relative/dir");
  CHECK(config_directory("//") == "/");
  CHECK(error_of([] { config_directory(""); }).is(Errc::usage));
}

TEST_CASE("the configuration lies where XDG says, else below the home directory", "[trust]") {
  const Variable home("HOME", "/home/ann");
  {
    const Variable xdg("XDG_CONFIG_HOME", "/xdg");
    CHECK(config_directory() == "/xdg/syncline");
  }
  for (const char* useless : {"", "relative"}) {
    const Variable xdg("XDG_CONFIG_HOME", useless);
    CHECK(config_directory() == "/home/ann/.config/syncline");
  }
  const Variable xdg("XDG_CONFIG_HOME", nullptr);
  CHECK(config_directory() == "/home/ann/.config/syncline");
  const Variable homeless("HOME", nullptr);
  CHECK(config_directory().ends_with("/.config/syncline"));  // from the user database
}
