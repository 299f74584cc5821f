// SPDX-License-Identifier: Apache-2.0
// The whole of a program that keeps one directory in step with another through libsyncline:
//   g++ -std=c++20 example.cpp $(pkg-config --cflags --libs syncline) -o example
#include <syncline/copy.hpp>
#include <syncline/version.hpp>

#include <iostream>
#include <system_error>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example SRC/ DST (syncline " << SYNCLINE_VERSION << ")\n";
    return 1;
  }
  syncline::CopyOptions options;
  options.sources = {argv[1]};
  options.destination = argv[2];
  options.delete_extra = true;

  syncline::CopyObserver observer;
  observer.on_change = [](const syncline::ChangeEvent& change) {
    std::cout << change.itemized << ' ' << change.path << '\n';
  };
  observer.on_error = [](const syncline::ErrorEvent& error) {
    std::cerr << error.side << ": " << error.path << ": " << error.cause << '\n';
  };

  try {
    const syncline::CopyReport report = syncline::copy(options, observer);
    std::cout << report.files_changed << " files changed, " << report.sent_bytes << " bytes sent\n";
    return report.exit_code;
  } catch (const std::system_error& error) {
    std::cerr << error.what() << '\n';
    return 11;
  }
}
