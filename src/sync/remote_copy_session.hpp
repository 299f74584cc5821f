// SPDX-License-Identifier: Apache-2.0
// The client's end of copies to and from another machine: its state. Connection and tries are in
// remote_copy.cpp, the two directions in remote_push.cpp and remote_pull.cpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sync/events.hpp"
#include "sync/places.hpp"
#include "sync/receiver.hpp"
#include "sync/remote_copy.hpp"
#include "sync/standing_copy.hpp"

namespace syncline::sync {

class RemoteCopy {
 public:
  RemoteCopy(const World& world, const CopyOptions& options, const CopyObserver& observer, const Dial& dial,
             Standing* standing)
      : world_(world), options_(options), events_(observer), dial_(dial), standing_(standing) {}
  CopyReport run();

 private:
  void find_places();
  void copy();
  void try_copy();
  void run_session();
  void push(const RemotePlace& destination);
  void pull();
  /// What is sent, and where the server is to put it.
  struct PushPlaces {
    std::vector<Origin> origins;
    std::string path_there;
    std::vector<std::string> entries;
    std::string rule_prefix;
    bool contents = false;  ///< the path there must be a directory
  };
  PushPlaces push_places(const RemotePlace& destination) const;
  struct PullPlaces {
    bool exists = false;
    bool is_dir = false;
    std::string dir;
    std::string entry_dir;
    std::vector<std::string> entries;
  };
  PullPlaces pull_places() const;
  ReplicaOptions pull_target(const PullPlaces& places, bool one_entry) const;
  bool is_merged() const { return options_.sources.size() > 1; }
  /// A pull that is one of several, or that a guard is to look over.
  bool is_round() const { return standing_ != nullptr || options_.guard_deletes || options_.guard_changes; }
  wire::Channel& connected(const RemotePlace& place, wire::Role role);
  std::unique_ptr<wire::Transport> connection_to(const RemotePlace& place, wire::Role role);
  wire::Open open_for(const RemotePlace& place, wire::Direction direction) const;
  wire::Opened take_opened(wire::Channel& channel) const;
  wire::Open open_for_pull(const RemotePlace& source) const;
  void check_features(const wire::Opened& opened) const;
  void take_summary(wire::Channel& channel, const ReceiverResult& result);
  void take_round(const wire::RoundSummary& round);
  void on_held(const wire::HeldInfo& held);
  void hang_up();
  void take_kept();
  void keep_channel();
  void pause(unsigned tries, const Error& cause);
  void on_event(const wire::Event& event);
  void on_failure(const wire::Failure& failure);
  ReceiverOptions receiver_options();
  void finish_report();
  unsigned threads() const {
    return options_.threads != 0 ? options_.threads : std::max(1u, std::thread::hardware_concurrency());
  }

  const World& world_;
  CopyOptions options_;
  Events events_;
  const Dial& dial_;
  Standing* const standing_;
  bool is_kept_ = false;  ///< channel_ is that of the round before
  IdentityRules owners_;
  std::optional<RemotePlace> destination_;
  std::vector<LocalSource> sources_here_;   ///< of a push: those that are there
  std::vector<RemotePlace> sources_there_;  ///< of a pull
  std::string state_dir_;
  std::unique_ptr<wire::Channel> channel_;
  std::string peer_;  ///< of channel_
  bool pushes_ = false;
  bool has_dialled_ = false;
  std::atomic<bool> was_connected_ = false;
  std::uint64_t out_bytes_ = 0;  ///< of connections that are closed
  std::uint64_t in_bytes_ = 0;
  CopyReport report_;
  bool in_step_ = false;
  bool is_unlike_ = false;  ///< after the last session
};

}  // namespace syncline::sync
