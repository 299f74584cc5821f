// SPDX-License-Identifier: Apache-2.0
// State of the sending role: shared by its halves, agreement (sender.cpp) and transfer (sender_phases.cpp).
#pragma once

#include <condition_variable>
#include <string_view>
#include <unordered_set>

#include "sync/listing_intake.hpp"
#include "sync/sender.hpp"
#include "sync/source_mounts.hpp"
#include "sync/transfer.hpp"

namespace syncline::sync {

class Sender {
 public:
  Sender(Replica& replica, wire::Channel& channel, Events& events, const SenderOptions& options)
      : replica_(replica),
        channel_(channel),
        events_(events),
        options_(options),
        rules_(options.rules),
        receiver_features_(options.receiver_features) {}

  SenderResult run();
  void salvage() noexcept;

 private:
  SenderResult run_session();
  void shake_hands();
  wire::Hello take_hello();
  void begin(const wire::Hello& receiver);
  std::optional<state::Agreement> tell_roots();
  void tell_owners();
  std::optional<state::Agreement> begin_with(const wire::OwnerIds& ids);
  std::string owners_key() const;
  void leave();
  void scan();
  bool compare_roots();
  void fetch_listings();
  void take_drift();
  void take_partials(wire::Partials partials);
  void collect_listing(ListingIntake& intake);
  ListingRules listing_rules() const;
  bool must_ask(const std::string& path, const wire::EntryInfo& theirs, const DirNode* ours) const;
  void plan();
  void transfer();
  void send_structure();
  void send_others(Transfer& transfer);
  void send_files(Transfer& transfer);
  void follow_leaders();
  void send_tail(Transfer& transfer);
  void seed_dedupe(DedupeIndex& dedupe);
  template <class Condition>
  void wait_for_reply(std::unique_lock<std::mutex>& lock, Condition&& has_come);
  void flush_and_wait();
  void finish_transfer();
  void receive_replies(Transfer& transfer);
  void on_failure(const wire::Failure& failure, Transfer& transfer);
  void send_left();
  void note_left(std::string path);
  void check_drift() const;
  void on_kept(const wire::Kept& kept);
  void finish(bool agree);
  void settle_gone_back();
  bool knows_drift() const { return (receiver_features_ & wire::open_drift) != 0; }
  wire::Message expect();
  void on_event(const wire::Event& event);

  Replica& replica_;
  wire::Channel& channel_;
  Events& events_;
  const SenderOptions& options_;
  IdentityRules rules_;
  std::uint64_t receiver_features_;  ///< as the server says, if it is one
  SenderResult result_;
  std::optional<wire::Hello> guess_;
  wire::Hello receiver_;                  ///< as it said, or as we guess
  wire::Owners owners_;                   ///< as told with the last root
  std::optional<OwnerMap> owners_there_;  ///< as heard in this session
  std::string peer_;
  hash::Digest options_digest_;
  hash::Digest own_root_;
  wire::Roots remote_roots_;
  RemoteDirs remote_;
  std::vector<wire::Partials> partials_;
  std::size_t partial_chunks_ = 0;
  bool scanned_ = false;
  bool from_records_ = false;
  bool theirs_differ_ = false;  ///< at the last agreement: they hold entries of their own
  bool is_content_hidden_ = true;   ///< equal times prove nothing to this receiver; until its roots are told
  bool is_second_ = false;          ///< the one before has left the trees unlike each other
  bool asks_for_all_ = false;   ///< also for directories with equal digests
  Plan plan_;
  std::vector<wire::Left::Entry> left_;  ///< beside the plan's
  std::optional<SourceMounts> mounts_;   ///< where they are to be looked for
  delta::SumKey sum_key_;

  std::mutex mutex_;
  std::condition_variable replied_;
  std::uint64_t flush_token_ = 0;
  std::uint64_t acked_token_ = 0;
  std::uint64_t failures_ = 0;
  std::unordered_set<std::string_view> removes_;  ///< that were planned, once something has failed
  std::uint64_t failed_removes_ = 0;
  std::optional<wire::Finished> finished_;
  std::exception_ptr error_;
  bool closed_ = false;
};

}  // namespace syncline::sync
