// SPDX-License-Identifier: Apache-2.0
// main() of every unit test program. ThreadSanitizer leaves out what is tagged [long].
#include <cstdlib>
#include <string_view>

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int main(int argc, char** argv) {
  Catch::Session session;
  if (const int error = session.applyCommandLine(argc, argv); error != 0) return error;
  const char* sanitizer = std::getenv("SYNCLINE_SANITIZED");
  if (sanitizer != nullptr && std::string_view(sanitizer) == "tsan") {
    auto& chosen = session.configData().testsOrTags;
    if (chosen.empty()) chosen.emplace_back();
    for (auto& tests : chosen) tests += "~[long]";
  }
  return session.run();
}
