// SPDX-License-Identifier: Apache-2.0
// Threads, commits and the tree's bookkeeping of the receiving side.
#include "sync/applier.hpp"

#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "sync/file_state.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

constexpr std::size_t dir_cache_max = 256;
constexpr std::size_t zero_ids_max = 64;  ///< manifests know five sizes of zero chunks

}  // namespace

Applier::Applier(Replica& replica, std::shared_ptr<fs::Dir> root, wire::Channel& channel,
                 const ReceiverOptions& options, const wire::Begin& begin, const IdentityRules& rules,
                 std::unique_ptr<patch::Area> area)
    : replica_(replica),
      root_(std::move(root)),
      channel_(channel),
      options_(options),
      begin_(begin),
      rules_(rules),
      sum_key_{begin.sum_key},
      area_(std::move(area)),
      workers_(std::max(1u, options.threads)),
      queue_bytes_max_(
          std::max(limits::apply_queue_bytes_min, (workers_.size() + 1) * limits::batch_bytes_max)) {
  try {
    for (std::size_t i = 0; i < workers_.size(); ++i)
      workers_[i].thread = KeptThread("apply", [this, i] { work(i); });
    committer_ = KeptThread("commit", [this] { commit_loop(); });
  } catch (...) {
    stop(Unstarted::dropped);
    throw;
  }
}

Applier::~Applier() {
  stop(Unstarted::dropped);
  for (auto& worker : workers_) worker.files.clear();
}

void Applier::stop(Unstarted unstarted) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (unstarted == Unstarted::dropped)
      for (auto& worker : workers_) worker.jobs.clear();
    for (auto& worker : workers_) worker.wake.notify_all();
    commit_wake_.notify_all();
  }
  for (auto& worker : workers_) worker.thread.join();
  committer_.join();
}

void Applier::salvage() {
  stop(Unstarted::done);
  for (auto& worker : workers_) {
    for (auto& [number, file] : worker.files)
      if (file->write && !file->failed) file->write->leave_behind();
    worker.files.clear();
  }
  commit();
}

/// Sends what is there to be sent. Where nobody is there any more to hear it the thread that serves the
/// session meets the end by itself, after all that has arrived, which is worth keeping: so the work goes on.
void Applier::answer(const std::function<void()>& send) {
  try {
    send();
  } catch (const Error& error) {
    if (!is_lost_link(error)) throw;
  }
}

void Applier::answer(const wire::Message& message) {
  answer([&] { channel_.send(message); });
}

/// The first error of a thread ends the session: the other side waits for answers that will not come, and
/// the thread that serves it waits for its next message.
void Applier::note_error(const std::exception_ptr& error) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(error_, error_ ? error_ : error) != nullptr) return;
    changed_.notify_all();
  }
  tell_fatal(channel_, located(error, options_.place, replica_.root()));
}

std::size_t Applier::Pending::held_bytes() const {
  const auto chunks = manifest ? manifest->chunks.size() * sizeof(manifest::Chunk) : 0;
  return sizeof(Pending) + path.text().size() + link_target.size() + like.size() + chunks;
}

/// What is finished waits in memory until it is visible: a slow disk holds back who sends.
void Applier::wait_for_commits() {
  std::unique_lock lock(mutex_);
  while (!error_ && pending_bytes_ >= limits::commit_held_bytes_max) {
    ask_for_commit();
    changed_.wait(lock);
  }
  if (error_) std::rethrow_exception(error_);
}

void Applier::post(std::size_t worker, std::size_t bytes, std::function<void()> job) {
  wait_for_commits();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queued_bytes_ < queue_bytes_max_ || error_; });
  if (error_) std::rethrow_exception(error_);
  queued_bytes_ += bytes;
  ++queued_jobs_;
  workers_[worker].jobs.emplace_back(bytes, std::move(job));
  workers_[worker].wake.notify_one();
}

void Applier::work(std::size_t index) {
  Worker& worker = workers_[index];
  std::unique_lock lock(mutex_);
  for (;;) {
    worker.wake.wait(lock, [&] { return stopping_ || !worker.jobs.empty(); });
    if (worker.jobs.empty()) break;
    auto [bytes, job] = std::move(worker.jobs.front());
    worker.jobs.pop_front();
    ++busy_;
    --queued_jobs_;
    lock.unlock();
    try {
      job();
    } catch (...) {
      note_error(std::current_exception());
    }
    job = nullptr;
    lock.lock();
    queued_bytes_ -= bytes;
    --busy_;
    if (worker.jobs.empty()) {
      lock.unlock();
      try {
        answer([&] { channel_.flush(); });
      } catch (...) {
        note_error(std::current_exception());
      }
      lock.lock();
    }
    changed_.notify_all();
    if (has_to_commit()) commit_wake_.notify_one();
  }
}

/// Under mutex_: everything that came before a flush is written.
bool Applier::is_quiet() const { return queued_jobs_ == 0 && busy_ == 0 && open_files_ == 0; }

/// Under mutex_.
bool Applier::has_to_commit() const {
  return commit_wanted_ || (flush_token_ && is_quiet()) || area_->wants_commit();
}

/// Under mutex_.
void Applier::ask_for_commit() {
  commit_wanted_ = true;
  commit_wake_.notify_one();
}

void Applier::commit_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!has_to_commit()) {
      commit_wake_.wait_for(lock, std::chrono::milliseconds(100));
      continue;
    }
    commit_wanted_ = false;
    const bool flushing = flush_token_ && is_quiet();
    const auto token = flushing ? std::exchange(flush_token_, std::nullopt) : std::nullopt;
    committing_ = true;
    lock.unlock();
    try {
      commit();
      if (token) {
        answer([&] {
          channel_.send(wire::Ack{*token});
          channel_.flush();
        });
      }
    } catch (...) {
      note_error(std::current_exception());
    }
    lock.lock();
    committing_ = false;
    changed_.notify_all();
  }
}

void Applier::commit() {
  const auto foresee = [this](std::span<const patch::Foreseen> entries) { announce(entries); };
  for (const auto& outcome : area_->commit(foresee)) settle(outcome);
}

void Applier::flush(std::uint64_t token) {
  std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  flush_token_ = token;
  commit_wake_.notify_one();
}

void Applier::drain() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || !flush_token_; });
  }
  wait_committed();
  wait_idle();  // the last commit has told of itself
}

/// Before names are moved or removed nothing else may be under way.
void Applier::wait_idle() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || (queued_jobs_ == 0 && busy_ == 0 && !committing_); });
    if (error_) std::rethrow_exception(error_);
  }
}

/// What is finished but not yet visible would move its directory's times when it becomes so.
void Applier::wait_committed() {
  wait_idle();
  const auto none_pending = [&] {
    std::lock_guard lock(pending_mutex_);
    return pending_.empty();
  };
  std::unique_lock lock(mutex_);
  while (!error_ && !none_pending()) {
    ask_for_commit();
    changed_.wait(lock);
  }
  if (error_) std::rethrow_exception(error_);
}

/// Hands something to the next commit under a new token; what cannot be handed over is not pending.
void Applier::submit(Pending pending, const std::function<void(std::uint64_t token)>& hand_over) {
  std::uint64_t token = 0;
  {
    std::lock_guard lock(pending_mutex_);
    token = next_token_++;
    pending_bytes_ += pending.held_bytes();
    pending_.emplace(token, std::move(pending));
  }
  try {
    hand_over(token);
  } catch (...) {
    std::lock_guard lock(pending_mutex_);
    const auto node = pending_.extract(token);
    if (!node.empty()) pending_bytes_ -= node.mapped().held_bytes();
    throw;
  }
}

/// One entry became visible, or did not: the tree says what is there now.
void Applier::settle(const patch::Outcome& outcome) {
  Pending pending;
  {
    std::lock_guard lock(pending_mutex_);
    auto node = pending_.extract(outcome.token);
    if (node.empty()) return;
    pending = std::move(node.mapped());
    pending_bytes_ -= pending.held_bytes();
  }
  if (outcome.stat && !pending.like.empty())
    refresh(RelPath::parse(pending.like), fs::FileType::regular, nullptr);
  if (outcome.kept && pending.kept_in) note_kept(pending, *outcome.kept);
  if (!outcome.stat) {
    try {
      std::rethrow_exception(outcome.error);
    } catch (const std::exception& error) {
      send_failure(pending.path.text(), error, pending.manifest ? pending.manifest->size_bytes : 0);
    }
    return;
  }
  if (outcome.stat->link_count > 1) links_moved_ = true;
  std::lock_guard lock(replica_.mutex());
  DirNode* node = replica_.tree().find_dir(pending.path.parent());
  if (node == nullptr) return;
  replica_.load_details(*node);
  const std::string name(pending.path.name());
  state::ManifestId replaced = 0;
  if (Entry* before = node->find(name))
    if (const Content* content = node->content_of(*before)) replaced = content->manifest_id;
  Entry& entry = node->put(name, *outcome.stat);
  entry.drifted = false;
  entry.extra = 0;
  if (pending.xattr_digest != hash::Digest{} || !pending.link_target.empty() ||
      outcome.stat->device_major != 0 || outcome.stat->device_minor != 0) {
    Extra& extra = node->make_extra(entry);
    extra.xattr_digest = pending.xattr_digest;
    extra.link_target = pending.link_target;
    extra.device_major = outcome.stat->device_major;
    extra.device_minor = outcome.stat->device_minor;
  }
  if (pending.manifest) {
    entry.brought = true;
    replica_.record_content(*node, entry, *pending.manifest, replaced);
    replica_.keep_manifest(*node, entry, std::move(*pending.manifest));
  } else {
    entry.content = 0;
    replica_.drop_manifest(replaced);
    if (!pending.like.empty()) share_content(RelPath::parse(pending.like), *node, entry);
  }
}

/// Of another name of the same file, unless that has a manifest, which belongs to one: names that come and go
/// move the times of all, and what is in this one tells then that nobody changed it. Under the replica's
/// mutex.
void Applier::share_content(const RelPath& like, DirNode& node, Entry& entry) {
  DirNode* there = replica_.tree().find_dir(like.parent());
  if (there == nullptr) return;
  replica_.load_details(*there);
  const Entry* known = there->find(like.name());
  const Content* content =
      known != nullptr && known->inode == entry.inode ? there->content_of(*known) : nullptr;
  if (content == nullptr || content->manifest_id != 0) return;
  const Content copy = *content;
  node.set_content(entry, copy);
}

void Applier::send_failure(const std::string& path, const std::exception& error, std::uint64_t needed_bytes,
                           bool retry) {
  // Not this entry's fault, and every other one would fail as well.
  if (replica_.state_damaged()) throw Error(Errc::corrupt, "state of '" + escape_name(path) + "'");
  const wire::Fatal plain = fatal_of(error);
  wire::Failure out;
  out.path = path;
  out.code = plain.code;
  out.syncline_code = plain.syncline_code;
  out.retry = retry;
  const auto* known = dynamic_cast<const Error*>(&error);
  if (known != nullptr && (known->is_errno(ENOSPC) || known->is_errno(EDQUOT))) make_room();
  if (known != nullptr && known->is_errno(ENOSPC)) add_space(out, needed_bytes);
  const bool ours = known == nullptr || known->code().category() == syncline_category();
  out.message =
      ours && (known == nullptr || !known->is(Errc::foreign)) ? error.what() : known->code().message();
  if (!retry) has_failures_ = true;
  answer(out);
  if (!retry) set_apart(path);
  if (options_.on_failure && !retry) options_.on_failure(out);
}

void Applier::add_space(wire::Failure& failure, std::uint64_t needed_bytes) const noexcept {
  try {
    failure.space = wire::Space{needed_bytes, replica_.root().free_bytes()};
  } catch (const Error&) {
    // A disk that does not tell even that: the cause is told without it.
  }
}

/// What a broken transfer left must not be what the next one lacks the space for.
void Applier::make_room() noexcept {
  try {
    area_->drop_partials();
  } catch (const std::exception&) {
    // It goes at the end of the session, then.
  }
}

/// As path_of_peer(). Where only some entries of the root take part the other side has no say about anything
/// else: a server that is asked for one file must not leave another one beside it.
RelPath Applier::path_to_change(const std::string& text) const {
  auto path = path_of_peer(text);
  const auto& only = replica_.origins().front().only;
  if (!only.empty() && !std::ranges::binary_search(only, text.substr(0, text.find('/'))))
    throw Error(Errc::protocol, "path '" + escape_name(text) + "', which was not asked for");
  return path;
}

std::shared_ptr<fs::Dir> Applier::dir_of(const RelPath& path) {
  if (path.is_root()) return root_;
  std::lock_guard lock(dirs_mutex_);
  if (const auto known = dirs_.find(path.text()); known != dirs_.end()) return known->second;
  auto dir = std::shared_ptr<fs::Dir>(root_->open_beneath(path));
  if (dirs_.size() >= dir_cache_max) dirs_.clear();
  dirs_.emplace(path.text(), dir);
  return dir;
}

void Applier::forget_dirs() {
  std::lock_guard lock(dirs_mutex_);
  dirs_.clear();
}

/// What the scan, or a later change of ours, found under this name.
std::optional<fs::Stat> Applier::known_stat(const RelPath& path) {
  std::lock_guard lock(replica_.mutex());
  const DirNode* node = replica_.tree().find_dir(path.parent());
  if (node == nullptr) return std::nullopt;
  const Entry* entry = node->find(path.name());
  if (entry == nullptr) return std::nullopt;
  const fs::Stat known = stat_of(*entry, node->extra_of(*entry));
  if (known.link_count < 2 || known.type != fs::FileType::regular) return known;
  // Another name of it may have been replaced or removed by us: that moved the ctime and nothing else.
  links_moved_ = true;
  const auto now = replica_.open_dir(*node)->stat_at(replica_.disk_name(*node, path.name()));
  const bool same = now && now->inode == known.inode && now->size_bytes == known.size_bytes &&
                    now->mtime_ns == known.mtime_ns;
  return same ? *now : known;
}

hash::Digest Applier::zero_id(std::uint32_t length_bytes) {
  std::lock_guard lock(zero_mutex_);
  if (zero_ids_.size() >= zero_ids_max) zero_ids_.clear();
  auto [at, fresh] = zero_ids_.try_emplace(length_bytes);
  if (fresh) at->second = hash::blake3(Bytes(length_bytes));
  return at->second;
}

fs::Metadata Applier::metadata_of(const wire::Meta& meta) const {
  const auto attributes = rules_.attributes;
  fs::Metadata out;
  if ((attributes & wire::attr_mode) != 0) out.mode = meta.mode;
  if ((attributes & wire::attr_owner) != 0) out.uid = meta.uid;
  if ((attributes & wire::attr_group) != 0 && meta.gid != wire::any_group) out.gid = meta.gid;
  if ((attributes & wire::attr_times) != 0) out.mtime_ns = meta.mtime_ns;
  // Both kinds on: the set is complete and others are removed. One alone must leave the other kind.
  if ((attributes & wire::attr_xattrs) != 0 && (attributes & wire::attr_acls) != 0) out.xattrs = meta.xattrs;
  else if (!meta.xattrs.empty()) out.xattrs = meta.xattrs;
  return out;
}

}  // namespace syncline::sync
