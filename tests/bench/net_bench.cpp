// SPDX-License-Identifier: Apache-2.0
// What a link costs: bytes of a connection, connections a second, memory of an idle one, throughput. Both
// ends are in this process, on the loopback interface.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "../net/net_pair.hpp"
#include "net/stdio.hpp"

namespace {

using namespace syncline;
using Clock = std::chrono::steady_clock;

constexpr std::size_t frame_bytes = 256 * limits::kib;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  if (file == nullptr || std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void measure_bytes() {
  test::NetPair pair;
  pair.here().close();
  while (pair.there().receive()) {}
  std::printf("connect and close: %llu bytes out, %llu back\n",
              static_cast<unsigned long long>(pair.here().sent_bytes()),
              static_cast<unsigned long long>(pair.there().sent_bytes()));
}

void measure_throughput(const char* name, net::Link& from, net::Link& to, std::size_t total_bytes) {
  const auto begun = Clock::now();
  const auto cpu = cpu_seconds();
  std::thread sender([&] {
    const auto frame = test::frame_of(frame_bytes);
    for (std::size_t sent = 0; sent < total_bytes; sent += frame_bytes) from.send(frame);
  });
  for (std::size_t got = 0; got < total_bytes; got += frame_bytes) to.receive();
  sender.join();
  const auto seconds = seconds_since(begun);
  const auto bytes = static_cast<double>(total_bytes);
  std::printf("%s: %.0f MB/s, %.2f s of CPU a GB\n", name, bytes / seconds / 1e6,
              (cpu_seconds() - cpu) / bytes * 1e9);
}

void measure_round_trips(net::Link& here, net::Link& there) {
  constexpr int round_count = 20'000;
  std::thread echo([&] {
    for (int k = 0; k < round_count; ++k) there.send(test::receive_frame(there));
  });
  const auto begun = Clock::now();
  for (int k = 0; k < round_count; ++k) {
    here.send(test::frame_of(64));
    here.receive();
  }
  std::printf("round trip of 64 bytes: %.1f us\n", seconds_since(begun) / round_count * 1e6);
  echo.join();
}

void measure_idle(std::size_t count) {
  test::Server server({}, 2);
  net::IoThreads io;
  std::vector<net::Connection> ends;
  ends.reserve(2 * count);
  const auto add = [&] {
    ends.push_back(net::connect(io, server.endpoint(), test::client_identity(), test::accepting_server()));
    ends.push_back(server.connections.take());
  };
  for (int k = 0; k < 50; ++k) add();
  const auto before = resident_bytes();
  const auto begun = Clock::now();
  for (std::size_t k = 0; k < count; ++k) add();
  const auto seconds = seconds_since(begun);
  const auto after = resident_bytes();
  const auto per_end = [&](std::size_t bytes) {
    return static_cast<double>(bytes - before) / static_cast<double>(2 * count) / 1024;
  };
  std::printf("%.0f connections a second, one after the other\n", static_cast<double>(count) / seconds);
  std::printf("%zu idle connections: %.1f KiB for each end\n", count, per_end(after));
  for (std::size_t k = 0; k < ends.size(); k += 2) {
    ends[k].link->send(test::frame_of(64 * limits::kib));
    ends[k + 1].link->send(test::receive_frame(*ends[k + 1].link));
    test::receive_frame(*ends[k].link);
  }
  std::printf("after 64 KiB there and back on each: %.1f KiB\n", per_end(resident_bytes()));
}

}  // namespace

int main(int argc, char** argv) {
  const auto total_bytes = static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 2) << 30;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  measure_bytes();
  {
    test::NetPair pair;
    measure_throughput("TLS", pair.here(), pair.there(), total_bytes);
    measure_throughput("TLS, the other way", pair.there(), pair.here(), total_bytes);
    measure_round_trips(pair.here(), pair.there());
  }
  {
    net::IoThreads io(2);
    int fds[2];
    if (::pipe(fds) != 0) return 1;
    int back[2];
    if (::pipe(back) != 0) return 1;
    const auto here = net::make_stdio_link(io, back[0], fds[1]);
    const auto there = net::make_stdio_link(io, fds[0], back[1]);
    for (const int fd : {fds[0], fds[1], back[0], back[1]}) ::close(fd);
    measure_throughput("pipe", *here, *there, total_bytes);
  }
  measure_idle(1000);
}
