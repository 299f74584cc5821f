// SPDX-License-Identifier: Apache-2.0
// Receiving content: whole small files, and large ones step by step, every chunk checked by its id.
#include <algorithm>

#include "base/limits.hpp"
#include "base/rest_local.hpp"
#include "chunk/chunker.hpp"
#include "chunk/cut.hpp"
#include "sync/file_state.hpp"
#include "sync/held_bytes.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

std::array<std::byte, hash::short_id_bytes> short_id(const hash::Digest& digest) {
  std::array<std::byte, hash::short_id_bytes> out;
  std::copy_n(digest.bytes.begin(), out.size(), out.begin());
  return out;
}

constexpr std::uint64_t hole_unit_bytes = 4096;  ///< what a file system can leave out

/// Writes `content` but for whole units of zeros, which become holes.
void write_around_holes(patch::FileWrite& write, std::uint64_t offset, ByteView content) {
  std::size_t begin = 0;  // of the run that goes on
  bool run_is_zeros = false;
  const auto end_run = [&](std::size_t end) {
    if (begin == end) return;
    if (run_is_zeros) write.zeros(offset + begin, end - begin);
    else write.write(offset + begin, content.subspan(begin, end - begin));
    begin = end;
  };
  for (std::size_t at = 0; at < content.size();) {
    const auto to_boundary = hole_unit_bytes - (offset + at) % hole_unit_bytes;
    const auto length = std::min<std::size_t>(content.size() - at, to_boundary);
    const bool zeros = length == hole_unit_bytes && chunk::is_zero(content.subspan(at, length));
    if (zeros != run_is_zeros) end_run(at);
    run_is_zeros = zeros;
    at += length;
  }
  end_run(content.size());
}

}  // namespace

/// In the order in which the sender counts; the workers come to it when they do.
void Applier::count(const wire::Message& message) {
  if (const auto* begin = std::get_if<wire::FileBegin>(&message)) under_way_.begin(*begin);
  else if (const auto* steps = std::get_if<wire::FileSteps>(&message)) under_way_.steps(*steps);
  else if (const auto* end = std::get_if<wire::FileEnd>(&message)) under_way_.end(end->file);
  else if (const auto* delta = std::get_if<wire::GapDelta>(&message))
    under_way_.answer(delta->file, delta->gap);
}

void Applier::on_file(wire::Message message) {
  const std::uint64_t number = std::visit(
      [](const auto& m) -> std::uint64_t {
        if constexpr (requires { m.file; }) return m.file;
        else return 0;
      },
      message);
  count(message);
  const std::size_t index = number % workers_.size();
  if (std::holds_alternative<wire::FileBegin>(message)) ++open_files_;
  Worker& worker = workers_[index];
  const auto bytes = held_bytes(message);
  post(index, bytes, [this, &worker, shared = std::make_shared<wire::Message>(std::move(message))] {
    if (auto* begin = std::get_if<wire::FileBegin>(shared.get())) file_begin(worker, std::move(*begin));
    else if (auto* steps = std::get_if<wire::FileSteps>(shared.get())) file_steps(worker, std::move(*steps));
    else if (auto* end = std::get_if<wire::FileEnd>(shared.get())) file_end(worker, *end);
    else if (auto* matches = std::get_if<wire::GapMatches>(shared.get())) gap_matches(worker, *matches);
    else if (auto* delta = std::get_if<wire::GapDelta>(shared.get())) gap_delta(worker, *delta);
    else if (auto* data = std::get_if<wire::ChunkData>(shared.get())) chunk_data(worker, std::move(*data));
  });
}

/// Checked against its root, unless it comes with its chunk ids.
manifest::Manifest Applier::manifest_of(const wire::WriteFile& op) {
  if (!op.ids.empty() && !channel_.is_local()) throw Error(Errc::protocol, "unchecked chunks of " + op.path);
  if (!op.ids.empty() && op.ids.size() != op.lengths.size())
    throw Error(Errc::malformed, "chunk ids of a file");
  manifest::Manifest out;
  out.params = op.params;
  out.size_bytes = op.content.size();
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < op.lengths.size(); ++i) {
    const auto length = op.lengths[i];
    if (length == 0 || length > op.content.size() - offset)
      throw Error(Errc::malformed, "chunk lengths of a file");
    const auto content = ByteView(op.content).subspan(offset, length);
    const bool zeros = length == op.params.max_bytes && chunk::is_zero(content);
    if (zeros && !out.chunks.empty() && out.chunks.back().length_bytes == length &&
        out.chunks.back().id == zero_id(length)) {
      ++out.chunks.back().repeat_count;
    } else {
      const auto id = zeros ? zero_id(length) : !op.ids.empty() ? op.ids[i] : hash::blake3(content);
      out.chunks.push_back({id, replica_.key()(content), length, 1});
    }
    offset += length;
  }
  if (offset != op.content.size()) throw Error(Errc::malformed, "chunk lengths of a file");
  if (op.ids.empty() && short_id(out.root()) != op.root) throw Error(Errc::corrupt, "content of a file");
  return out;
}

void Applier::write_file(const wire::WriteFile& op) {
  const auto path = path_to_change(op.path);
  auto fresh = manifest_of(op);
  patch::FilePlan plan;
  plan.new_bytes = op.content.size();
  plan.changed_bytes = plan.new_bytes;
  plan.expected = known_stat(path);
  plan.replace_other_type = plan.expected && plan.expected->type != fs::FileType::regular;
  Pending pending;
  plan.keep = keep_of(path, plan.expected, pending.kept_in);
  if (pending.kept_in && has_content(path, *plan.expected, op.content)) plan.keep.reset();
  const auto metadata = metadata_of(op.meta);
  plan.metadata = &metadata;
  auto write = area_->begin(dir_of(path.parent()), path, plan);
  const bool sparse = (begin_.flags & wire::begin_sparse) != 0;
  std::uint64_t offset = 0;
  ByteView run;
  for (const auto& chunk : fresh.chunks) {
    const auto content = ByteView(op.content).subspan(offset, chunk.total_bytes());
    if (sparse && chunk.length_bytes >= hole_unit_bytes && chunk::is_zero(content)) {
      if (!run.empty()) write->write(offset - run.size(), run);
      run = {};
      write->zeros(offset, content.size());
    } else {
      run = run.empty() ? content : ByteView(run.data(), run.size() + content.size());
    }
    offset += content.size();
  }
  if (!run.empty()) write->write(offset - run.size(), run);
  pending.path = path;
  pending.manifest = std::move(fresh);
  pending.xattr_digest = xattr_digest(op.meta.xattrs, rules_.attributes);
  submit(std::move(pending), [&](std::uint64_t token) { write->finish(metadata, token); });
}

Applier::FileState* Applier::state_of(Worker& worker, std::uint64_t file) {
  const auto found = worker.files.find(file);
  if (found == worker.files.end()) throw Error(Errc::protocol, "message for an unknown file");
  return found->second.get();
}

/// Of one file, for the error that is being handled; what ends the session goes on its way.
void Applier::give_up(FileState& file, const Error& error, bool retry) {
  if (ends_session(error)) throw;
  if (file.failed) return;
  file.failed = true;
  file.write.reset();
  send_failure(file.begin.path, error, file.begin.size_bytes, retry);
  for (std::uint32_t i = 0; i < file.gaps.size(); ++i)
    if (std::exchange(file.gaps[i].open, false)) refuse_gap(file, i);
  file.open_gaps = 0;
  file.requested.clear();
  give_back(file.chunks);
  give_back(file.matches);
  file.matched_chunks = 0;
  file.old.reset();
  give_back(file.old_starts);
}

/// No file has more chunks than its size allows.
void Applier::announce(FileState& file, std::uint64_t chunks) {
  file.announced_chunks += chunks;
  const auto limit = chunk_count_max(file.begin.size_bytes);
  if (file.announced_chunks > limit)
    throw Error(Errc::limit_exceeded, "the sender's chunks of '" + escape_name(file.begin.path) +
                                          "', which has " + std::to_string(limit) + " at most");
}

void Applier::load_base(FileState& file, const fs::Stat& stat) {
  std::optional<Content> content;
  {
    std::lock_guard lock(replica_.mutex());
    if (DirNode* node = replica_.tree().find_dir(file.path.parent())) {
      replica_.load_details(*node);
      if (const Entry* entry = node->find(file.path.name()))
        if (const Content* known = node->content_of(*entry)) content = *known;
    }
    if (content && content_root(*content, stat.size_bytes).prefix() == file.begin.base_content)
      file.old = replica_.manifest_of(*content, stat.size_bytes);
  }
  if (!file.old) {
    const fs::File* basis = file.write->basis();
    if (basis == nullptr) throw Error(Errc::foreign, file.begin.path);
    file.old = std::make_shared<const manifest::Manifest>(chunk::import_file(
        *basis, stat.size_bytes, manifest::params_for_size(stat.size_bytes), replica_.key(), 1));
  }
  if (file.old->root().prefix() != file.begin.base_content) throw Error(Errc::foreign, file.begin.path);
  file.old_starts.reserve(file.old->chunks.size());
  std::uint64_t offset = 0;
  for (const auto& chunk : file.old->chunks) {
    file.old_starts.push_back(offset);
    offset += chunk.total_bytes();
  }
}

void Applier::file_begin(Worker& worker, wire::FileBegin message) {
  auto owned = std::make_unique<FileState>();
  FileState& file = *owned;
  const auto number = message.file;
  file.begin = std::move(message);
  if (!worker.files.emplace(number, std::move(owned)).second)
    throw Error(Errc::protocol, "file number used twice");
  bool base_is_wrong = false;
  try {
    file.path = path_to_change(file.begin.path);
    patch::FilePlan plan;
    plan.new_bytes = file.begin.size_bytes;
    plan.expected = known_stat(file.path);
    plan.replace_other_type = plan.expected && plan.expected->type != fs::FileType::regular;
    plan.matched_in_place_bytes = file.begin.matched_in_place_bytes;
    plan.matched_moved_bytes = file.begin.matched_moved_bytes;
    plan.changed_bytes = file.begin.changed_bytes;
    if (file.begin.has_base &&
        (!plan.expected || plan.replace_other_type || plan.expected->size_bytes != file.begin.base_bytes)) {
      base_is_wrong = true;
      throw Error(Errc::foreign, file.begin.path);
    }
    plan.keep = keep_of(file.path, plan.expected, file.kept_in);
    file.write = area_->begin(dir_of(file.path.parent()), file.path, plan);
    if (file.begin.base_content != 0) {
      base_is_wrong = true;
      load_base(file, *plan.expected);
    }
  } catch (const Error& error) {
    give_up(file, error, base_is_wrong && error.is(Errc::foreign));
  }
}

void Applier::file_steps(Worker& worker, wire::FileSteps message) {
  FileState& file = *state_of(worker, message.file);
  for (auto& one : message.steps) {
    try {
      step(file, one);
    } catch (const Error& error) {
      give_up(file, error, false);
    }
  }
}

void Applier::step(FileState& file, wire::Step& step) {
  if (auto* gap = std::get_if<wire::StepGap>(&step)) return step_gap(file, std::move(*gap));
  if (file.failed) return;
  if (const auto* match = std::get_if<wire::StepMatch>(&step)) return step_match(file, *match);
  const auto* patched = std::get_if<wire::StepPatch>(&step);
  announce(file, patched != nullptr ? patched->chunks.size() : 1);
  if (const auto* zeros = std::get_if<wire::StepZeros>(&step)) {
    step_zeros(file, zeros->bytes);
  } else if (const auto* data = std::get_if<wire::StepData>(&step)) {
    if (data->content.size() != data->chunk.length_bytes)
      throw Error(Errc::malformed, "chunk of " + file.begin.path);
    put_chunk(file, file.offset, data->chunk, data->content);
    file.offset += data->content.size();
  } else if (const auto* local = std::get_if<wire::StepLocal>(&step)) {
    if (!channel_.is_local()) throw Error(Errc::protocol, "unchecked chunk of " + file.begin.path);
    put_known_chunk(file, file.offset, local->id, local->content);
    file.offset += local->content.size();
  } else if (const auto* other = std::get_if<wire::StepOther>(&step)) {
    step_other(file, *other);
  } else if (const auto* patch = std::get_if<wire::StepPatch>(&step)) {
    step_patch(file, *patch);
  }
}

void Applier::step_match(FileState& file, const wire::StepMatch& match) {
  if (!file.old) throw Error(Errc::malformed, "match without a base");
  const auto first = std::ranges::lower_bound(file.old_starts, match.old_offset);
  const auto begin = static_cast<std::size_t>(first - file.old_starts.begin());
  std::uint64_t done = 0;
  auto i = begin;
  for (; done < match.bytes; ++i) {
    if (i >= file.old->chunks.size() || file.old_starts[i] != match.old_offset + done ||
        file.old->chunks[i].total_bytes() > match.bytes - done)
      throw Error(Errc::malformed, "match off the chunk boundaries");
    announce(file, 1);
    done += file.old->chunks[i].total_bytes();
  }
  if (i != begin) file.matches.push_back({file.offset, begin, i - begin});
  file.matched_chunks += i - begin;
  file.write->copy(file.offset, match.old_offset, match.bytes);
  file.offset += match.bytes;
}

void Applier::step_zeros(FileState& file, std::uint64_t bytes) {
  const std::uint32_t unit = file.begin.params.max_bytes;
  if (unit == 0 || bytes % unit != 0 || bytes > file.begin.size_bytes - file.offset ||
      bytes / unit > UINT32_MAX)
    throw Error(Errc::malformed, "zero run");
  const hash::QuickHash quick = replica_.key()(Bytes(unit));
  file.chunks.emplace_back(
      file.offset, manifest::Chunk{zero_id(unit), quick, unit, static_cast<std::uint32_t>(bytes / unit)});
  file.write->zeros(file.offset, bytes);
  file.offset += bytes;
}

/// A chunk out of another file of this replica, or from further up in this one; what is found there counts
/// only if its id agrees.
void Applier::step_other(FileState& file, const wire::StepOther& other) {
  const std::uint64_t offset = file.offset;
  file.offset += other.chunk.length_bytes;
  Bytes content(other.chunk.length_bytes);
  bool found = false;
  if (other.path == file.begin.path) {
    found = file.write->read_back(content, other.offset);
  } else {
    try {
      const auto path = RelPath::parse(other.path);
      const auto source = dir_of(path.parent())->open_read(std::string(path.name()));
      found = source->pread(content, other.offset) == content.size();
    } catch (const Error&) {
      // Not there (any more): asked for below.
    }
  }
  if (found) put_chunk(file, offset, other.chunk, content);
  else request_chunk(file, offset, other.chunk);
}

void Applier::step_patch(FileState& file, const wire::StepPatch& patch) {
  thread_local RestLocal<compress::Decompressor> decompressor;
  std::uint64_t total = 0;
  for (const auto& ref : patch.chunks) total += ref.length_bytes;
  if (total > limits::frame_bytes_max || patch.old_bytes > limits::frame_bytes_max)
    throw Error(Errc::limit_exceeded, "patch");
  Bytes old(patch.old_bytes);
  if (file.write->basis() == nullptr || file.write->basis()->pread(old, patch.old_offset) != old.size())
    throw Error(Errc::malformed, "patch outside of the base");
  Bytes content;
  try {
    content = decompressor->decompress_with_prefix(old, patch.frame, total);
  } catch (const Error&) {
    content.clear();
  }
  content.resize(total);  // what does not fit is found by the ids
  put_chunks(file, file.offset, patch.chunks, content);
  file.offset += total;
}

void Applier::put_chunk(FileState& file, std::uint64_t offset, const wire::ChunkRef& ref, ByteView content) {
  const auto id = hash::blake3(content);
  if (short_id(id) != ref.id) return request_chunk(file, offset, ref);
  put_known_chunk(file, offset, id, content);
}

void Applier::put_known_chunk(FileState& file, std::uint64_t offset, const hash::ChunkId& id,
                              ByteView content) {
  if (content.empty() || content.size() > file.begin.size_bytes ||
      offset > file.begin.size_bytes - content.size())
    throw Error(Errc::malformed, "chunk behind the end of " + file.begin.path);
  const auto length = static_cast<std::uint32_t>(content.size());
  file.chunks.emplace_back(offset, manifest::Chunk{id, replica_.key()(content), length, 1});
  const bool sparse = (begin_.flags & wire::begin_sparse) != 0;
  // Less allocated than its size: the source has holes, and not only where whole chunks are zeros.
  if (sparse && !file.begin.has_base && file.begin.changed_bytes < file.begin.size_bytes)
    write_around_holes(*file.write, offset, content);
  else if (sparse && content.size() >= hole_unit_bytes && chunk::is_zero(content))
    file.write->zeros(offset, content.size());
  else file.write->write(offset, content);
}

void Applier::put_chunks(FileState& file, std::uint64_t offset, const std::vector<wire::ChunkRef>& refs,
                         ByteView content) {
  for (const auto& ref : refs) {
    put_chunk(file, offset, ref, content.first(ref.length_bytes));
    content = content.subspan(ref.length_bytes);
    offset += ref.length_bytes;
  }
}

void Applier::request_chunk(FileState& file, std::uint64_t offset, const wire::ChunkRef& ref) {
  file.requested[offset] = ref;
  answer(wire::ChunkRequest{file.begin.file, offset, ref.length_bytes});
}

void Applier::chunk_data(Worker& worker, wire::ChunkData message) {
  const auto found = worker.files.find(message.file);
  if (found == worker.files.end()) return;
  FileState& file = *found->second;
  const auto wanted = file.requested.find(message.new_offset);
  if (file.failed || wanted == file.requested.end()) return;
  const auto ref = wanted->second;
  file.requested.erase(wanted);
  try {
    // Nothing is damaged on its way without being noticed.
    const auto id = hash::blake3(message.content);
    if (message.content.size() != ref.length_bytes || short_id(id) != ref.id)
      throw Error(Errc::changed, changed_at_sender);
    put_known_chunk(file, message.new_offset, id, message.content);
  } catch (const Error& error) {
    give_up(file, error, false);
  }
  complete_if_done(worker, file);
}

void Applier::file_end(Worker& worker, const wire::FileEnd& message) {
  FileState& file = *state_of(worker, message.file);
  file.end = message;
  if (message.aborted) {
    file.failed = true;
    file.write.reset();
  }
  complete_if_done(worker, file);
}

/// The chunks in order, zero runs joined as the chunker would have given them.
manifest::Manifest Applier::manifest_of(FileState& file) {
  std::ranges::sort(file.chunks, {}, [](const auto& one) { return one.first; });
  std::ranges::sort(file.matches, {}, &FileState::Match::new_offset);
  manifest::Manifest out;
  out.params = file.begin.params;
  out.size_bytes = file.begin.size_bytes;
  const std::uint32_t unit = out.params.max_bytes;
  out.chunks.reserve(file.chunks.size() + file.matched_chunks);
  std::uint64_t offset = 0;
  const auto add = [&](const manifest::Chunk& chunk) {
    offset += chunk.total_bytes();
    const bool zeros = chunk.length_bytes == unit && chunk.id == zero_id(unit);
    if (zeros && !out.chunks.empty() && out.chunks.back().id == chunk.id &&
        out.chunks.back().length_bytes == unit &&
        std::uint64_t{out.chunks.back().repeat_count} + chunk.repeat_count <= UINT32_MAX)
      out.chunks.back().repeat_count += chunk.repeat_count;
    else out.chunks.push_back(chunk);
  };
  auto chunk = file.chunks.begin();
  auto match = file.matches.begin();
  while (chunk != file.chunks.end() || match != file.matches.end()) {
    if (chunk != file.chunks.end() && chunk->first == offset) {
      add(chunk++->second);
    } else if (match != file.matches.end() && match->new_offset == offset) {
      for (std::size_t i = 0; i < match->count; ++i) add(file.old->chunks[match->first + i]);
      ++match;
    } else {
      throw Error(Errc::malformed, "steps of " + file.begin.path);
    }
  }
  if (offset != out.size_bytes) throw Error(Errc::malformed, "steps of " + file.begin.path);
  return out;
}

/// A file that is ended and not complete: the sender does not count it any more.
void Applier::linger(FileState& file) {
  if (file.lingers) return;
  file.lingers = true;
  file.lingering_chunks = file.chunks.size() + file.matched_chunks + file.requested.size();
  const auto files = ++lingering_files_;
  const auto chunks = lingering_chunks_ += file.lingering_chunks;
  if (files <= limits::open_files_max && (chunks <= limits::open_chunks_max || files == 1)) return;
  throw Error(Errc::limit_exceeded,
              "files that wait for chunks, beside '" + escape_name(file.begin.path) + "'");
}

void Applier::stop_lingering(FileState& file) {
  if (!std::exchange(file.lingers, false)) return;
  --lingering_files_;
  lingering_chunks_ -= file.lingering_chunks;
}

void Applier::complete_if_done(Worker& worker, FileState& file) {
  if (!file.end) return;
  if (!file.failed && (file.open_gaps != 0 || !file.requested.empty())) {
    try {
      return linger(file);
    } catch (const Error& error) {
      give_up(file, error, false);
    }
  }
  if (!file.failed) {
    try {
      Pending pending;
      pending.path = file.path;
      pending.manifest = manifest_of(file);
      pending.kept_in = file.kept_in;
      pending.xattr_digest = xattr_digest(file.end->meta.xattrs, rules_.attributes);
      if (pending.manifest->root() != file.end->root) throw Error(Errc::corrupt, file.begin.path);
      if (file.kept_in && is_same_content(file)) file.write->drop_keep();
      submit(std::move(pending),
             [&](std::uint64_t token) { file.write->finish(metadata_of(file.end->meta), token); });
    } catch (const Error& error) {
      give_up(file, error, false);
    }
  }
  stop_lingering(file);
  worker.files.erase(file.begin.file);
  --open_files_;
}

}  // namespace syncline::sync
