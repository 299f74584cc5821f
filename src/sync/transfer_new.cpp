// SPDX-License-Identifier: Apache-2.0
// Sending a file that the other side has no version of: read once, sent as it is cut.
#include <algorithm>

#include "base/limits.hpp"
#include "chunk/cut.hpp"
#include "chunk/import_stream.hpp"
#include "sync/transfer.hpp"

namespace syncline::sync {
namespace {

/// Up to here a file is held in memory while it is decided what is to be sent of it.
constexpr std::uint64_t whole_bytes_max = 4 * limits::mib;

}  // namespace

/// False when the file must be examined as a whole before any of it is sent: other new content is under
/// way that could be half of it.
bool Transfer::send_new(const Item& item, const Source& source) {
  if (source.stat.size_bytes <= whole_bytes_max) {
    send_whole(item, source);
    return true;
  }
  if (!claim_stream(source.stat.size_bytes)) return false;
  const auto release = [this](Transfer*) {
    std::lock_guard order(defer_mutex_);
    streaming_ = false;
  };
  const std::unique_ptr<Transfer, decltype(release)> claim(this, release);
  send_stream(item, source);
  return true;
}

/// One at a time: what two of them have in common would not be seen.
bool Transfer::claim_stream(std::uint64_t bytes) {
  std::lock_guard order(defer_mutex_);
  if (streaming_ || (may_defer_ && dedupe_.unsettled_bytes() >= bytes / 2)) return false;
  return streaming_ = true;
}

void Transfer::send_whole(const Item& item, const Source& source) {
  Bytes content(source.stat.size_bytes);
  if (source.file->pread(content, 0) != content.size()) throw Error(Errc::changed, "source");
  check_unchanged(source);
  events_.check_cancelled();
  auto fresh = chunk::chunk_bytes(content, manifest::params_for_size(content.size()), replica_.key());
  if (defer(item, fresh)) return;
  count(content.size());
  send_begun(item, source, 1, [&](Steps& out) {
    std::uint64_t offset = 0;
    for (const auto& chunk : fresh.chunks) {
      const auto bytes = ByteView(content).subspan(offset, chunk.length_bytes);
      if (chunk.length_bytes == fresh.params.max_bytes && chunk::is_zero(bytes))
        add_zeros(out, chunk.total_bytes());
      else if (!add_other(out, chunk.id, chunk.length_bytes, offset))
        add_content(out, chunk.id, offset, Bytes(bytes.begin(), bytes.end()));
      offset += chunk.total_bytes();
    }
    return std::move(fresh);
  });
}

void Transfer::send_stream(const Item& item, const Source& source) {
  const auto size = source.stat.size_bytes;
  chunk::ImportStream stream(*source.file, size, manifest::params_for_size(size), replica_.key(),
                             options_.threads);
  const auto file = dedupe_.add_file(path_of(item));
  send_begun(item, source, options_.threads, [&](Steps& out) {
    out.stream = file;
    while (auto piece = stream.next()) {
      events_.check_cancelled();
      count(piece->length_bytes);
      if (piece->content.empty()) {
        add_zeros(out, piece->length_bytes);
        continue;
      }
      const auto length = static_cast<std::uint32_t>(piece->length_bytes);
      if (!add_other(out, piece->id, length, piece->offset))
        add_content(out, piece->id, piece->offset, std::move(piece->content));
    }
    return stream.finish();
  });
}

void Transfer::add_zeros(Steps& out, std::uint64_t length_bytes) {
  events_.counters.matched_bytes += length_bytes;
  add_step(out, wire::StepZeros{length_bytes}, 16);
}

/// FileBegin, the steps that `send_steps` adds, FileEnd with the root of the manifest that it returns.
template <class SendSteps>
void Transfer::send_begun(const Item& item, const Source& source, unsigned compressors,
                          SendSteps&& send_steps) {
  const auto& stat = source.stat;
  wire::FileBegin begin;
  begin.path = path_of(item);
  begin.size_bytes = stat.size_bytes;
  begin.params = manifest::params_for_size(stat.size_bytes);
  begin.changed_bytes = std::min(stat.size_bytes, stat.allocated_bytes);
  begin.file = open_file(item, stat.size_bytes);
  channel_.send(begin);
  wire::FileEnd end;
  end.file = begin.file;
  try {
    BulkLane lane(channel_, compressors);
    Steps out;
    out.file = out.message.file = begin.file;
    out.bytes_wanted = channel_.bulk_bytes_wanted();
    out.lane = &lane;
    out.is_new = true;
    out.own.add_file(begin.path);
    const manifest::Manifest fresh = send_steps(out);
    put_steps(out);
    lane.finish();
    check_unchanged(source);
    settle_entry(item, source, fresh);
    end.meta = meta_of(*item.node, entry_of(item), source.file.get());
    end.root = fresh.root();
  } catch (const Error&) {
    end.aborted = true;
    end_file(begin.file, end);
    throw;
  }
  events_.counters.read_bytes += stat.size_bytes;
  end_file(begin.file, end);
}

}  // namespace syncline::sync
