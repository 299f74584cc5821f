// SPDX-License-Identifier: Apache-2.0
// Messages about what came of it: commits, failures, the end, and what the person at the client is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hash/digest.hpp"
#include "wire/session_messages.hpp"

namespace syncline::wire {

struct Flush {
  std::uint64_t token = 0;
};
/// Everything sent before the flush with this token is committed (or was told as failed).
struct Ack {
  std::uint64_t token = 0;
};
/// Of the file system that an entry did not fit into.
struct Space {
  std::uint64_t needed_bytes = 0;  ///< for the entry's content
  std::uint64_t free_bytes = 0;
};
struct Failure {
  std::string path;
  std::uint32_t code = 0;  ///< errno, or Errc when syncline_code
  bool syncline_code = false;
  bool retry = false;  ///< the sender may send the file again (its base was not the expected one)
  std::string message;
  std::optional<Space> space;  ///< where there is too little of it
};
/// Entries of the receiver that are not the sender's and stay as they are, with all below them.
struct Left {
  struct Entry {
    std::string path;
    std::uint64_t version = 0;  ///< not 0: of what the sender has there, to be told with the entry next time
  };
  std::vector<Entry> entries;
  bool all = false;  ///< none will follow: what was not named in any is equal
};
/// A version that others made was kept.
struct Kept {
  std::string path;
  std::string kept_as;  ///< below the receiver's root
};
struct Finish {
  bool agree = false;       ///< nothing failed: record an agreement
  bool unanswered = false;  ///< both were in step and nothing is to be recorded: no finished follows
  hash::Digest root;        ///< of the sender's tree as it was sent
};
struct Finished {
  hash::Digest root;
  bool agreed = false;
  std::uint64_t disk_written_bytes = 0;
  std::uint64_t content_read_bytes = 0;
};
struct Fatal {
  std::uint32_t code = 0;
  bool syncline_code = false;
  std::string message;
};

/// What a server that sends tells the person at the client.
struct ChangeInfo {
  std::string itemized;
  std::string path;
  std::string link_target;
  std::string renamed_from;
  bool edited = false;
};
struct ErrorInfo {
  std::string path;
  std::string cause;
  std::string next;
  std::uint8_t exit_code = 23;
  bool at_destination = false;
};
struct NoticeInfo {
  std::string text;
};
struct ProgressInfo {
  std::uint8_t phase = 0;
  std::uint64_t files_scanned = 0;
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t matched_bytes = 0;
};
/// A change that a guard keeps back.
struct HeldInfo {
  bool is_deletion = false;
  ChangeInfo change;
};
struct Event {
  std::variant<ChangeInfo, ErrorInfo, NoticeInfo, ProgressInfo, HeldInfo> what;
};
/// What guards keep back, and what a continuation needs to know.
struct RoundSummary {
  std::uint64_t deletions_held = 0;
  std::uint64_t changes_held = 0;
  std::uint64_t deletions_unnamed = 0;  ///< of those held back, beyond the events that told of them
  std::uint64_t changes_unnamed = 0;
  SourceId source{};
  bool is_followed = false;  ///< of a standing one: it will be told when something changes
};
/// What is mounted in the source.
struct RoundMounts {
  std::vector<std::string> now;
  std::string missing;  ///< of those in the PullRound; empty: none
};
struct Summary {
  std::uint64_t files_total = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_deleted = 0;
  std::uint64_t files_renamed = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_changed = 0;
  std::uint64_t bytes_matched = 0;
  std::uint64_t bytes_literal = 0;
  std::uint64_t content_read_bytes = 0;
  std::uint64_t errors = 0;
  std::uint8_t exit_code = 0;
  bool in_step = false;
  bool delete_limit_reached = false;
  std::optional<RoundSummary> round;  ///< of a pull with open_round
  /// The same, to a client with open_far_mounts; none where there is nothing to tell.
  std::optional<RoundMounts> mounts;
};

}  // namespace syncline::wire
