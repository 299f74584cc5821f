// SPDX-License-Identifier: Apache-2.0
// main() of every unit test program. ThreadSanitizer leaves out what is tagged [long], as does
// AddressSanitizer where the same tests run over another link: it has seen their code without one.
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
  const bool is_over_link = std::getenv("SYNCLINE_TEST_LINK") != nullptr;
  if (sanitizer != nullptr && (std::string_view(sanitizer) == "tsan" || is_over_link)) {
    auto& chosen = session.configData().testsOrTags;
    if (chosen.empty()) chosen.emplace_back();
    for (auto& tests : chosen) tests += "~[long]";
  }
  return session.run();
}
