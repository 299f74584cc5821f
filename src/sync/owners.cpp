// SPDX-License-Identifier: Apache-2.0
// Collecting ids, asking for names, and the map that comes of it.
#include "sync/owners.hpp"

#include <set>

#include "base/limits.hpp"

namespace syncline::sync {
namespace {

struct Ids {
  std::set<std::uint32_t> users;
  std::set<std::uint32_t> groups;
};

Ids ids_in(const Tree& tree) {
  Ids out;
  // Neighbours mostly have the same owner: the sets are asked only where it changes.
  std::uint32_t uid = tree.root_stat.uid, gid = tree.root_stat.gid;
  out.users.insert(uid), out.groups.insert(gid);
  for_each_dir(*tree.root, [&](const DirNode& node) {
    for (const Entry& entry : node.entries) {
      if (entry.uid != uid) out.users.insert(uid = entry.uid);
      if (entry.gid != gid) out.groups.insert(gid = entry.gid);
    }
  });
  return out;
}

wire::Owner owner(std::uint32_t id, std::optional<std::string> name) {
  wire::Owner out;
  out.id = id;
  if (id != 0 && name && name->size() <= limits::name_bytes_max) out.name = std::move(*name);
  return out;
}

bool is_name(const std::string& text) { return !text.empty() && text.find('\0') == text.npos; }

}  // namespace

wire::Owners owners_of(const Tree& tree, const IdentityRules& rules, const Accounts& accounts,
                       const OwnerQuestion& question) {
  Ids ids;
  if ((question.users && !rules.uid) || (question.groups && !rules.gid)) ids = ids_in(tree);
  wire::Owners out;
  if (question.users && !rules.uid) {
    for (const auto uid : ids.users) {
      if (out.users.size() == limits::owners_max) break;
      auto& one =
          out.users.emplace_back(owner(uid, question.by_name ? accounts.user_name(uid) : std::nullopt));
      one.expected = rules.owners.user(uid);
    }
  }
  if (question.groups) {
    if (rules.gid) ids.groups = {*rules.gid};
    for (const auto gid : ids.groups) {
      if (out.groups.size() == limits::owners_max) break;
      const bool by_name = question.by_name && !rules.gid;
      auto& one = out.groups.emplace_back(owner(gid, by_name ? accounts.group_name(gid) : std::nullopt));
      one.expected = rules.owners.group(gid);
      one.settable = rules.owners.is_settable(gid);
    }
  }
  return out;
}

wire::OwnerIds ids_of(const wire::Owners& owners, const Accounts& accounts, bool privileged) {
  wire::OwnerIds out;
  for (const auto& user : owners.users) {
    const auto found = is_name(user.name) ? accounts.user_id(user.name) : std::nullopt;
    out.users.push_back(found.value_or(user.id));
  }
  for (const auto& group : owners.groups) {
    const auto found = is_name(group.name) ? accounts.group_id(group.name) : std::nullopt;
    const auto gid = found.value_or(group.id);
    const bool settable = privileged || accounts.is_member(gid);
    out.groups.push_back({settable ? gid : accounts.own_group(), settable});
  }
  return out;
}

bool as_expected(const wire::Owners& owners, const wire::OwnerIds& ids) {
  const auto same_user = [](const wire::Owner& user, std::uint32_t id) { return user.expected == id; };
  const auto same_group = [](const wire::Owner& group, const wire::OwnerIds::Group& id) {
    return group.expected == id.id && group.settable == id.settable;
  };
  return std::ranges::equal(owners.users, ids.users, same_user) &&
         std::ranges::equal(owners.groups, ids.groups, same_group);
}

void take_ids(OwnerMap& map, const wire::Owners& owners, const wire::OwnerIds& ids) {
  if (ids.users.size() != owners.users.size() || ids.groups.size() != owners.groups.size())
    throw Error(Errc::protocol, "owner ids that nobody asked for");
  for (std::size_t i = 0; i < ids.users.size(); ++i) map.set_user(owners.users[i].id, ids.users[i]);
  for (std::size_t i = 0; i < ids.groups.size(); ++i)
    map.set_group(owners.groups[i].id, {ids.groups[i].id, ids.groups[i].settable});
}

Bytes encode_owners(const OwnerMap& map) {
  wire::Owners out;
  for (const auto& [id, there] : map.users()) out.users.push_back({id, "", there, true});
  for (const auto& [id, there] : map.groups()) out.groups.push_back({id, "", there.id, there.settable});
  return wire::encode(out);
}

OwnerMap decode_owners(ByteView coded) {
  OwnerMap out;
  try {
    const auto owners = std::get<wire::Owners>(wire::decode(wire::MessageType::owners, coded));
    for (const auto& user : owners.users) out.set_user(user.id, user.expected);
    for (const auto& group : owners.groups) out.set_group(group.id, {group.expected, group.settable});
  } catch (const Error&) {
    return {};  // of another version
  }
  return out;
}

}  // namespace syncline::sync
