// SPDX-License-Identifier: Apache-2.0
// One `syncline serve` under load: idle TLS connections, small syncs, and both beside bulk pushes.
//
//   load_bench PROGRAM [--idle N] [--busy N] [--seconds N]
//
// The server is a process of its own, the clients are threads of this one: its CPU time is in every figure,
// its memory in none. Ends with 1 when an idle connection costs more than the bar, when the server grows past
// it, or when one of the idle connections is lost.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "net/connector.hpp"
#include "remote/dial.hpp"
#include "support/temp_dir.hpp"
#include "sync/remote_copy.hpp"
#include "trust/identity.hpp"

namespace {

using namespace syncline;
using Clock = std::chrono::steady_clock;

constexpr std::size_t idle_bytes_max = 80 * limits::kib;    // of the server, for each idle connection
constexpr std::size_t server_bytes_max = 64 * limits::mib;  // and for everything else
constexpr std::size_t small_file_count = 20;
constexpr std::size_t idle_of_a_key = 250;  // a server's default is a few more
constexpr std::size_t small_file_bytes = 4 * limits::kib;
constexpr std::size_t bulk_file_bytes = 4 * limits::mib;
constexpr unsigned dial_threads = 4;
constexpr int dial_attempts = 10;  // more handshakes than threads are under way: the server ends them later

struct Options {
  std::string program;
  std::size_t idle = 1000;
  std::size_t busy = 20;
  std::size_t seconds = 20;
};

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

/// `syncline serve` with one share, and every client in it.
class ServerProcess {
 public:
  ServerProcess(const std::string& program, const test::TempDir& dir,
                const std::vector<trust::Fingerprint>& clients)
      : log_(dir.path("server.log")) {
    std::vector<std::string> args{program,    "serve",
                                  "--state",  dir.make_dir("server"),
                                  "--share",  "share=" + dir.make_dir("share"),
                                  "--listen", "127.0.0.1:0"};
    for (const auto& client : clients) {
      args.emplace_back("--authorize");
      args.push_back(client.text());
    }
    std::vector<char*> argv;
    for (auto& one : args) argv.push_back(one.data());
    argv.push_back(nullptr);
    ::setenv("HOME", dir.path().c_str(), 1);  // its configuration, not that of whoever measures
    ::setenv("XDG_CONFIG_HOME", dir.path("config").c_str(), 1);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(log, STDOUT_FILENO);
      ::dup2(log, STDERR_FILENO);
      rlimit files{};
      ::getrlimit(RLIMIT_NOFILE, &files);
      files.rlim_cur =
          std::min<rlim_t>(files.rlim_max, 1024);  // as a login gives it: the rest is the server's affair
      ::setrlimit(RLIMIT_NOFILE, &files);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    await_listening(dir);
  }
  ~ServerProcess() {
    ::kill(pid_, SIGTERM);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  const std::string& key() const { return key_; }

  /// VmRSS, VmHWM, Threads of /proc/PID/status; kB are made bytes.
  std::size_t status(const char* field) const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(std::string(field) + ":")) {
        const auto value = std::stoull(line.substr(std::strlen(field) + 1));
        return line.ends_with("kB") ? value * limits::kib : value;
      }
    throw std::runtime_error("the server has ended: see its log");
  }
  double cpu_seconds() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
    std::string word;
    double ticks = 0;
    for (int field = 1; field <= 15 && in >> word; ++field)
      if (field >= 14) ticks += std::stod(word);
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  void await_listening(const test::TempDir& dir) {
    const std::string begin = "listening on 127.0.0.1:";
    const std::string middle = ", key ";
    for (int tries = 0; tries < 3000; ++tries) {
      const auto text = dir.exists("server.log") ? dir.read("server.log") : "";
      const auto at = text.find(begin);
      const auto key = at == text.npos ? text.npos : text.find(middle, at);
      const auto end = key == text.npos ? text.npos : text.find('\n', key);
      if (end != text.npos) {
        port_ = static_cast<std::uint16_t>(std::stoul(text.substr(at + begin.size())));
        key_ = text.substr(key + middle.size(), end - key - middle.size());
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("the server does not listen: " + dir.read("server.log"));
  }

  std::string log_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::string key_;
};

/// Somebody with a key and a directory, who pushes it again and again.
class Client {
 public:
  Client(const test::TempDir& dir, const std::string& name)
      : dir_(dir), name_(name), random_(std::hash<std::string>()(name)) {
    dir_.make_dir(name_ + "-tree");
    key_ = trust::Identity::load_or_create(fs::linux_fs(), dir_.path(name_)).fingerprint();
    for (std::size_t k = 0; k < small_file_count; ++k)
      rewrite("small-" + std::to_string(k), small_file_bytes);
  }
  const trust::Fingerprint& key() const { return key_; }

  void rewrite(const std::string& file, std::size_t bytes) {
    std::string content(bytes, '\0');
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes; at += sizeof(std::uint64_t)) {
      const auto value = random_();
      std::memcpy(content.data() + at, &value, sizeof value);
    }
    dir_.write(name_ + "-tree/" + file, content);
  }
  double push_small() {
    rewrite("small-" + std::to_string(turn_++ % small_file_count), small_file_bytes);
    return push();
  }
  void push_bulk() {
    rewrite("bulk", bulk_file_bytes);
    push();
  }
  void use(const ServerProcess& server) {
    options_.state_dir = dir_.path(name_);
    options_.sources = {dir_.path(name_ + "-tree") + "/"};
    options_.destination = "syncline://127.0.0.1:" + std::to_string(server.port()) + "/share/" + name_ + "/";
    options_.server_key = server.key();
    options_.threads = 1;
    options_.retries = 5;  // the default: who comes while too many shake hands is asked to come again
  }

 private:
  double push() {
    const auto begun = Clock::now();
    const sync::World world;
    remote::Dialer dialer(world, options_);
    const auto report = sync::run_remote_copy(
        world, options_, {}, [&](const sync::RemotePlace& place) { return dialer.dial(place); });
    if (report.exit_code != 0)
      throw std::runtime_error("a push ended with " + std::to_string(report.exit_code));
    return seconds_since(begun);
  }

  const test::TempDir& dir_;
  const std::string name_;
  std::mt19937_64 random_;
  trust::Fingerprint key_;
  CopyOptions options_;
  std::size_t turn_ = 0;
};

/// Runs `work` in a thread of each until the time is over; what one throws comes out of here.
template <class Work>
void for_a_while(std::size_t seconds, std::size_t count, Work&& work) {
  std::atomic<bool> over = false;
  std::mutex mutex;
  std::exception_ptr failed;
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < count; ++k)
    threads.emplace_back([&, k] {
      try {
        while (!over) work(k);
      } catch (...) {
        std::lock_guard lock(mutex);
        failed = std::current_exception();
        over = true;
      }
    });
  const auto begun = Clock::now();
  while (!over && seconds_since(begun) < static_cast<double>(seconds))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  over = true;
  for (auto& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
}

/// Times of small syncs, from several threads.
class Times {
 public:
  void add(double seconds) {
    std::lock_guard lock(mutex_);
    all_.push_back(seconds);
  }
  std::size_t count() const { return all_.size(); }
  double quantile_ms(double part) {
    if (all_.empty()) return 0;
    std::ranges::sort(all_);
    const auto at = static_cast<std::size_t>(part * static_cast<double>(all_.size()));
    return all_[std::min(at, all_.size() - 1)] * 1e3;
  }

 private:
  std::mutex mutex_;
  std::vector<double> all_;
};

net::Connection dial(net::IoThreads& io, const ServerProcess& server, const trust::Identity& identity) {
  net::ConnectOptions options;
  options.accept = [](const net::PeerKey&) { return true; };
  for (int attempt = 1;; ++attempt) {
    try {
      return net::connect(io, {"127.0.0.1", server.port()},
                          {identity.certificate_pem(), identity.private_key_pem()}, options);
    } catch (const Error& error) {
      if (!error.is_errno(ECONNRESET) || attempt == dial_attempts) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(10 * attempt));
    }
  }
}

std::vector<net::Connection> connect_idle(net::IoThreads& io, const ServerProcess& server,
                                          const std::vector<trust::Identity>& identities, std::size_t count) {
  std::vector<net::Connection> out;
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failed;
  std::vector<std::thread> threads;
  for (unsigned k = 0; k < dial_threads; ++k)
    threads.emplace_back([&] {
      try {
        for (std::size_t i; (i = next++) < count;) {
          auto one = dial(io, server, identities[i % identities.size()]);
          std::lock_guard lock(mutex);
          out.push_back(std::move(one));
        }
      } catch (...) {
        std::lock_guard lock(mutex);
        failed = std::current_exception();
      }
    });
  for (auto& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
  return out;
}

double mb(std::size_t bytes) { return static_cast<double>(bytes) / 1e6; }

int run(const Options& options) {
  const test::TempDir dir;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t k = 0; k <= options.busy; ++k)
    clients.push_back(std::make_unique<Client>(dir, "client-" + std::to_string(k)));
  Client& prober = *clients.back();
  std::vector<trust::Identity> idle_identities;
  std::vector<trust::Fingerprint> keys;
  for (std::size_t k = 0; k * idle_of_a_key < options.idle; ++k) {
    idle_identities.push_back(
        trust::Identity::load_or_create(fs::linux_fs(), dir.path("idle-" + std::to_string(k))));
    keys.push_back(idle_identities.back().fingerprint());
  }
  for (const auto& client : clients) keys.push_back(client->key());
  const ServerProcess server(options.program, dir, keys);
  for (auto& client : clients) client->use(server);
  prober.push_small();  // what the first session of a process takes is not a connection's
  const auto before = server.status("VmRSS");

  net::IoThreads io(2);
  auto begun = Clock::now();
  auto idle = connect_idle(io, server, idle_identities, options.idle);
  std::printf("%zu connections in %.1f s\n", idle.size(), seconds_since(begun));
  std::this_thread::sleep_for(std::chrono::seconds(1));  // until the last ones are admitted
  const auto with_idle = server.status("VmRSS");
  const auto idle_bytes =
      with_idle > before ? (with_idle - before) / std::max<std::size_t>(1, options.idle) : 0;
  std::printf("server: %.1f MB before, %.1f MB with %zu idle connections (%.1f KiB each), %zu threads\n",
              mb(before), mb(with_idle), options.idle, static_cast<double>(idle_bytes) / limits::kib,
              server.status("Threads"));

  Times small;
  begun = Clock::now();
  auto cpu = server.cpu_seconds();
  for_a_while(options.seconds, options.busy, [&](std::size_t k) { small.add(clients[k]->push_small()); });
  const auto small_count = static_cast<double>(small.count());
  std::printf(
      "%zu clients, small syncs: %.0f/s, p50 %.1f ms, p99 %.1f ms; %.2f ms of the server's CPU time each\n",
      options.busy, small_count / seconds_since(begun), small.quantile_ms(0.5), small.quantile_ms(0.99),
      (server.cpu_seconds() - cpu) / std::max(1.0, small_count) * 1e3);

  Times beside;
  std::atomic<std::uint64_t> bulk_bytes = 0;
  begun = Clock::now();
  cpu = server.cpu_seconds();
  for_a_while(options.seconds, options.busy + 1, [&](std::size_t k) {
    if (k == options.busy) return beside.add(prober.push_small());
    clients[k]->push_bulk();
    bulk_bytes += bulk_file_bytes;
  });
  const auto bulk_mb = static_cast<double>(bulk_bytes) / 1e6;
  std::printf(
      "%zu clients, bulk: %.0f MB/s, %.1f ms of the server's CPU time a MB; small syncs beside them: p50 "
      "%.1f ms, p99 %.1f ms (of %zu)\n",
      options.busy, bulk_mb / seconds_since(begun),
      (server.cpu_seconds() - cpu) / std::max(1.0, bulk_mb) * 1e3, beside.quantile_ms(0.5),
      beside.quantile_ms(0.99), beside.count());

  const auto peak = server.status("VmHWM");
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const auto afterwards = server.status("VmRSS");
  std::printf("server: %.1f MB at its peak (%.1f MB for each busy client), %.1f MB afterwards, %zu threads\n",
              mb(peak), mb(peak - with_idle) / static_cast<double>(options.busy + 1), mb(afterwards),
              server.status("Threads"));
  const auto lost = std::ranges::count_if(idle, [](const auto& one) { return one.link->has_input(); });
  bool good = true;
  const auto check = [&](bool holds, const char* what) {
    if (!holds) std::printf("NOT REACHED: %s\n", what);
    good = good && holds;
  };
  check(lost == 0, "all idle connections are still there");
  check(idle_bytes <= idle_bytes_max, "80 KiB for an idle connection");
  const auto bar = server_bytes_max + options.idle * idle_bytes_max;
  check(with_idle <= bar, "64 MB and 80 KiB for each idle connection");
  check(afterwards <= bar, "64 MB and 80 KiB for each idle connection, once the busy clients are gone");
  return good ? 0 : 1;
}

Options parse(int argc, char** argv) {
  Options out;
  if (argc < 2) throw std::runtime_error("load_bench PROGRAM [--idle N] [--busy N] [--seconds N]");
  out.program = argv[1];
  for (int k = 2; k + 1 < argc; k += 2) {
    const std::string name = argv[k];
    const auto value = static_cast<std::size_t>(std::stoul(argv[k + 1]));
    if (name == "--idle") out.idle = value;
    else if (name == "--busy") out.busy = value;
    else if (name == "--seconds") out.seconds = value;
    else throw std::runtime_error("unknown: " + name);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto options = parse(argc, argv);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  return run(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "load_bench: %s\n", error.what());
  return 1;
}
