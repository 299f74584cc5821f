// SPDX-License-Identifier: Apache-2.0
// The fields of file_messages.hpp.
#pragma once

#include "wire/coding.hpp"
#include "wire/file_messages.hpp"
#include "wire/tree_fields.hpp"

namespace syncline::wire::coding {

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

}  // namespace syncline::wire::coding
