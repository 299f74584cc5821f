// SPDX-License-Identifier: Apache-2.0
// A server in this process, and copies that go to it or come from it over a pipe that codes as a network
// does.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/frame_pipe.hpp"
#include "sync/remote_copy.hpp"
#include "sync/service.hpp"

namespace syncline::test {

/// Every dial gets a thread that serves until the client goes away.
class Served {
 public:
  /// May wrap an end of a connection.
  using Wrap = std::function<std::unique_ptr<wire::Transport>(std::unique_ptr<wire::Transport>)>;

  explicit Served(sync::ServedShare share, sync::World world = {})
      : share_(std::move(share)), world_(world) {}
  ~Served() { join(); }

  std::unique_ptr<wire::Transport> dial() {
    auto [here, there] = make_frame_pipe();
    if (wrap_there) there = wrap_there(std::move(there));
    ++dial_count;
    threads_.emplace_back([this, end = std::shared_ptr<wire::Transport>(std::move(there))]() mutable {
      serve(std::move(end));
    });
    return wrap ? wrap(std::move(here)) : std::move(here);
  }
  void join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }
  CopyReport copy(const CopyOptions& options, const CopyObserver& observer, const sync::World& world = {}) {
    const auto report =
        sync::run_remote_copy(world, options, observer, [this](const sync::RemotePlace&) { return dial(); });
    join();
    return report;
  }

  std::function<void()> while_reserved;  ///< called when a session waits for its place
  Wrap wrap;        ///< the client's end
  Wrap wrap_there;  ///< the server's
  int dial_count = 0;
  std::vector<sync::SessionNews> news;
  std::vector<std::string> errors;
  std::vector<std::string> notices;
  sync::WarmReplicas warm;
  sync::FollowedSources sources;
  std::uint64_t client = 1;  ///< as the server counts them

 private:
  /// Owns its transport through a shared pointer, as a thread's function must be copyable.
  class Borrowed final : public wire::Transport {
   public:
    explicit Borrowed(std::shared_ptr<wire::Transport> end) : end_(std::move(end)) {}
    void send(Bytes frame) override { end_->send(std::move(frame)); }
    void hand_over(wire::Message message, std::size_t bytes) override {
      end_->hand_over(std::move(message), bytes);
    }
    std::optional<wire::Parcel> receive() override { return end_->receive(); }
    bool has_input() const override { return end_->has_input(); }
    void close() override { end_->close(); }
    std::uint64_t sent_bytes() const override { return end_->sent_bytes(); }
    std::uint64_t received_bytes() const override { return end_->received_bytes(); }
    std::uint64_t waiting_bytes() const override { return end_->waiting_bytes(); }
    bool is_local() const override { return false; }

   private:
    std::shared_ptr<wire::Transport> end_;
  };

  void serve(std::shared_ptr<wire::Transport> end) {
    wire::Channel channel(std::make_unique<Borrowed>(std::move(end)), wire::Conversation::answering(), {});
    sync::ServiceOptions options;
    options.find_share = [this](const wire::Open& open) {
      if (open.share != "share" && !open.share.empty())
        throw Error(ENOENT, "share '" + escape_name(open.share) + "'");
      return share_;
    };
    options.warm = &warm;
    options.sources = &sources;
    options.client = client;
    options.reserve = [this](const std::string&, sync::PlaceUse) {
      if (while_reserved) while_reserved();
      return std::make_shared<std::unique_lock<std::mutex>>(place_mutex_);
    };
    options.notice = [this](const std::string& text) {
      std::lock_guard lock(mutex_);
      notices.push_back(text);
    };
    try {
      while (auto message = channel.receive()) {
        const auto one =
            sync::serve_session(world_, channel, std::get<wire::Open>(std::move(*message)), options);
        {
          std::lock_guard lock(mutex_);
          news.push_back(one);
        }
        channel.begin_session(wire::Conversation::answering(), {});
      }
    } catch (const std::exception& error) {
      std::lock_guard lock(mutex_);
      errors.emplace_back(error.what());
    }
    channel.close();
  }

  sync::ServedShare share_;
  sync::World world_;
  std::mutex place_mutex_;  ///< one session at a time
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace syncline::test
