// SPDX-License-Identifier: Apache-2.0
// Sending content: small files in batches, large and changed ones step by step, gaps in rounds.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "base/kept_thread.hpp"
#include "chunk/chunker.hpp"
#include "delta/align.hpp"
#include "sync/bulk_lane.hpp"
#include "sync/dedupe.hpp"
#include "sync/manifest_intake.hpp"
#include "sync/sender.hpp"

namespace syncline::sync {

/// The sender's side of all files of a plan. Worker threads read and send; the thread that
/// receives messages hands replies in and never blocks on the channel itself (else both sides
/// could wait for each other with full queues).
class Transfer {
 public:
  Transfer(Replica& replica, wire::Channel& channel, Events& events, const SenderOptions& options,
           const Plan& plan, delta::SumKey sum_key);
  ~Transfer();

  DedupeIndex& dedupe() { return dedupe_; }
  /// Sends every file of `items`; returns when all of them are sent and every gap is answered.
  /// Files whose content is on its way in another file are put off and returned.
  std::vector<Item> send(const std::vector<Item>& items, bool may_defer);

  // Replies, from the receiving thread.
  void on_gap_sums(wire::GapSums message);
  void on_chunk_request(const wire::ChunkRequest& message);
  void on_manifest(wire::ManifestReply message);
  /// The receiver refused the file's base: it is sent again, compared with what is really there.
  void on_retry(const std::string& path);
  /// Ends the transfer, unless `error` is none. The caller keeps no hold of it.
  void fail(std::exception_ptr error);
  /// When all went well: reads the files that changed in place once more, block by block.
  void remember_blocks();
  /// Everything sent is acknowledged: forgets the open files, returns those to be sent again.
  std::vector<Item> settled();

  struct LateChanges {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  /// What was planned to be compared only, and differs.
  LateChanges late_changes();

  wire::Meta meta_of(const DirNode& node, const Entry& entry, const fs::File* file);
  wire::Meta meta_at(DirNode& node, Entry& entry);

 private:
  struct Gap {
    std::uint64_t new_offset = 0;
    delta::GapPlan plan;
    std::vector<delta::BlockMatch> coarse;
    std::uint8_t awaited_round = 0;  ///< of the receiver's sums; 0: none while these are looked at
    bool closed = false;             ///< answered, or given up by the receiver
    bool given_up = false;           ///< the receiver said so
    std::uint8_t answer_count = 0;   ///< of sums that are looked at
  };
  /// A file under way, or sent, that the receiver may still ask about.
  struct Open {
    Item item;
    std::vector<Gap> gaps;
    std::size_t open_gaps = 0;
    bool steps_sent = false;
    wire::FileEnd end;
    std::uint64_t chunk_count = 0;                 ///< at most
    std::map<std::uint64_t, wire::ChunkRef> refs;  ///< chunks that may be asked for, by new offset
  };
  struct Reply {  // one of the two; a std::variant of them makes g++ 12 see ghosts
    wire::GapSums sums;
    std::optional<wire::ChunkRequest> request;
  };
  struct Source {
    std::unique_ptr<fs::File> file;
    fs::Stat stat;
  };
  /// A file that was sent with a base of ours.
  struct SentFile {
    Item item;
    hash::Digest old_root;
    hash::Digest root;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> changed;  ///< offsets and lengths
  };
  struct OpenDir {  ///< that of the last file: neighbours share it
    const DirNode* node = nullptr;
    std::uint16_t origin = 0;
    std::unique_ptr<fs::Dir> dir;
  };
  /// The steps of one file, gathered into messages of moderate size.
  struct Steps {
    std::uint64_t file = 0;
    wire::FileSteps message;
    std::size_t bytes = 0;
    std::size_t bytes_wanted = 0;
    BulkLane* lane = nullptr;  ///< of a stream
    bool is_new = false;       ///< without a base: mostly content, which shares little with what else is said
    /// Number in the session's index of a file that is sent as it is cut.
    std::optional<std::uint32_t> stream;
    /// Of a new file: its chunks so far, but for those that stand in that index as its own.
    DedupeIndex own;
    std::vector<std::uint64_t> old_starts;  ///< offsets of the base's chunks, for the cache
    std::shared_ptr<const FileBlocks> old_blocks;
  };

  // Threads.
  void work();
  std::vector<Item> take_items();
  bool is_small(const Item& item) const;
  void run_items(const std::vector<Item>& items);
  std::optional<Reply> next_reply();
  void run_reply(const Reply& reply);
  void answer_some();
  bool all_done() const;
  template <class HasRoom>
  void wait_for_room(std::unique_lock<std::mutex>& lock, HasRoom&& has_room);
  void wait_for_window(std::uint64_t bytes);
  std::uint64_t open_file(const Item& item, std::uint64_t size_bytes);

  // Files.
  void send_batch(const std::vector<Item>& items);
  void add_small(const Item& item, OpenDir& last, wire::Batch& batch);
  void send_file(const Item& item);
  void send_content(const Item& item, const Source& source, const manifest::Manifest* old, bool old_is_ours,
                    std::uint64_t old_content);
  /// `our_root`: of `old`, if we have recorded it.
  void send_steps(std::uint64_t file, const Source& source, const manifest::Manifest& fresh,
                  const manifest::Manifest* old, const delta::Recipe& recipe, std::uint64_t base_bytes,
                  const std::optional<hash::Digest>& our_root);
  /// Chunks of a step, by their index in it.
  struct Run {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint64_t bytes = 0;
    bool known = false;
  };
  std::vector<Run> runs_of(const manifest::Manifest& fresh, const delta::Step& step);
  void add_steps(Steps& out, const Source& source, const manifest::Manifest& fresh,
                 const manifest::Manifest* old, const delta::Recipe& recipe, std::uint64_t base_bytes,
                 bool search);
  void send_gap(Steps& out, const Source& source, const manifest::Manifest& fresh,
                const manifest::Manifest* old, const delta::Step& step, bool search);
  void send_unknown(Steps& out, const Source& source, const manifest::Manifest& fresh,
                    const manifest::Manifest* old, const delta::Step& step, bool search);
  static delta::Step part_of(const manifest::Manifest& fresh, const delta::Step& step, std::uint32_t begin,
                             std::uint32_t end);
  bool is_known(const manifest::Chunk& chunk);
  bool add_patch(Steps& out, const Source& source, const manifest::Manifest& fresh,
                 const manifest::Manifest* old, const delta::Step& step);
  Bytes cached_base(const Steps& out, const manifest::Manifest& old, const delta::Step& step);
  Bytes guessed_base(const Steps& out, const Source& source, const delta::Step& step);
  void note_blocks(const Item& item, const hash::Digest& old_root, std::uint64_t old_bytes,
                   const hash::Digest& root, const delta::Recipe& recipe);
  void read_blocks(const SentFile& sent);
  void add_data(Steps& out, const Source& source, const manifest::Manifest& fresh, const delta::Step& step);
  void add_search(Steps& out, const manifest::Manifest& fresh, const delta::Step& step,
                  const delta::GapPlan& gap_plan);
  void add_step(Steps& out, wire::Step step, std::size_t bytes);
  void put_steps(Steps& out);
  bool add_other(Steps& out, const hash::ChunkId& id, std::uint32_t length_bytes, std::uint64_t offset);
  void add_content(Steps& out, const hash::ChunkId& id, std::uint64_t offset, Bytes content);
  bool send_new(const Item& item, const Source& source);
  void send_whole(const Item& item, const Source& source);
  void send_stream(const Item& item, const Source& source);
  template <class SendSteps>
  void send_begun(const Item& item, const Source& source, unsigned compressors, SendSteps&& send_steps);
  void add_zeros(Steps& out, std::uint64_t length_bytes);
  bool claim_stream(std::uint64_t bytes);
  void send_meta_only(const Item& item, const Source& source);
  void remember_chunks(const Source& source, const manifest::Manifest& fresh, const delta::Recipe& recipe);
  void start_workers(const std::vector<Item>& items);
  void list_wanted_manifests(const std::vector<Item>& items);
  void ask_manifests(std::unique_lock<std::mutex>& lock, const std::string* urgent);
  SharedManifest remote_manifest(const std::string& path, std::uint64_t& content);

  // Replies.
  bool expects(const wire::GapSums& message);
  void answer_sums(const wire::GapSums& message);
  void answer_request(const wire::ChunkRequest& message);
  void end_answer(std::uint64_t file, std::uint32_t number);
  void close_gap(std::uint64_t file, std::uint32_t gap);
  void end_file(std::uint64_t file, const wire::FileEnd& end);
  void send_end(std::uint64_t file, const wire::FileEnd& end);

  Source open_source(const Item& item);
  Source open_source(const Item& item, OpenDir& last);
  void check_unchanged(const Source& source);
  void settle_entry(const Item& item, const Source& source, const manifest::Manifest& fresh);
  void add_to_dedupe(const Item& item, const manifest::Manifest& fresh);
  bool defer(const Item& item, const manifest::Manifest& fresh);
  bool put_off(const Item& item);
  bool is_under_way(const manifest::Manifest& fresh);
  bool is_there_already(const Item& item, const manifest::Manifest& fresh, std::uint64_t content);
  void tell_late(const Item& item);
  void settle_equal(const Item& item, const Source& source, const manifest::Manifest& fresh);
  void report(const Item& item, const std::exception& error);
  void count(std::uint64_t bytes) { events_.counters.bytes_done += bytes; }
  std::string path_of(const Item& item) const {
    return item.node->path_of(item.node->name_of(entry_of(item)));
  }
  Entry& entry_of(const Item& item) const { return item.node->entries[item.entry]; }

  Replica& replica_;
  wire::Channel& channel_;
  Events& events_;
  const SenderOptions& options_;
  const Plan& plan_;
  LateChanges late_changes_;
  delta::SumKey sum_key_;
  DedupeIndex dedupe_;
  std::unique_ptr<state::ChunkCache> cache_;
  std::mutex cache_mutex_;
  std::mutex defer_mutex_;
  bool streaming_ = false;  ///< under defer_mutex_

  mutable std::mutex mutex_;
  std::condition_variable changed_;   ///< something to do, or room for it
  std::condition_variable finished_;  ///< nothing is left to do, or something failed: for send() alone
  const std::vector<Item>* items_ = nullptr;
  std::size_t next_item_ = 0;
  std::deque<Reply> replies_;
  std::size_t request_count_ = 0;  ///< of the replies
  std::map<std::uint64_t, Open> open_;
  std::size_t unanswered_ = 0;  ///< files with gaps that wait for sums
  ManifestIntake manifests_;
  std::vector<std::pair<std::string, std::uint64_t>> wanted_;  ///< those to be asked for, in reverse order
  std::map<std::string, Item> begun_;                          ///< files sent with a base, for on_retry()
  std::vector<Item> retries_;
  std::set<std::string> distrusted_;  ///< paths whose base the receiver did not confirm
  std::vector<Item> deferred_;
  std::vector<SentFile> sent_files_;  ///< whose blocks are to be read
  bool may_defer_ = false;
  bool stopping_ = false;
  std::uint64_t next_file_ = 1;
  std::uint64_t under_way_files_ = 0;  ///< begun and not ended
  std::uint64_t under_way_chunks_ = 0;
  std::uint64_t gap_bytes_ = 0;  ///< of the window, by gaps that wait for sums
  unsigned busy_ = 0;
  std::exception_ptr error_;
  std::vector<KeptThread> threads_;
};

}  // namespace syncline::sync
