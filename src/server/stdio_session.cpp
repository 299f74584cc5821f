// SPDX-License-Identifier: Apache-2.0
// Sessions over standard input and output.
#include "server/stdio_session.hpp"

#include <cerrno>
#include <thread>

#include "server/stir_teller.hpp"
#include "sync/service.hpp"
#include "sync/session.hpp"

namespace syncline::server {
namespace {

constexpr std::uint64_t only_client = 1;

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
  sync::FollowedSources sources;
  options.sources = &sources;
  sync::BlockSums blocks;
  options.blocks = &blocks;
  const StirTeller teller(warm, sources, [&](std::uint64_t) {
    try {
      channel.tell_stirred();
    } catch (const Error&) {
      // The connection is gone, which whoever serves it will meet.
    }
  });
  world.files->make_dirs(state_dir, 0700);
  while (auto message = channel.receive()) {
    sync::serve_session(world, channel, sync::take<wire::Open>(std::move(*message)), options);
    channel.begin_session(wire::Conversation::answering(), {});
  }
}

}  // namespace syncline::server
