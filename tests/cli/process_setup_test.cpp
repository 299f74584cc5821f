// SPDX-License-Identifier: Apache-2.0
#include "cli/process_setup.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"

namespace syncline::cli {
namespace {

TEST_CASE("the soft limit of open files is raised to the hard one", "[process]") {
  const auto result = test::run_in_child([] {
    const rlimit low{64, 512};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return 1;
    raise_file_limit();
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return now.rlim_cur == 512 && now.rlim_max == 512 ? 0 : 2;
  });
  CHECK(result.exit_code == 0);
}

std::size_t resident_pages() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  if (file == nullptr || std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident;
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("memory that was freed goes back to the system, in the middle of it as well", "[process]") {
  const auto result = test::run_in_child([] {
    bound_free_memory();
    constexpr std::size_t count = 64;
    constexpr std::size_t bytes = 1 << 20;
    std::vector<std::vector<char>> all;
    for (std::size_t k = 0; k < count; ++k) all.emplace_back(bytes, 'x');
    const auto full = resident_pages();
    const std::vector<char> pin(1000, 'x');  // above them all: the arena cannot shrink
    all.clear();
    give_back_memory();
    const auto freed = full - resident_pages();
    const auto wanted = (count - 1) * bytes / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return pin[0] == 'x' && freed >= wanted ? 0 : 1;
  });
  CHECK(result.exit_code == 0);
}

TEST_CASE("the free end of a thread's arena goes back to the system when it rests", "[process]") {
  const auto result = test::run_in_child([] {
    bound_free_memory();
    std::size_t kept = 0;
    std::size_t left = 0;
    std::thread([&] {
      const auto before = resident_pages();
      {
        std::vector<std::vector<char>> all;
        all.reserve(4);  // or what it had before would lie between them
        for (int k = 0; k < 4; ++k) all.emplace_back(1 << 20, 'x');
      }
      kept = resident_pages() - before;
      give_back_end();
      left = resident_pages() - before;
    }).join();
    const auto mib = (1 << 20) / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    if (kept < 4 * mib) return 1;
    return left < mib / 2 ? 0 : 2;
  });
  CHECK(result.exit_code == 0);
}

TEST_CASE("buffers of the size of frames are taken again without page faults", "[process]") {
  const auto result = test::run_in_child([] {
    bound_free_memory();
    const auto take = [] { return std::vector<char>(2 << 20, 'x')[0] == 'x'; };
    if (!take()) return 1;
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    for (int round = 0; round < 20; ++round)
      if (!take()) return 1;
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt < 100 ? 0 : 2;  // 10,240 pages
  });
  CHECK(result.exit_code == 0);
}
#endif

}  // namespace
}  // namespace syncline::cli
