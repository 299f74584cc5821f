// SPDX-License-Identifier: Apache-2.0
// Sessions over standard input and output.
#include "server/stdio_session.hpp"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/limits.hpp"
#include "sync/service.hpp"
#include "sync/session.hpp"

namespace syncline::server {
namespace {

constexpr std::uint64_t only_client = 1;

/// Tells the client once a second, if it is to be told, that something stirred in its place.
class StirTeller {
 public:
  StirTeller(sync::WarmReplicas& warm, wire::Channel& channel) : warm_(warm), channel_(channel) {}
  StirTeller(const StirTeller&) = delete;
  StirTeller& operator=(const StirTeller&) = delete;
  ~StirTeller() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, limits::stir_interval, [&] { return is_over_; })) {
      try {
        if (!warm_.take_stirred().empty()) channel_.tell_stirred();
      } catch (const Error&) {
        return;  // the connection is gone, which whoever serves it will meet
      }
    }
  }

  sync::WarmReplicas& warm_;
  wire::Channel& channel_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_over_ = false;
  std::thread thread_{[this] { run(); }};
};

}  // namespace

void serve_stdio(const sync::World& world, std::unique_ptr<net::Link> link, const std::string& state_dir,
                 const std::function<bool()>& cancelled) {
  wire::Channel channel(std::move(link), wire::Conversation::answering(), {});
  sync::ServiceOptions options;
  options.find_share = [&](const wire::Open& open) {
    if (open.share != "/" && open.share != ".")
      throw Error(ENOENT, "share '" + escape_name(open.share) + "' over a remote shell");
    sync::ServedShare out;
    out.dir = open.share;
    out.is_unconfined = out.may_write = out.may_delete = true;
    out.state_dir = state_dir;
    out.threads = std::max(1u, std::thread::hardware_concurrency());
    return out;
  };
  options.cancelled = cancelled;
  sync::WarmReplicas warm;
  options.warm = &warm;
  options.client = only_client;
  sync::BlockSums blocks;
  options.blocks = &blocks;
  const StirTeller teller(warm, channel);
  world.files->make_dirs(state_dir, 0700);
  while (auto message = channel.receive()) {
    sync::serve_session(world, channel, sync::take<wire::Open>(std::move(*message)), options);
    channel.begin_session(wire::Conversation::answering(), {});
  }
}

}  // namespace syncline::server
