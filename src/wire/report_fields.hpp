// SPDX-License-Identifier: Apache-2.0
// The fields of report_messages.hpp.
#pragma once

#include "wire/coding.hpp"
#include "wire/report_messages.hpp"

namespace syncline::wire::coding {

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
  constexpr std::uint8_t limit_reached = 1, round = 2, mounted = 4;
  std::uint8_t bits = 0;
  if constexpr (!A::decoding)
    bits = static_cast<std::uint8_t>((v.delete_limit_reached ? limit_reached : 0) | (v.round ? round : 0) |
                                     (v.mounts ? mounted : 0));
  a.num(bits);
  if constexpr (A::decoding) {
    if (bits >= 2 * mounted) a.fail(Errc::malformed);
    v.delete_limit_reached = (bits & limit_reached) != 0;
    if ((bits & round) != 0) v.round.emplace();
    if ((bits & mounted) != 0) v.mounts.emplace();
  }
}

template <class A>
void fields(A& a, Summary& v) {
  a.num(v.files_total), a.num(v.files_changed), a.num(v.files_deleted), a.num(v.files_renamed);
  a.num(v.bytes_total), a.num(v.bytes_changed), a.num(v.bytes_matched), a.num(v.bytes_literal);
  a.num(v.content_read_bytes), a.num(v.errors), a.num(v.exit_code), a.flag(v.in_step);
  summary_bits(a, v);
  if (v.round) fields(a, *v.round);
  if (v.mounts) paths(a, v.mounts->now), path(a, v.mounts->missing);
}

}  // namespace syncline::wire::coding
