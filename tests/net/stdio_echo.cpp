// SPDX-License-Identifier: Apache-2.0
// A program that serves over its standard input and output: sends every frame back, and prints between them.
#include <cstdio>

#include "net/stdio.hpp"

int main() {
  using namespace syncline;
  net::IoThreads io;
  const auto link = net::take_stdio_link(io);
  if (std::getchar() != EOF) return 3;
  while (auto parcel = link->receive()) {
    std::printf("printed, and no frame\n");
    std::fflush(stdout);
    link->send(std::get<Bytes>(std::move(*parcel)));
  }
  return 5;
}
