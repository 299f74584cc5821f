// SPDX-License-Identifier: Apache-2.0
// Sending one large or changed file: what the other side has of it, step by step.
#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "base/rest_local.hpp"
#include "chunk/rescan.hpp"
#include "sync/transfer.hpp"
#include "sync/under_way.hpp"

namespace syncline::sync {
namespace {

constexpr std::size_t step_message_bytes = 256 * limits::kib;
constexpr std::size_t new_content_bulk_bytes_min = 8 * limits::kib;
/// Less changed content than this is sent as it is where a round trip of sums costs more: over a network.
constexpr std::uint64_t search_bytes_min = 64 * limits::kib;
/// With more changed files than this their gaps share the two round trips, and searching pays for each.
constexpr std::size_t search_files_min = 4;
/// A base without a manifest on our side is asked for one from this size on; below, it is one gap.
constexpr std::uint64_t ask_manifest_bytes_min = 64 * limits::kib;
/// Manifests asked for ahead: so many, of bases of so many bytes together (20 bytes of manifest for 16 KiB).
constexpr std::size_t asked_manifests_max = 256;
constexpr std::uint64_t asked_base_bytes_max = 4096 * std::uint64_t{limits::mib};
/// A known run inside a gap, from this size on, is not looked for: that makes two gaps of one.
constexpr std::uint64_t known_run_bytes_min = 32 * limits::kib;
constexpr std::uint64_t sums_share =
    16;  ///< the sums of both rounds are at most this part of what they sum up
constexpr std::uint64_t cached_change_bytes_max = 32 * limits::mib;

wire::ChunkRef ref_of(const hash::ChunkId& id, std::uint32_t length_bytes) {
  wire::ChunkRef out;
  out.length_bytes = length_bytes;
  std::copy_n(id.bytes.begin(), out.id.size(), out.id.begin());
  return out;
}

wire::ChunkRef ref_of(const manifest::Chunk& chunk) { return ref_of(chunk.id, chunk.length_bytes); }

/// Ids as a peer tells them: 16 bytes. Zero chunks keep their whole id, which the alignment knows them by.
manifest::Manifest shortened(manifest::Manifest manifest) {
  const hash::Digest zeros = hash::blake3(Bytes(manifest.params.max_bytes));
  for (auto& chunk : manifest.chunks) {
    const bool is_zeros =
        chunk.length_bytes == manifest.params.max_bytes &&
        std::equal(zeros.bytes.begin(), zeros.bytes.begin() + hash::short_id_bytes, chunk.id.bytes.begin());
    if (is_zeros) chunk.id = zeros;
    else std::fill(chunk.id.bytes.begin() + hash::short_id_bytes, chunk.id.bytes.end(), std::byte{0});
  }
  return manifest;
}

}  // namespace

void Transfer::send_file(const Item& item) {
  for (int attempt = 1;; ++attempt) {
    try {
      const Source source = open_source(item);
      const std::string path = path_of(item);
      const Base* base = item.base >= 0 ? &plan_.bases[static_cast<std::size_t>(item.base)] : nullptr;
      bool trusted = false;
      {
        std::lock_guard lock(mutex_);
        trusted = !distrusted_.contains(path);
      }
      SharedManifest old;
      std::uint64_t content = base != nullptr ? base->content : 0;
      if (base != nullptr && base->stored && trusted) old = replica_.manifest_of(*base->stored);
      const bool is_ours = old != nullptr;
      if (!old && base != nullptr && base->size_bytes >= ask_manifest_bytes_min)
        old = remote_manifest(path, content);
      send_content(item, source, old.get(), is_ours, content);
      ++events_.counters.files_done;
      return;
    } catch (const Error& error) {
      if (error.is(Errc::changed) && attempt < limits::read_attempts_max) continue;
      if (error.is(Errc::changed) && put_off(item)) return;
      report(item, error);
      return;
    }
  }
}

/// Bases of which we have no record: their manifests are asked for ahead, many in one round trip.
void Transfer::list_wanted_manifests(const std::vector<Item>& items) {
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (item->base < 0) continue;
    const Base& base = plan_.bases[static_cast<std::size_t>(item->base)];
    if (!base.stored && base.size_bytes >= ask_manifest_bytes_min)
      wanted_.emplace_back(path_of(*item), base.size_bytes);
  }
}

/// Keeps a window of requests under way; `urgent` is asked for in any case.
void Transfer::ask_manifests(std::unique_lock<std::mutex>& lock, const std::string* urgent) {
  wire::ManifestRequest request;
  if (urgent != nullptr && manifests_.ask(*urgent, 0)) request.paths.push_back(*urgent);
  while (!wanted_.empty() && manifests_.asked_count() < asked_manifests_max &&
         manifests_.asked_bytes() < asked_base_bytes_max) {
    auto [path, bytes] = std::move(wanted_.back());
    wanted_.pop_back();
    if (manifests_.ask(path, bytes)) request.paths.push_back(std::move(path));
  }
  if (request.paths.empty()) return;
  lock.unlock();
  channel_.send(request);
  channel_.flush();
  lock.lock();
}

SharedManifest Transfer::remote_manifest(const std::string& path, std::uint64_t& content) {
  std::unique_lock lock(mutex_);
  ask_manifests(lock, &path);
  changed_.wait(lock, [&] { return manifests_.is_whole(path) || error_; });
  if (error_) std::rethrow_exception(error_);
  const auto reply = manifests_.use(path);
  lock.unlock();
  if (reply.lengths.empty()) return nullptr;
  manifest::Manifest out;
  out.params = reply.params;
  out.size_bytes = reply.size_bytes;
  content = reply.content;
  for (std::size_t i = 0; i < reply.lengths.size(); ++i)
    out.chunks.push_back({reply.ids[i], {}, reply.lengths[i], reply.repeats[i]});
  return std::make_shared<const manifest::Manifest>(shortened(std::move(out)));
}

void Transfer::send_content(const Item& item, const Source& source, const manifest::Manifest* old,
                            bool old_is_ours, std::uint64_t old_content) {
  if (item.base < 0 && send_new(item, source)) return;
  const std::uint64_t size = source.stat.size_bytes;
  const auto params = manifest::params_for_size(size);
  const auto progress = [&](std::uint64_t bytes) {
    events_.check_cancelled();
    count(bytes);
  };
  manifest::Manifest fresh =
      old_is_ours
          ? chunk::rescan_file(*source.file, size, *old, replica_.key(), options_.threads, progress)
          : chunk::import_file(*source.file, size, params, replica_.key(), options_.threads, progress);
  check_unchanged(source);
  events_.counters.read_bytes += size;
  const hash::Digest root = fresh.root();
  const auto our_root = old_is_ours ? std::optional(old->root()) : std::nullopt;
  if (our_root ? root == *our_root : is_there_already(item, fresh, old_content)) {
    events_.counters.matched_bytes += size;
    return settle_equal(item, source, fresh);
  }
  if (item.base < 0 && defer(item, fresh)) return;
  const Base* base = item.base >= 0 ? &plan_.bases[static_cast<std::size_t>(item.base)] : nullptr;
  const std::uint64_t base_bytes = base == nullptr ? 0 : old != nullptr ? old->size_bytes : base->size_bytes;
  manifest::Manifest nothing;
  nothing.params = fresh.params;
  const delta::Recipe recipe = old == nullptr ? delta::align(nothing, fresh)
                               : old_is_ours  ? delta::align(*old, fresh)
                                              : delta::align(*old, shortened(fresh));
  wire::FileBegin begin;
  begin.path = path_of(item);
  begin.size_bytes = size;
  begin.params = fresh.params;
  begin.has_base = base != nullptr;
  begin.base_bytes = base_bytes;
  if (old != nullptr && recipe.matched_in_place_bytes + recipe.matched_moved_bytes != 0)
    begin.base_content = our_root ? our_root->prefix() : old_content;
  begin.matched_in_place_bytes = recipe.matched_in_place_bytes;
  begin.matched_moved_bytes = recipe.matched_moved_bytes;
  begin.changed_bytes = recipe.gap_bytes;
  wire::FileEnd end;
  begin.file = open_file(item, size);
  if (base != nullptr) {
    std::lock_guard lock(mutex_);
    begun_[begin.path] = item;
  }
  tell_late(item);
  channel_.send(begin);
  end.file = begin.file;
  try {
    send_steps(begin.file, source, fresh, old, recipe, base_bytes, our_root);
    check_unchanged(source);
    settle_entry(item, source, fresh);
    end.meta = meta_of(*item.node, entry_of(item), source.file.get());
    end.root = root;
  } catch (const Error&) {
    end.aborted = true;
    end_file(begin.file, end);
    throw;
  }
  events_.counters.matched_bytes += size - std::min(size, recipe.gap_bytes);
  if (base != nullptr) remember_chunks(source, fresh, recipe);
  if (our_root) note_blocks(item, *our_root, old->size_bytes, root, recipe);
  {
    std::lock_guard lock(replica_.mutex());
    replica_.keep_manifest(*item.node, entry_of(item), std::move(fresh));
  }
  end_file(begin.file, end);
}

void Transfer::send_meta_only(const Item& item, const Source& source) {
  wire::Batch batch;
  wire::SetMeta op;
  op.path = path_of(item);
  op.meta = meta_of(*item.node, entry_of(item), source.file.get());
  batch.ops.emplace_back(std::move(op));
  channel_.send(batch);
}

void Transfer::send_steps(std::uint64_t file, const Source& source, const manifest::Manifest& fresh,
                          const manifest::Manifest* old, const delta::Recipe& recipe,
                          std::uint64_t base_bytes, const std::optional<hash::Digest>& our_root) {
  Steps out;
  out.file = out.message.file = file;
  out.bytes_wanted = step_message_bytes;
  if (cache_ && old != nullptr) {
    std::uint64_t offset = 0;
    for (const auto& chunk : old->chunks) {
      out.old_starts.push_back(offset);
      offset += chunk.total_bytes();
    }
  }
  if (options_.blocks != nullptr && our_root) out.old_blocks = options_.blocks->find(*our_root);
  const bool search =
      channel_.is_local() || recipe.gap_bytes >= search_bytes_min || plan_.bases.size() > search_files_min;
  try {
    add_steps(out, source, fresh, old, recipe, base_bytes, search);
  } catch (const Error&) {
    put_steps(out);  // gaps among them are counted, and only what is sent is answered
    throw;
  }
  put_steps(out);
}

void Transfer::add_steps(Steps& out, const Source& source, const manifest::Manifest& fresh,
                         const manifest::Manifest* old, const delta::Recipe& recipe, std::uint64_t base_bytes,
                         bool search) {
  for (delta::Step step : recipe.steps) {
    switch (step.kind) {
      case delta::Step::Kind::match:
        add_step(out, wire::StepMatch{step.old_offset, step.new_bytes}, 16);
        break;
      case delta::Step::Kind::zeros: add_step(out, wire::StepZeros{step.new_bytes}, 16); break;
      case delta::Step::Kind::gap:
        // Without a manifest of the base all of it is the other side of the one gap.
        if (old == nullptr && recipe.steps.size() == 1 && base_bytes <= limits::gap_side_bytes_max)
          step.old_bytes = base_bytes;
        send_gap(out, source, fresh, old, step, search);
        break;
    }
  }
}

void Transfer::add_step(Steps& out, wire::Step step, std::size_t bytes) {
  out.message.steps.push_back(std::move(step));
  out.bytes += bytes;
  if (out.bytes >= out.bytes_wanted) put_steps(out);
}

void Transfer::put_steps(Steps& out) {
  if (out.message.steps.empty()) return;
  wire::FileSteps message{out.file, std::exchange(out.message.steps, {})};
  const auto bytes = std::exchange(out.bytes, 0);
  if (!out.is_new) {
    if (bytes >= step_message_bytes) channel_.send_bulk(std::move(message));
    else channel_.send(message);
  } else if (bytes >= new_content_bulk_bytes_min) {
    out.bytes_wanted = channel_.bulk_bytes_wanted();
    out.lane->put(std::move(message));
  } else {
    out.lane->finish();
    channel_.send(message);
  }
  answer_some();
}

/// A step over some of its chunks. The old side of a gap as long as the new one is cut with it.
delta::Step Transfer::part_of(const manifest::Manifest& fresh, const delta::Step& step, std::uint32_t begin,
                              std::uint32_t end) {
  const auto bytes_of = [&](std::uint32_t from, std::uint32_t to) {
    std::uint64_t bytes = 0;
    for (auto i = from; i < to; ++i) bytes += fresh.chunks[step.first_chunk + i].total_bytes();
    return bytes;
  };
  auto out = step;
  const auto before = bytes_of(0, begin);
  out.first_chunk += begin;
  out.chunk_count = end - begin;
  out.new_offset += before;
  out.new_bytes = bytes_of(begin, end);
  if (step.old_bytes != step.new_bytes) return out;
  out.old_offset += before;
  out.old_bytes = out.new_bytes;
  return out;
}

/// The chunks of a gap in runs of what is in other files over there already and what is not. The other side
/// of the gap is cut with them where both are equally long; else every unknown run is looked for in all of
/// it, and a known run between two must be worth its sums.
std::vector<Transfer::Run> Transfer::runs_of(const manifest::Manifest& fresh, const delta::Step& step) {
  const auto worth_bytes = step.old_bytes == step.new_bytes
                               ? known_run_bytes_min
                               : std::max(known_run_bytes_min, step.old_bytes / sums_share);
  std::vector<Run> out;
  for (std::uint32_t i = 0; i < step.chunk_count; ++i) {
    const auto& chunk = fresh.chunks[step.first_chunk + i];
    const bool known = is_known(chunk);
    // Too short a run goes with its neighbours.
    if (!known && out.size() > 1 && out.back().known && out.back().bytes < worth_bytes) {
      auto& before = out[out.size() - 2];
      before.end = out.back().end;
      before.bytes += out.back().bytes;
      out.pop_back();
    }
    if (out.empty() || out.back().known != known) out.push_back({i, i, 0, known});
    out.back().end = i + 1;
    out.back().bytes += chunk.total_bytes();
  }
  return out;
}

/// What is over there already is not looked for in the old file: all of a small gap mostly, or what a broken
/// transfer has brought of a large one.
void Transfer::send_gap(Steps& out, const Source& source, const manifest::Manifest& fresh,
                        const manifest::Manifest* old, const delta::Step& step, bool search) {
  for (const auto& run : runs_of(fresh, step)) {
    const auto part = part_of(fresh, step, run.begin, run.end);
    if (run.known) add_data(out, source, fresh, part);
    else send_unknown(out, source, fresh, old, part, search);
  }
}

void Transfer::send_unknown(Steps& out, const Source& source, const manifest::Manifest& fresh,
                            const manifest::Manifest* old, const delta::Step& step, bool search) {
  if (add_patch(out, source, fresh, old, step)) return;
  if (search && step.old_bytes != 0 && step.new_bytes <= limits::gap_side_bytes_max) {
    const auto gap_plan = delta::plan_gap(step.old_offset, step.old_bytes, step.new_bytes);
    if (gap_plan.coarse_block_bytes != 0 || gap_plan.fine_block_bytes != 0)
      return add_search(out, fresh, step, gap_plan);
  }
  add_data(out, source, fresh, step);
}

bool Transfer::is_known(const manifest::Chunk& chunk) {
  if (chunk.repeat_count != 1) return false;
  const auto place = dedupe_.find(chunk.id, chunk.length_bytes);
  return place && place->settled;
}

void Transfer::add_data(Steps& out, const Source& source, const manifest::Manifest& fresh,
                        const delta::Step& step) {
  std::uint64_t offset = step.new_offset;
  for (std::uint32_t i = 0; i < step.chunk_count; ++i) {
    const auto& chunk = fresh.chunks[step.first_chunk + i];
    for (std::uint32_t k = 0; k < chunk.repeat_count; ++k) {
      if (!add_other(out, chunk.id, chunk.length_bytes, offset)) {
        Bytes content(chunk.length_bytes);
        if (source.file->pread(content, offset) != content.size()) throw Error(Errc::changed, "source");
        add_content(out, chunk.id, offset, std::move(content));
      }
      offset += chunk.length_bytes;
    }
  }
}

/// False unless the other side has the chunk, in a file that is named to it then: one that is settled, or
/// this one further up.
bool Transfer::add_other(Steps& out, const hash::ChunkId& id, std::uint32_t length_bytes,
                         std::uint64_t offset) {
  auto place = dedupe_.find(id, length_bytes);
  if (!place || !(place->settled || place->file == out.stream)) place = out.own.find(id, length_bytes);
  if (!place) return false;
  const auto ref = ref_of(id, length_bytes);
  {
    std::lock_guard lock(mutex_);
    open_[out.file].refs[offset] = ref;
  }
  events_.counters.matched_bytes += length_bytes;
  add_step(out, wire::StepOther{ref, place->path, place->offset}, 64);
  return true;
}

void Transfer::add_content(Steps& out, const hash::ChunkId& id, std::uint64_t offset, Bytes content) {
  const auto bytes = content.size();
  const auto length_bytes = static_cast<std::uint32_t>(bytes);
  const bool is_noted = out.stream && dedupe_.add(id, length_bytes, *out.stream, offset);
  if (out.is_new && !is_noted) out.own.add(id, length_bytes, 0, offset);
  events_.counters.literal_bytes += bytes;
  if (out.is_new && channel_.is_local()) return add_step(out, wire::StepLocal{id, std::move(content)}, bytes);
  add_step(out, wire::StepData{ref_of(id, length_bytes), std::move(content)}, bytes);
}

void Transfer::add_search(Steps& out, const manifest::Manifest& fresh, const delta::Step& step,
                          const delta::GapPlan& gap_plan) {
  wire::StepGap gap;
  gap.old_offset = step.old_offset;
  gap.plan = gap_plan;
  put_steps(out);
  wait_for_window(window_bytes(gap_plan.old_bytes));
  {
    std::lock_guard lock(mutex_);
    Open& open = open_[out.file];
    std::uint64_t offset = step.new_offset;
    for (std::uint32_t i = 0; i < step.chunk_count; ++i) {
      const auto& chunk = fresh.chunks[step.first_chunk + i];
      for (std::uint32_t k = 0; k < chunk.repeat_count; ++k) {
        gap.chunks.push_back(ref_of(chunk));
        open.refs[offset] = gap.chunks.back();
        offset += chunk.length_bytes;
      }
    }
    Gap& kept = open.gaps.emplace_back();
    kept.new_offset = step.new_offset;
    kept.plan = gap_plan;
    kept.awaited_round = gap_plan.coarse_block_bytes != 0 ? 1 : 2;
    if (open.open_gaps++ == 0) ++unanswered_;
  }
  const std::size_t bytes = 64 + gap.chunks.size() * 20;
  add_step(out, std::move(gap), bytes);
}

/// The bytes that stood here are known, from the cache or as far as they have not changed: the change is
/// compressed against them.
bool Transfer::add_patch(Steps& out, const Source& source, const manifest::Manifest& fresh,
                         const manifest::Manifest* old, const delta::Step& step) {
  if (old == nullptr || step.old_bytes == 0) return false;
  auto prefix = cached_base(out, *old, step);
  if (prefix.empty()) prefix = guessed_base(out, source, step);
  if (prefix.size() != step.old_bytes) return false;
  Bytes content(step.new_bytes);
  if (source.file->pread(content, step.new_offset) != content.size()) throw Error(Errc::changed, "source");
  thread_local RestLocal<compress::Compressor> compressor;
  wire::StepPatch patch;
  patch.old_offset = step.old_offset;
  patch.old_bytes = step.old_bytes;
  patch.frame = compressor->compress_with_prefix(prefix, content, 3);
  {
    std::lock_guard lock(mutex_);
    std::uint64_t at = step.new_offset;
    for (std::uint32_t i = 0; i < step.chunk_count; ++i) {
      const auto& chunk = fresh.chunks[step.first_chunk + i];
      for (std::uint32_t k = 0; k < chunk.repeat_count; ++k) {
        patch.chunks.push_back(ref_of(chunk));
        open_[out.file].refs[at] = patch.chunks.back();
        at += chunk.length_bytes;
      }
    }
  }
  events_.counters.literal_bytes += patch.frame.size();
  events_.counters.matched_bytes +=
      step.new_bytes - std::min<std::uint64_t>(step.new_bytes, patch.frame.size());
  const auto bytes = patch.frame.size() + patch.chunks.size() * 20;
  add_step(out, std::move(patch), bytes);
  return true;
}

/// Empty where the cache has not all of it.
Bytes Transfer::cached_base(const Steps& out, const manifest::Manifest& old, const delta::Step& step) {
  Bytes found;
  if (!cache_) return found;
  const auto first = std::ranges::lower_bound(out.old_starts, step.old_offset);
  if (first == out.old_starts.end() || *first != step.old_offset) return found;
  std::lock_guard lock(cache_mutex_);
  for (auto i = static_cast<std::size_t>(first - out.old_starts.begin());
       i < old.chunks.size() && found.size() < step.old_bytes; ++i) {
    const auto& chunk = old.chunks[i];
    const auto bytes = chunk.repeat_count == 1 ? cache_->get(chunk.id) : std::nullopt;
    if (!bytes || bytes->size() != chunk.length_bytes) return {};
    found.insert(found.end(), bytes->begin(), bytes->end());
  }
  return found;
}

/// Keeps the bytes of changed chunks: what changed once is likely to change again.
void Transfer::remember_chunks(const Source& source, const manifest::Manifest& fresh,
                               const delta::Recipe& recipe) {
  if (!cache_ || recipe.gap_bytes > cached_change_bytes_max) return;
  Bytes content;
  for (const auto& step : recipe.steps) {
    if (step.kind != delta::Step::Kind::gap) continue;
    std::uint64_t offset = step.new_offset;
    for (std::uint32_t i = 0; i < step.chunk_count; ++i) {
      const auto& chunk = fresh.chunks[step.first_chunk + i];
      content.resize(chunk.length_bytes);
      try {
        if (source.file->pread(content, offset) != content.size()) return;
      } catch (const Error&) {
        return;  // a cache costs bytes only; an error here would leave the file without its end
      }
      {
        std::lock_guard lock(cache_mutex_);
        cache_->put(chunk.id, content);
      }
      offset += chunk.total_bytes();
    }
  }
}

}  // namespace syncline::sync
