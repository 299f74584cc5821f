// SPDX-License-Identifier: Apache-2.0
// What the receiver sends back during a transfer, and the answers to it.
#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "sync/transfer.hpp"
#include "sync/under_way.hpp"

namespace syncline::sync {

/// Whether these are the sums that are awaited; false: of a gap that is answered already. Under mutex_.
bool Transfer::expects(const wire::GapSums& message) {
  const auto open = open_.find(message.file);
  if (open == open_.end() || message.gap >= open->second.gaps.size())
    throw Error(Errc::protocol, "sums for an unknown gap");
  Gap& gap = open->second.gaps[message.gap];
  const bool awaited = message.round == 0 || message.round == gap.awaited_round;
  if (gap.given_up || !awaited) throw Error(Errc::protocol, "sums of a gap that nobody waits for");
  if (message.sums.size() > delta::sum_bytes_max(gap.plan))
    throw Error(Errc::protocol, "more sums than a gap has blocks");
  if (message.round == 0) gap.given_up = true;
  else gap.awaited_round = 0, ++gap.answer_count;
  return !gap.closed;
}

void Transfer::on_gap_sums(wire::GapSums message) {
  std::lock_guard lock(mutex_);
  if (!expects(message)) return;
  replies_.push_back({std::move(message), std::nullopt});
  changed_.notify_all();
}

void Transfer::on_chunk_request(const wire::ChunkRequest& message) {
  std::lock_guard lock(mutex_);
  if (!open_.contains(message.file)) throw Error(Errc::protocol, "request for an unknown file");
  if (request_count_ == limits::chunk_requests_max)
    throw Error(Errc::protocol, "more than " + std::to_string(limits::chunk_requests_max) +
                                    " requests for chunks of the receiver wait for their answers");
  ++request_count_;
  replies_.push_back({{}, message});
  changed_.notify_all();
}

void Transfer::on_manifest(wire::ManifestReply message) {
  std::lock_guard lock(mutex_);
  manifests_.take(std::move(message));
  changed_.notify_all();
}

void Transfer::on_retry(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto begun = begun_.find(path);
  if (begun == begun_.end() || !distrusted_.insert(path).second) return;
  retries_.push_back(begun->second);
}

void Transfer::run_reply(const Reply& reply) {
  if (reply.request) answer_request(*reply.request);
  else answer_sums(reply.sums);
  {
    std::lock_guard lock(mutex_);
    if (!replies_.empty()) return;
  }
  channel_.flush();  // the other side may wait for just this
}

void Transfer::answer_sums(const wire::GapSums& message) {
  Gap gap;
  Item item;
  {
    std::lock_guard lock(mutex_);
    const auto open = open_.find(message.file);
    if (open == open_.end()) throw Error(Errc::protocol, "sums for a file that is acknowledged");
    gap = open->second.gaps[message.gap];
    item = open->second.item;
  }
  if (gap.closed) return;
  if (message.round == 0) {
    // Whoever answers sums of it closes it after that: nothing of a file comes after its end.
    if (gap.answer_count != 0) return;
    return close_gap(message.file, message.gap);
  }
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
        Gap& kept = open_[message.file].gaps[message.gap];
        kept.coarse = std::move(coarse);
        kept.awaited_round = 2;
      }
      channel_.send(std::move(out));
      return end_answer(message.file, message.gap);
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
  channel_.send(std::move(out));
  close_gap(message.file, message.gap);
}

/// Of a round that another one is to follow, unless the receiver has given up meanwhile.
void Transfer::end_answer(std::uint64_t file, std::uint32_t number) {
  {
    std::lock_guard lock(mutex_);
    Gap& gap = open_[file].gaps[number];
    if (--gap.answer_count != 0 || !gap.given_up) return;
  }
  close_gap(file, number);
}

void Transfer::close_gap(std::uint64_t file, std::uint32_t number) {
  std::optional<wire::FileEnd> end;
  {
    std::lock_guard lock(mutex_);
    Open& open = open_[file];
    Gap& gap = open.gaps[number];
    if (std::exchange(gap.closed, true)) return;
    gap_bytes_ -= window_bytes(gap.plan.old_bytes);
    if (--open.open_gaps == 0) {
      --unanswered_;
      if (open.steps_sent) end = open.end;
    }
    changed_.notify_all();
  }
  if (end) send_end(file, *end);
}

void Transfer::send_end(std::uint64_t file, const wire::FileEnd& end) {
  channel_.send(end);
  std::lock_guard lock(mutex_);
  --under_way_files_;
  under_way_chunks_ -= open_[file].chunk_count;
  changed_.notify_all();
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
  send_end(file, end);
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
    if (open == open_.end()) throw Error(Errc::protocol, "request for a file that is acknowledged");
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
  events_.counters.count_as_sent(out.content.size());
  channel_.send(std::move(out));
}

}  // namespace syncline::sync
