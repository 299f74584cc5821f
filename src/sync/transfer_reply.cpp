// SPDX-License-Identifier: Apache-2.0
// What the receiver sends back during a transfer, and the answers to it.
#include <algorithm>
#include <utility>

#include "sync/transfer.hpp"

namespace syncline::sync {

void Transfer::on_gap_sums(wire::GapSums message) {
  std::lock_guard lock(mutex_);
  Reply reply;
  reply.sums = std::move(message);
  replies_.push_back(std::move(reply));
  changed_.notify_all();
}

void Transfer::on_chunk_request(const wire::ChunkRequest& message) {
  std::lock_guard lock(mutex_);
  Reply reply;
  reply.request = message;
  replies_.push_back(std::move(reply));
  changed_.notify_all();
}

void Transfer::on_manifest(wire::ManifestReply message) {
  std::lock_guard lock(mutex_);
  // In parts; the first has them all in the usual case.
  const auto [known, fresh] = manifests_.try_emplace(message.path);
  wire::ManifestReply& whole = known->second;
  if (fresh) {
    whole = std::move(message);
  } else {
    whole.more = message.more;
    whole.lengths.insert(whole.lengths.end(), message.lengths.begin(), message.lengths.end());
    whole.repeats.insert(whole.repeats.end(), message.repeats.begin(), message.repeats.end());
    whole.ids.insert(whole.ids.end(), message.ids.begin(), message.ids.end());
  }
  if (!whole.more) changed_.notify_all();
}

void Transfer::on_retry(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto begun = begun_.find(path);
  if (begun == begun_.end() || !distrusted_.insert(path).second) return;
  retries_.push_back(begun->second);
}

void Transfer::run_reply(Reply& reply) {
  if (reply.sums) answer_sums(*reply.sums);
  else if (reply.request) answer_request(*reply.request);
}

void Transfer::answer_sums(const wire::GapSums& message) {
  Gap gap;
  Item item;
  {
    std::lock_guard lock(mutex_);
    const auto open = open_.find(message.file);
    if (open == open_.end() || message.gap >= open->second.gaps.size())
      throw Error(Errc::protocol, "sums for an unknown gap");
    gap = open->second.gaps[message.gap];
    item = open->second.item;
  }
  if (gap.closed) return;
  if (message.round == 0) return close_gap(message.file, message.gap);
  Bytes fresh(gap.plan.new_bytes);
  bool aborted = false;
  try {
    const Source source = open_source(item);
    if (source.file->pread(fresh, gap.new_offset) != fresh.size()) aborted = true;
  } catch (const Error&) {
    aborted = true;  // gone or changed: the chunk ids will tell, the receiver asks and is refused
  }
  if (aborted) std::ranges::fill(fresh, std::byte{0});
  const bool more = message.round == 1 && gap.plan.fine_block_bytes != 0;
  if (message.round == 1) {
    auto coarse = delta::round1_match(gap.plan, sum_key_, fresh, message.sums);
    if (more) {
      wire::GapMatches out{message.file, message.gap, {}};
      ByteWriter writer(out.matches);
      delta::write_matches(writer, gap.plan, coarse);
      {
        std::lock_guard lock(mutex_);
        open_[message.file].gaps[message.gap].coarse = std::move(coarse);
      }
      channel_.send(out);
      return;
    }
    gap.coarse = std::move(coarse);
  }
  delta::GapDelta found =
      delta::round2_match(gap.plan, sum_key_, fresh, gap.coarse, message.round == 2 ? message.sums : Bytes{});
  Bytes().swap(fresh);  // one side of a gap for each thread is enough while we wait for the link
  wire::GapDelta out;
  out.file = message.file;
  out.gap = message.gap;
  ByteWriter writer(out.matches);
  delta::write_fine_matches(writer, gap.plan, gap.coarse, found.matches);
  out.literals = std::move(found.literals);
  events_.counters.literal_bytes += out.literals.size();
  events_.counters.matched_bytes += gap.plan.new_bytes - out.literals.size();
  channel_.send(out);
  close_gap(message.file, message.gap);
}

void Transfer::close_gap(std::uint64_t file, std::uint32_t number) {
  std::optional<wire::FileEnd> end;
  {
    std::lock_guard lock(mutex_);
    Open& open = open_[file];
    Gap& gap = open.gaps[number];
    if (std::exchange(gap.closed, true)) return;
    gap_bytes_ -= std::min<std::uint64_t>(gap_bytes_, gap.plan.old_bytes);
    if (--open.open_gaps == 0) {
      --unanswered_;
      if (open.steps_sent) end = open.end;
    }
    changed_.notify_all();
  }
  if (end) channel_.send(*end);
}

/// After the steps: at once when no gap is open, else by whoever answers the last one.
void Transfer::end_file(std::uint64_t file, const wire::FileEnd& end) {
  {
    std::lock_guard lock(mutex_);
    Open& open = open_[file];
    open.steps_sent = true;
    open.end = end;
    if (open.open_gaps != 0) return;
  }
  channel_.send(end);
}

void Transfer::answer_request(const wire::ChunkRequest& message) {
  wire::ChunkData out;
  out.file = message.file;
  out.new_offset = message.new_offset;
  Item item;
  std::optional<wire::ChunkRef> ref;
  {
    std::lock_guard lock(mutex_);
    const auto open = open_.find(message.file);
    if (open == open_.end()) throw Error(Errc::protocol, "request for an unknown file");
    item = open->second.item;
    const auto known = open->second.refs.find(message.new_offset);
    if (known != open->second.refs.end() && known->second.length_bytes == message.length_bytes)
      ref = known->second;
  }
  if (ref) {
    try {
      const Source source = open_source(item);
      Bytes content(ref->length_bytes);
      if (source.file->pread(content, message.new_offset) == content.size()) {
        const auto id = hash::blake3(content);
        if (std::equal(ref->id.begin(), ref->id.end(), id.bytes.begin())) out.content = std::move(content);
      }
    } catch (const Error&) {
      out.content.clear();  // an empty answer: the receiver drops the file
    }
  }
  events_.counters.literal_bytes += out.content.size();
  channel_.send(out);
  channel_.flush();
}

}  // namespace syncline::sync
