// SPDX-License-Identifier: Apache-2.0
// The byte coding of every message: one description per message serves both directions.
#include "wire/messages.hpp"

#include <algorithm>
#include <limits>

#include "base/limits.hpp"

namespace syncline::wire {
namespace {

/// Elements of one list: a hostile message of empty elements must not cost memory out of proportion.
constexpr std::size_t count_max = limits::list_count_max;
constexpr std::size_t items_max = limits::list_items_max;

/// Writes fields; the counterpart of Decoder, member for member.
class Encoder {
 public:
  static constexpr bool decoding = false;
  explicit Encoder(Bytes& out) : out_(out) {}
  void fixed(const std::uint32_t& v) { out_.u32(v); }
  void fixed(const std::uint64_t& v) { out_.u64(v); }
  template <class T>
  void num(const T& v) {
    out_.varint(static_cast<std::uint64_t>(v));
  }
  void signed_num(const std::int64_t& v) { out_.svarint(v); }
  void flag(const bool& v) { out_.u8(v ? 1 : 0); }
  template <std::size_t N>
  void array(const std::array<std::byte, N>& v) {
    out_.bytes(v);
  }
  void digest(const hash::Digest& v) { out_.bytes(v.bytes); }
  void blob(const Bytes& v, std::size_t max) {
    if (v.size() > max)
      throw Error(Errc::limit_exceeded, "message field of " + std::to_string(v.size()) + " bytes");
    out_.blob(v);
  }
  void text(const std::string& v, std::size_t max) {
    if (v.size() > max)
      throw Error(Errc::limit_exceeded, "message text of " + std::to_string(v.size()) + " bytes");
    out_.text(v);
  }
  template <class T, class F>
  void list(const std::vector<T>& v, std::size_t max, F&& each) {
    if (v.size() > max) throw Error(Errc::limit_exceeded, "message list of " + std::to_string(v.size()));
    out_.varint(v.size());
    for (const T& item : v) each(const_cast<T&>(item));
  }
  template <class T, class F>
  void optional(const std::optional<T>& v, F&& each) {
    flag(v.has_value());
    if (v) each(const_cast<T&>(*v));
  }
  void plan(const delta::GapPlan& v) { delta::write_plan(out_, v); }
  template <class... T, class F>
  void variant(const std::variant<T...>& v, F&& each) {
    out_.u8(static_cast<std::uint8_t>(v.index()));
    std::visit([&](const auto& item) { each(const_cast<std::remove_cvref_t<decltype(item)>&>(item)); }, v);
  }

 private:
  ByteWriter out_;
};

/// What Encoder would write, in bytes: so that a message can be put behind its length with one copy.
class Measurer {
 public:
  static constexpr bool decoding = false;
  std::size_t bytes() const { return bytes_; }
  void fixed(const std::uint32_t&) { bytes_ += 4; }
  void fixed(const std::uint64_t&) { bytes_ += 8; }
  template <class T>
  void num(const T& v) {
    bytes_ += varint_bytes(static_cast<std::uint64_t>(v));
  }
  void signed_num(const std::int64_t& v) { bytes_ += svarint_bytes(v); }
  void flag(const bool&) { bytes_ += 1; }
  template <std::size_t N>
  void array(const std::array<std::byte, N>&) {
    bytes_ += N;
  }
  void digest(const hash::Digest& v) { bytes_ += v.bytes.size(); }
  void blob(const Bytes& v, std::size_t) { bytes_ += varint_bytes(v.size()) + v.size(); }
  void text(const std::string& v, std::size_t) { bytes_ += varint_bytes(v.size()) + v.size(); }
  template <class T, class F>
  void list(const std::vector<T>& v, std::size_t, F&& each) {
    bytes_ += varint_bytes(v.size());
    for (const T& item : v) each(const_cast<T&>(item));
  }
  template <class T, class F>
  void optional(const std::optional<T>& v, F&& each) {
    bytes_ += 1;
    if (v) each(const_cast<T&>(*v));
  }
  void plan(const delta::GapPlan& v) {
    Bytes scratch;
    ByteWriter writer(scratch);
    delta::write_plan(writer, v);
    bytes_ += scratch.size();
  }
  template <class... T, class F>
  void variant(const std::variant<T...>& v, F&& each) {
    bytes_ += 1;
    std::visit([&](const auto& item) { each(const_cast<std::remove_cvref_t<decltype(item)>&>(item)); }, v);
  }

 private:
  std::size_t bytes_ = 0;
};

class Decoder {
 public:
  static constexpr bool decoding = true;
  explicit Decoder(ByteView in) : in_(in, "message") {}
  void fixed(std::uint32_t& v) { v = in_.u32(); }
  void fixed(std::uint64_t& v) { v = in_.u64(); }
  template <class T>
  void num(T& v) {
    if constexpr (std::is_enum_v<T>) {
      v = static_cast<T>(in_.varint_max(std::numeric_limits<std::underlying_type_t<T>>::max()));
    } else {
      v = static_cast<T>(in_.varint_max(std::numeric_limits<T>::max()));
    }
  }
  void signed_num(std::int64_t& v) { v = in_.svarint(); }
  void flag(bool& v) {
    const auto raw = in_.u8();
    if (raw > 1) in_.fail(Errc::malformed);
    v = raw == 1;
  }
  template <std::size_t N>
  void array(std::array<std::byte, N>& v) {
    v = in_.array<N>();
  }
  void digest(hash::Digest& v) { v.bytes = in_.array<hash::digest_bytes>(); }
  void blob(Bytes& v, std::size_t max) {
    const auto view = in_.blob(max);
    v.assign(view.begin(), view.end());
  }
  void text(std::string& v, std::size_t max) { v = in_.text(max); }
  template <class T, class F>
  void list(std::vector<T>& v, std::size_t max, F&& each) {
    const auto count = in_.varint_max(max);
    if (count > in_.remaining()) in_.fail(Errc::truncated);
    v.clear();
    for (std::uint64_t i = 0; i < count; ++i) each(v.emplace_back());
  }
  template <class T, class F>
  void optional(std::optional<T>& v, F&& each) {
    bool there = false;
    flag(there);
    v.reset();
    if (there) each(v.emplace());
  }
  void plan(delta::GapPlan& v) { v = delta::read_plan(in_); }
  template <class... T, class F>
  void variant(std::variant<T...>& v, F&& each) {
    const auto index = in_.u8();
    if (index >= sizeof...(T)) in_.fail(Errc::malformed);
    std::size_t k = 0;
    (void)((k++ == index ? (each(v.template emplace<T>()), true) : false) || ...);
  }
  void expect_done() { in_.expect_done(); }
  [[noreturn]] void fail(Errc code) { in_.fail(code); }

 private:
  ByteReader in_;
};

template <class A>
void path(A& a, std::string& v) {
  a.text(v, limits::path_bytes_max);
}

template <class A>
void file_type(A& a, fs::FileType& v) {
  a.num(v);
  if constexpr (A::decoding) {
    if (v < fs::FileType::regular || v > fs::FileType::block_device) a.fail(Errc::malformed);
  }
}

template <class A>
void fields(A& a, manifest::ChunkParams& v) {
  a.num(v.min_bytes), a.num(v.avg_bytes), a.num(v.max_bytes);
  if constexpr (A::decoding) {
    if (!v.is_valid()) a.fail(Errc::malformed);
  }
}
/// Whoever reads a length may take memory for it.
template <class A>
void chunk_length(A& a, std::uint32_t& v) {
  a.num(v);
  if constexpr (A::decoding) {
    if (v == 0) a.fail(Errc::malformed);
    if (v > limits::chunk_bytes_max) a.fail(Errc::limit_exceeded);
  }
}
template <class A>
void fields(A& a, fs::XattrPair& v) {
  a.text(v.name, limits::name_bytes_max);
  a.blob(v.value, limits::xattr_bytes_max);
}
template <class A>
void fields(A& a, Meta& v) {
  a.num(v.mode), a.num(v.uid), a.num(v.gid), a.signed_num(v.mtime_ns);
  a.list(v.xattrs, limits::xattr_count_max, [&](auto& x) { fields(a, x); });
}
template <class A>
void fields(A& a, Hello& v) {
  a.fixed(v.magic), a.num(v.version), a.num(v.features), a.array(v.replica_id);
}
template <class A>
void fields(A& a, Begin& v) {
  a.num(v.attributes), a.num(v.flags), a.digest(v.options), a.fixed(v.sum_key);
  path(a, v.backup_dir);
  a.optional(v.guess, [&](Hello& x) { fields(a, x); });
}
/// A number of bits, of which a field says whether it follows.
template <class A>
void drift_bits(A& a, EntryInfo& v) {
  constexpr std::uint8_t edited = 1, drifted = 2, absent = 4, left = 8;
  std::uint8_t bits = 0;
  if constexpr (!A::decoding) {
    bits = static_cast<std::uint8_t>((v.edited || v.deviates ? edited : 0) | (v.drifted ? drifted : 0) |
                                     (v.absent ? absent : 0) | (v.left_version != 0 ? left : 0));
  }
  a.num(bits);
  if constexpr (A::decoding) {
    if (bits >= 2 * left || (bits >= absent && (bits & drifted) == 0)) a.fail(Errc::malformed);
    v.edited = (bits & edited) != 0;
    v.drifted = (bits & drifted) != 0;
    v.absent = (bits & absent) != 0;
  }
  if ((bits & left) != 0) a.fixed(v.left_version);
}
template <class A>
void fields(A& a, EntryInfo& v) {
  a.text(v.name, limits::name_bytes_max);
  file_type(a, v.type);
  a.num(v.mode), a.num(v.uid), a.num(v.gid), a.num(v.size_bytes), a.signed_num(v.mtime_ns);
  bool xattrs = v.xattr_digest != hash::Digest{};
  a.flag(xattrs);
  if (xattrs) a.digest(v.xattr_digest);
  if (v.type == fs::FileType::symlink) a.text(v.link_target, limits::link_target_bytes_max);
  if (v.type == fs::FileType::char_device || v.type == fs::FileType::block_device)
    a.num(v.device_major), a.num(v.device_minor);
  if (v.type == fs::FileType::directory) a.digest(v.tree);
  if (v.type == fs::FileType::regular) a.num(v.link_group), a.fixed(v.content);
  drift_bits(a, v);
}
template <class A>
void fields(A& a, Roots& v) {
  a.digest(v.root);
  a.optional(v.agreed, [&](AgreedRoots& x) { a.digest(x.sender), a.digest(x.receiver); });
  a.flag(v.in_step), fields(a, v.root_entry);
}
template <class A>
void fields(A& a, ListRequest& v) {
  a.list(v.dirs, items_max, [&](std::string& x) { path(a, x); });
  a.flag(v.end);
}
template <class A>
void names(A& a, std::vector<std::string>& v) {
  a.list(v, items_max, [&](std::string& x) { a.text(x, limits::name_bytes_max); });
}
template <class A>
void fields(A& a, Listing& v) {
  path(a, v.dir);
  a.flag(v.partial);
  a.list(v.entries, items_max, [&](EntryInfo& x) { fields(a, x); });
  names(a, v.gone);
  names(a, v.unknown);
}
template <class A>
void fields(A&, Stirred&) {}
template <class A>
void fields(A&, ListEnd&) {}
template <class A>
void fields(A& a, ManifestRequest& v) {
  a.list(v.paths, items_max, [&](std::string& x) { path(a, x); });
}
template <class A>
void short_id(A& a, hash::Digest& v) {
  std::array<std::byte, hash::short_id_bytes> head{};
  std::copy_n(v.bytes.begin(), head.size(), head.begin());
  a.array(head);
  std::copy(head.begin(), head.end(), v.bytes.begin());
}
template <class A>
void fields(A& a, ManifestReply& v) {
  path(a, v.path);
  a.num(v.size_bytes), a.fixed(v.content), a.flag(v.more);
  fields(a, v.params);
  a.list(v.lengths, count_max, [&](std::uint32_t& x) { chunk_length(a, x); });
  a.list(v.repeats, count_max, [&](std::uint32_t& x) { a.num(x); });
  a.list(v.ids, count_max, [&](hash::Digest& x) { short_id(a, x); });
  if constexpr (A::decoding) {
    if (v.repeats.size() != v.lengths.size() || v.ids.size() != v.lengths.size()) a.fail(Errc::malformed);
  }
}

template <class A>
void fields(A& a, MakeDir& v) {
  path(a, v.path);
}
template <class A>
void fields(A& a, MakeSymlink& v) {
  path(a, v.path), a.text(v.target, limits::link_target_bytes_max), fields(a, v.meta);
}
template <class A>
void fields(A& a, MakeNode& v) {
  path(a, v.path), file_type(a, v.type), a.num(v.device_major), a.num(v.device_minor), fields(a, v.meta);
}
template <class A>
void fields(A& a, MakeLink& v) {
  path(a, v.path), path(a, v.existing);
}
template <class A>
void fields(A& a, WriteFile& v) {
  path(a, v.path), fields(a, v.meta), fields(a, v.params);
  a.list(v.lengths, count_max, [&](std::uint32_t& x) { chunk_length(a, x); });
  a.array(v.root);
  a.list(v.ids, count_max, [&](hash::ChunkId& x) { a.digest(x); });
  a.blob(v.content, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, SetMeta& v) {
  path(a, v.path), fields(a, v.meta);
}
template <class A>
void fields(A& a, Rename& v) {
  path(a, v.from), path(a, v.to);
}
template <class A>
void fields(A& a, Remove& v) {
  constexpr std::uint8_t directory = 1, keep = 2;
  path(a, v.path);
  auto bits = static_cast<std::uint8_t>((v.directory ? directory : 0) | (v.keep ? keep : 0));
  a.num(bits);
  if constexpr (A::decoding) {
    if (bits > (directory | keep)) a.fail(Errc::malformed);
    v.directory = (bits & directory) != 0;
    v.keep = (bits & keep) != 0;
  }
}
template <class A>
void fields(A& a, Batch& v) {
  a.list(v.ops, items_max, [&](Op& x) { a.variant(x, [&](auto& op) { fields(a, op); }); });
}

template <class A>
void fields(A& a, FileBegin& v) {
  a.num(v.file), path(a, v.path), a.num(v.size_bytes), fields(a, v.params);
  a.flag(v.has_base);
  if (v.has_base) a.num(v.base_bytes), a.fixed(v.base_content);
  a.num(v.matched_in_place_bytes), a.num(v.matched_moved_bytes), a.num(v.changed_bytes);
}
template <class A>
void fields(A& a, ChunkRef& v) {
  chunk_length(a, v.length_bytes), a.array(v.id);
}
template <class A>
void chunks(A& a, std::vector<ChunkRef>& v) {
  a.list(v, count_max, [&](ChunkRef& x) { fields(a, x); });
}
template <class A>
void fields(A& a, StepMatch& v) {
  a.num(v.old_offset), a.num(v.bytes);
}
template <class A>
void fields(A& a, StepZeros& v) {
  a.num(v.bytes);
}
template <class A>
void fields(A& a, StepData& v) {
  fields(a, v.chunk), a.blob(v.content, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, StepOther& v) {
  fields(a, v.chunk), path(a, v.path), a.num(v.offset);
}
template <class A>
void fields(A& a, StepGap& v) {
  a.num(v.old_offset), a.plan(v.plan), chunks(a, v.chunks);
}
template <class A>
void fields(A& a, StepPatch& v) {
  a.num(v.old_offset), a.num(v.old_bytes), chunks(a, v.chunks), a.blob(v.frame, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, StepLocal& v) {
  a.digest(v.id), a.blob(v.content, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, FileSteps& v) {
  a.num(v.file);
  a.list(v.steps, items_max, [&](Step& x) { a.variant(x, [&](auto& step) { fields(a, step); }); });
}
template <class A>
void fields(A& a, FileEnd& v) {
  a.num(v.file), a.flag(v.aborted), fields(a, v.meta), a.digest(v.root);
}
template <class A>
void fields(A& a, GapSums& v) {
  a.num(v.file), a.num(v.gap), a.num(v.round), a.blob(v.sums, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, GapMatches& v) {
  a.num(v.file), a.num(v.gap), a.blob(v.matches, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, GapDelta& v) {
  a.num(v.file), a.num(v.gap), a.blob(v.matches, limits::frame_bytes_max),
      a.blob(v.literals, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, ChunkRequest& v) {
  a.num(v.file), a.num(v.new_offset), chunk_length(a, v.length_bytes);
}
template <class A>
void fields(A& a, ChunkData& v) {
  a.num(v.file), a.num(v.new_offset), a.blob(v.content, limits::frame_bytes_max);
}
template <class A>
void fields(A& a, Flush& v) {
  a.num(v.token);
}
template <class A>
void fields(A& a, Ack& v) {
  a.num(v.token);
}
template <class A>
void fields(A& a, Failure& v) {
  path(a, v.path), a.num(v.code), a.flag(v.syncline_code), a.flag(v.retry),
      a.text(v.message, limits::path_bytes_max);
  a.optional(v.space, [&](Space& x) { a.num(x.needed_bytes), a.num(x.free_bytes); });
}
template <class A>
void fields(A& a, Left& v) {
  a.list(v.entries, items_max, [&](Left::Entry& x) { path(a, x.path), a.fixed(x.version); });
  a.flag(v.all);
}
template <class A>
void fields(A& a, Kept& v) {
  path(a, v.path), path(a, v.kept_as);
}
template <class A>
void fields(A& a, Finish& v) {
  a.flag(v.agree), a.flag(v.unanswered), a.digest(v.root);
}
template <class A>
void fields(A& a, Finished& v) {
  a.digest(v.root), a.flag(v.agreed), a.num(v.disk_written_bytes), a.num(v.content_read_bytes);
}
template <class A>
void fields(A& a, Fatal& v) {
  a.num(v.code), a.flag(v.syncline_code), a.text(v.message, limits::path_bytes_max);
}

template <class A>
void direction(A& a, Direction& v) {
  a.num(v);
  if constexpr (A::decoding) {
    if (v != Direction::push && v != Direction::pull) a.fail(Errc::malformed);
  }
}
template <class A>
void number(A& a, std::optional<std::uint32_t>& v) {
  a.optional(v, [&](std::uint32_t& x) { a.num(x); });
}
template <class A>
void number(A& a, std::optional<std::uint64_t>& v) {
  a.optional(v, [&](std::uint64_t& x) { a.num(x); });
}
template <class A>
void fields(A& a, PullOptions& v) {
  a.num(v.flags), number(a, v.uid), number(a, v.gid), number(a, v.max_delete);
  a.list(v.filters, items_max, [&](PullFilter& x) { a.flag(x.include), path(a, x.pattern); });
  a.optional(v.files_from, [&](std::vector<std::string>& x) {
    a.list(x, count_max, [&](std::string& one) { path(a, one); });
  });
  path(a, v.backup_dir), number(a, v.level);
  a.list(v.rates, limits::rate_slots_max,
         [&](RateSlot& x) { a.num(x.week_minute), a.num(x.bytes_per_second); });
  a.num(v.week_second);
  if constexpr (A::decoding) {
    const auto by_minute = [](const RateSlot& x, const RateSlot& y) {
      return x.week_minute >= y.week_minute;
    };
    if (std::ranges::adjacent_find(v.rates, by_minute) != v.rates.end()) a.fail(Errc::malformed);
    if (!v.rates.empty() && v.rates.back().week_minute >= week_minutes) a.fail(Errc::malformed);
    if (v.week_second >= week_minutes * 60U) a.fail(Errc::malformed);
  }
  a.list(v.others, limits::sources_max, [&](PullSource& x) {
    a.flag(x.contents), a.text(x.share, limits::name_bytes_max), path(a, x.path);
  });
}
template <class A>
void fields(A& a, PullRound& v) {
  a.flag(v.guards_deletes), a.flag(v.guards_changes), a.num(v.deleted);
  for (auto* list : {&v.changed, &v.created}) a.list(*list, count_max, [&](std::string& x) { path(a, x); });
  a.num(v.changed_more), a.array(v.source);
}
template <class A>
void fields(A& a, Open& v) {
  a.fixed(v.magic), a.num(v.version), a.num(v.features), direction(a, v.direction);
  a.text(v.share, limits::name_bytes_max), path(a, v.path);
  a.list(v.entries, limits::sources_max, [&](std::string& x) { a.text(x, limits::name_bytes_max); });
  a.num(v.flags), a.num(v.update), a.num(v.durability);
  a.optional(v.pull, [&](PullOptions& x) {
    fields(a, x);
    if ((v.flags & open_round) != 0) fields(a, x.round);
  });
}
template <class A>
void fields(A& a, Opened& v) {
  a.num(v.version), a.num(v.features), a.text(v.entry, limits::name_bytes_max);
  number(a, v.bytes_per_second);
}
template <class A>
void fields(A& a, Partials& v) {
  a.num(v.number);
  a.list(v.lengths, count_max, [&](std::uint32_t& x) { chunk_length(a, x); });
  a.list(v.offsets, count_max, [&](std::uint64_t& x) { a.num(x); });
  a.list(v.ids, count_max, [&](hash::Digest& x) { short_id(a, x); });
  if constexpr (A::decoding) {
    if (v.offsets.size() != v.lengths.size() || v.ids.size() != v.lengths.size()) a.fail(Errc::malformed);
  }
}
template <class A>
void fields(A& a, ChangeInfo& v) {
  a.text(v.itemized, limits::name_bytes_max), path(a, v.path), path(a, v.link_target);
  path(a, v.renamed_from), a.flag(v.edited);
}
template <class A>
void fields(A& a, ErrorInfo& v) {
  path(a, v.path), path(a, v.cause), path(a, v.next), a.num(v.exit_code), a.flag(v.at_destination);
}
template <class A>
void fields(A& a, NoticeInfo& v) {
  path(a, v.text);
}
template <class A>
void fields(A& a, ProgressInfo& v) {
  a.num(v.phase), a.num(v.files_scanned), a.num(v.files_done), a.num(v.files_total), a.num(v.bytes_done);
  a.num(v.bytes_total), a.num(v.matched_bytes);
}
template <class A>
void fields(A& a, HeldInfo& v) {
  a.flag(v.is_deletion), fields(a, v.change);
}
template <class A>
void fields(A& a, Event& v) {
  a.variant(v.what, [&](auto& x) { fields(a, x); });
}
template <class A>
void fields(A& a, RoundSummary& v) {
  a.num(v.deletions_held), a.num(v.changes_held), a.num(v.deletions_unnamed), a.num(v.changes_unnamed);
  a.array(v.source), a.flag(v.is_followed);
}
template <class A>
void summary_bits(A& a, Summary& v) {
  constexpr std::uint8_t limit_reached = 1, round = 2;
  std::uint8_t bits = 0;
  if constexpr (!A::decoding)
    bits = static_cast<std::uint8_t>((v.delete_limit_reached ? limit_reached : 0) | (v.round ? round : 0));
  a.num(bits);
  if constexpr (A::decoding) {
    if (bits >= 2 * round) a.fail(Errc::malformed);
    v.delete_limit_reached = (bits & limit_reached) != 0;
    if ((bits & round) != 0) v.round.emplace();
  }
}
template <class A>
void fields(A& a, Summary& v) {
  a.num(v.files_total), a.num(v.files_changed), a.num(v.files_deleted), a.num(v.files_renamed);
  a.num(v.bytes_total), a.num(v.bytes_changed), a.num(v.bytes_matched), a.num(v.bytes_literal);
  a.num(v.content_read_bytes), a.num(v.errors), a.num(v.exit_code), a.flag(v.in_step);
  summary_bits(a, v);
  if (v.round) fields(a, *v.round);
}

template <class A>
void fields(A& a, Pair& v) {
  a.array(v.proof);
}
template <class A>
void fields(A& a, Paired& v) {
  a.array(v.proof), a.text(v.share, limits::name_bytes_max), a.num(v.right);
}

template <class A>
void fields(A& a, Owner& v) {
  a.num(v.id), a.text(v.name, limits::name_bytes_max), a.num(v.expected), a.flag(v.settable);
}
template <class A>
void fields(A& a, Owners& v) {
  for (auto* list : {&v.users, &v.groups}) {
    a.list(*list, limits::owners_max, [&](Owner& x) { fields(a, x); });
    if constexpr (A::decoding) {
      const auto by_id = [](const Owner& x, const Owner& y) { return x.id >= y.id; };
      if (std::ranges::adjacent_find(*list, by_id) != list->end()) a.fail(Errc::malformed);
    }
  }
}
template <class A>
void fields(A& a, OwnerIds& v) {
  a.list(v.users, limits::owners_max, [&](std::uint32_t& x) { a.num(x); });
  a.list(v.groups, limits::owners_max, [&](OwnerIds::Group& x) { a.num(x.id), a.flag(x.settable); });
}

template <std::size_t K = 0>
Message decode_index(std::size_t index, ByteView payload) {
  if constexpr (K < std::variant_size_v<Message>) {
    if (index != K) return decode_index<K + 1>(index, payload);
    Decoder in(payload);
    std::variant_alternative_t<K, Message> message;
    fields(in, message);
    in.expect_done();
    return message;
  } else {
    throw Error(Errc::unsupported, "message type " + std::to_string(index + 1));
  }
}

}  // namespace

std::string partial_path(std::uint32_t number) { return ".syncline/partial/" + std::to_string(number); }

MessageType type_of(const Message& message) { return static_cast<MessageType>(message.index() + 1); }

const char* name_of(MessageType type) {
  static constexpr const char* names[] = {"none",           "hello",      "begin",       "roots",
                                          "list request",   "listing",    "list end",    "manifest request",
                                          "manifest reply", "batch",      "file begin",  "file steps",
                                          "file end",       "gap sums",   "gap matches", "gap delta",
                                          "chunk request",  "chunk data", "flush",       "ack",
                                          "failure",        "finish",     "finished",    "fatal",
                                          "open",           "opened",     "partials",    "event",
                                          "summary",        "pair",       "paired",      "owners",
                                          "owner ids",      "stirred",    "left",        "kept"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(names) ? names[index] : "unknown";
}

std::size_t encoded_bytes(const Message& message) {
  Measurer measurer;
  std::visit([&](const auto& m) { fields(measurer, const_cast<std::remove_cvref_t<decltype(m)>&>(m)); },
             message);
  if (measurer.bytes() > limits::frame_bytes_max)
    throw Error(Errc::limit_exceeded, std::string(name_of(type_of(message))) + " message");
  return measurer.bytes();
}

std::size_t encoded_bytes(const Op& op) {
  Measurer measurer;
  measurer.variant(op, [&](auto& one) { fields(measurer, one); });
  return measurer.bytes();
}

void encode_to(Bytes& out, const Message& message) {
  Encoder encoder(out);
  std::visit([&](const auto& m) { fields(encoder, const_cast<std::remove_cvref_t<decltype(m)>&>(m)); },
             message);
}

Bytes encode(const Message& message) {
  Bytes out;
  out.reserve(encoded_bytes(message));
  encode_to(out, message);
  return out;
}

Message decode(MessageType type, ByteView payload) {
  if (payload.size() > limits::frame_bytes_max) throw Error(Errc::limit_exceeded, "message");
  return decode_index(static_cast<std::size_t>(type) - 1, payload);
}

}  // namespace syncline::wire
