// SPDX-License-Identifier: Apache-2.0
// The fields of session_messages.hpp, in the order of docs/format/wire.md.
#pragma once

#include <algorithm>

#include "wire/coding.hpp"
#include "wire/session_messages.hpp"

namespace syncline::wire::coding {

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

template <class A>
void direction(A& a, Direction& v) {
  a.num(v);
  if constexpr (A::decoding) {
    if (v != Direction::push && v != Direction::pull) a.fail(Errc::malformed);
  }
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
    if ((v.flags & open_mounts) != 0) paths(a, x.round.mounts);
  });
}

template <class A>
void fields(A& a, Opened& v) {
  a.num(v.version), a.num(v.features), a.text(v.entry, limits::name_bytes_max);
  number(a, v.bytes_per_second);
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

template <class A>
void fields(A&, Stirred&) {}

}  // namespace syncline::wire::coding
