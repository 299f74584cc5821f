// SPDX-License-Identifier: Apache-2.0
// posix_spawn(3) with its rules.
#include "child/spawn.hpp"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"

extern char** environ;

namespace syncline::child {
namespace {

/// The descriptors and signals that a child starts with.
class SpawnRules {
 public:
  explicit SpawnRules(const SpawnOptions& options) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_adddup2(&actions_, options.in_fd, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, options.out_fd, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, options.err_fd, STDERR_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    constexpr int first_free_fd = 3;  // above the standard ones
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, first_free_fd);
#endif
#endif
    sigset_t none;
    sigset_t defaults;
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_,
                               static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  (options.own_group ? POSIX_SPAWN_SETPGROUP : 0)));
  }
  ~SpawnRules() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// As exec(3) wants them; the texts live longer.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
  auto out = variables;
  const auto is_replaced = [&](const std::string& one) {
    const auto name = one.substr(0, one.find('=') + 1);
    return std::ranges::any_of(variables, [&](const auto& other) { return other.starts_with(name); });
  };
  for (char** at = environ; at != nullptr && *at != nullptr; ++at)
    if (!is_replaced(*at)) out.emplace_back(*at);
  return out;
}

}  // namespace

Child spawn(const SpawnOptions& options) {
  if (options.argv.empty()) throw Error(Errc::usage, "an empty command");
  const auto arguments = pointers_to(options.argv);
  const auto texts = environment_with(options.variables);
  const auto variables = pointers_to(texts);
  const SpawnRules rules(options);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, arguments[0], rules.actions(), rules.attributes(), arguments.data(),
                                    variables.data());
  if (failed != 0) throw Error(failed, "command '" + escape_name(options.argv[0]) + "'");
  return Child(pid, options.own_group);
}

}  // namespace syncline::child
