// SPDX-License-Identifier: Apache-2.0
// The receiving side's hands: operations and file contents put onto the disk and into the tree.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/kept_thread.hpp"
#include "patch/conflict_name.hpp"
#include "sync/receiver.hpp"
#include "sync/under_way.hpp"

namespace syncline::sync {

/// Structure operations run in the caller's thread, in order; contents on worker threads, one file
/// always on the same one. What is finished becomes visible and durable by commits on a thread of
/// their own; then it enters the tree. Failures of single entries are sent to the other side.
class Applier {
 public:
  /// `root`: the replica's, through which it is changed.
  Applier(Replica& replica, std::shared_ptr<fs::Dir> root, wire::Channel& channel,
          const ReceiverOptions& options, const wire::Begin& begin, const IdentityRules& rules,
          std::unique_ptr<patch::Area> area);
  ~Applier();

  void apply(wire::Batch batch);
  void on_file(wire::Message message);  ///< FileBegin, FileSteps, FileEnd, GapMatches, GapDelta, ChunkData
  /// Waits for everything handed in so far, commits, and sends Ack{token} without blocking the caller.
  void flush(std::uint64_t token);
  /// Waits until everything handed in so far is visible; throws the first error of a thread.
  void drain();
  /// Some entries could not be done, and the other side knows which.
  bool has_failures() const { return has_failures_; }
  /// Directories that could not be looked into have another mode now: what is in them is not known yet.
  bool has_opened() const { return has_opened_; }
  void refresh_links();
  void drop_partials() { area_->drop_partials(); }
  void close_clean() { area_->close_clean(); }
  /// The session broke: makes visible what is complete, leaves the rest behind as partial files. The last
  /// call.
  void salvage();
  std::uint64_t written_bytes() const { return area_->written_bytes(); }
  /// Whether an entry failed or was kept: it is not as the sender has it.
  bool is_apart(const std::string& path);
  std::set<std::string> apart();  ///< all such paths, or as many as are remembered

 private:
  struct FileState;
  struct Pending {
    RelPath path;
    fs::FileType type = fs::FileType::regular;
    std::optional<manifest::Manifest> manifest;
    hash::Digest xattr_digest;
    std::string link_target;
    std::string like;                ///< hard link: the entry whose content it shares
    std::optional<RelPath> kept_in;  ///< of what it replaces and drifted
    std::size_t held_bytes() const;
  };
  struct Worker {
    std::deque<std::pair<std::size_t, std::function<void()>>> jobs;
    std::map<std::uint64_t, std::unique_ptr<FileState>> files;
    std::condition_variable wake;  ///< a job for it
    KeptThread thread;
  };

  enum class Unstarted { dropped, done };  ///< jobs that still wait
  void stop(Unstarted unstarted);
  void make_room() noexcept;
  void wait_for_commits();
  void post(std::size_t worker, std::size_t bytes, std::function<void()> job);
  void work(std::size_t index);
  void commit_loop();
  bool is_quiet() const;
  bool has_to_commit() const;
  void ask_for_commit();
  void commit();
  void settle(const patch::Outcome& outcome);
  void share_content(const RelPath& like, DirNode& node, Entry& entry);
  // What is about to be seen (applier_announce.cpp).
  void announce(std::span<const patch::Foreseen> entries);
  void announce(const wire::Batch& batch);
  void announce_change(const RelPath& path, const fs::Stat& stat);
  void announce_rename(const RelPath& from, const RelPath& to);
  static void answer(const std::function<void()>& send);  ///< a lost link is no error here
  void answer(const wire::Message& message);
  void note_error(const std::exception_ptr& error);
  /// `needed_bytes`: for the entry's content.
  void send_failure(const std::string& path, const std::exception& error, std::uint64_t needed_bytes,
                    bool retry = false);
  void add_space(wire::Failure& failure, std::uint64_t needed_bytes) const noexcept;
  template <class F>
  void guarded(const std::string& path, F&& action, std::uint64_t needed_bytes = 0);

  // Structure.
  void make_dir(const wire::MakeDir& op);
  void make_symlink(const wire::MakeSymlink& op);
  void make_node(const wire::MakeNode& op);
  void make_link(const wire::MakeLink& op);
  void set_meta(const wire::SetMeta& op);
  void set_dir_meta(fs::Dir& parent, const RelPath& path, fs::Metadata wanted);
  void rename(const wire::Rename& op);
  void remove(const wire::Remove& op);
  bool is_mount_point(const fs::Stat& dir) const;
  bool is_closed(const RelPath& path);
  void open_up(const RelPath& top, const fs::Stat& closed);
  void wait_idle();
  void wait_committed();

  // Contents.
  void count(const wire::Message& message);
  manifest::Manifest manifest_of(const wire::WriteFile& op);
  void write_file(const wire::WriteFile& op);
  void file_begin(Worker& worker, wire::FileBegin message);
  void file_steps(Worker& worker, wire::FileSteps message);
  void file_end(Worker& worker, const wire::FileEnd& message);
  void gap_matches(Worker& worker, const wire::GapMatches& message);
  void gap_delta(Worker& worker, wire::GapDelta& message);
  void chunk_data(Worker& worker, wire::ChunkData message);
  FileState* state_of(Worker& worker, std::uint64_t file);
  void step(FileState& file, wire::Step& step);
  void step_match(FileState& file, const wire::StepMatch& match);
  void step_zeros(FileState& file, std::uint64_t bytes);
  void step_other(FileState& file, const wire::StepOther& other);
  void step_gap(FileState& file, wire::StepGap gap);
  void step_patch(FileState& file, const wire::StepPatch& patch);
  void put_known_chunk(FileState& file, std::uint64_t offset, const hash::ChunkId& id, ByteView content);
  void put_chunk(FileState& file, std::uint64_t offset, const wire::ChunkRef& ref, ByteView content);
  void put_chunks(FileState& file, std::uint64_t offset, const std::vector<wire::ChunkRef>& refs,
                  ByteView content);
  void request_chunk(FileState& file, std::uint64_t offset, const wire::ChunkRef& ref);
  void load_base(FileState& file, const fs::Stat& stat);
  void give_up(FileState& file, const Error& error, bool retry);
  void complete_if_done(Worker& worker, FileState& file);
  void linger(FileState& file);
  void stop_lingering(FileState& file);
  static void announce(FileState& file, std::uint64_t chunks);
  void refuse_gap(FileState& file, std::uint32_t number);
  manifest::Manifest manifest_of(FileState& file);

  fs::Metadata metadata_of(const wire::Meta& meta) const;
  RelPath path_to_change(const std::string& text) const;
  std::shared_ptr<fs::Dir> dir_of(const RelPath& path);
  void forget_dirs();
  void refresh_names_of(const fs::Stat& stat);
  std::optional<fs::Stat> known_stat(const RelPath& path);
  void refresh(const RelPath& path, fs::FileType type, const hash::Digest* xattrs);
  void submit(Pending pending, const std::function<void(std::uint64_t token)>& hand_over);
  // What is kept (applier_keep.cpp).
  bool keeps_drift() const;
  bool is_drifted(const RelPath& path);
  RelPath keep_dir(const RelPath& path);
  std::shared_ptr<fs::Dir> make_kept_dir(fs::Dir& parent, std::string& name);
  std::shared_ptr<fs::Dir> make_dirs(RelPath& path);
  std::optional<patch::Keep> keep_of(const RelPath& path, const std::optional<fs::Stat>& present,
                                     std::optional<RelPath>& kept_in);
  bool is_same_content(const FileState& file);
  bool has_content(const RelPath& path, const fs::Stat& known, ByteView content);
  void note_kept(const Pending& pending, const patch::Outcome::Kept& kept);
  void tell_kept(const RelPath& path, const RelPath& kept_as);
  void set_apart(const std::string& path);
  bool set_aside(const wire::Remove& op, const RelPath& path, fs::FileType type);
  void move_entry(const RelPath& from, const RelPath& to, const fs::Stat& now);
  hash::Digest zero_id(std::uint32_t length_bytes);

  Replica& replica_;
  const std::shared_ptr<fs::Dir> root_;
  wire::Channel& channel_;
  const ReceiverOptions& options_;
  wire::Begin begin_;
  IdentityRules rules_;
  delta::SumKey sum_key_;
  std::unique_ptr<patch::Area> area_;

  std::mutex mutex_;
  std::condition_variable changed_;      ///< what the thread that serves the session waits for
  std::condition_variable commit_wake_;  ///< the committer may have something to do
  std::vector<Worker> workers_;
  /// Of jobs that wait or run: a whole batch for each worker and one more, else some would have nothing to
  /// do.
  const std::size_t queue_bytes_max_;
  std::size_t queued_bytes_ = 0;
  std::size_t queued_jobs_ = 0;
  std::size_t busy_ = 0;
  UnderWay under_way_;
  std::atomic<std::size_t> open_files_ = 0;
  std::atomic<std::uint64_t> lingering_files_ = 0;  ///< that are ended and wait for chunks
  std::atomic<std::uint64_t> lingering_chunks_ = 0;
  std::size_t next_worker_ = 0;
  std::atomic<bool> links_moved_ = false;
  std::atomic<bool> has_failures_ = false;
  bool has_opened_ = false;
  bool stopping_ = false;
  bool committing_ = false;
  bool commit_wanted_ = false;
  std::optional<std::uint64_t> flush_token_;
  std::exception_ptr error_;
  KeptThread committer_;

  std::mutex pending_mutex_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::atomic<std::size_t> pending_bytes_ = 0;
  std::uint64_t next_token_ = 1;

  const std::string device_ = patch::device_label(system_host_name());  ///< in names of what is kept
  std::mutex apart_mutex_;
  std::unordered_set<std::string> apart_;  ///< at most limits::left_entries_max and one more

  std::mutex dirs_mutex_;
  std::unordered_map<std::string, std::shared_ptr<fs::Dir>> dirs_;
  std::mutex zero_mutex_;
  std::map<std::uint32_t, hash::Digest> zero_ids_;  ///< of the sizes in use
};

}  // namespace syncline::sync
