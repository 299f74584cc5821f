// SPDX-License-Identifier: Apache-2.0
// manifest-inspect: `syncline manifest` as a program of its own, without the engine.
#include <algorithm>
#include <iostream>

#include "cli/manifest_command.hpp"

int main(int argc, char** argv) {
  using namespace syncline::cli;
  std::ios::sync_with_stdio(false);
  auto console = process_console();
  return run_manifest({argv + std::min(argc, 1), argv + argc}, console);
}
