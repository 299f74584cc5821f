// SPDX-License-Identifier: Apache-2.0
// What a replica remembers of the other sides.
#include <algorithm>

#include "sync/owners.hpp"
#include "sync/replica.hpp"

namespace syncline::sync {

std::optional<state::Agreement> Replica::agreement(const std::string& peer, const hash::Digest& options) {
  auto found = database_->agreement(peer);
  const auto records = database_->value("records");
  if (!found || !records || found->options != options || !std::ranges::equal(*records, found->own_root.bytes))
    return std::nullopt;
  return found;
}

void Replica::save_agreement(const std::string& peer, const state::Agreement& agreement) {
  writer().put_agreement(peer, agreement);
}

void Replica::forget_agreement(const std::string& peer) { writer().erase_agreement(peer); }

Likeness Replica::likeness(const std::string& peer) {
  const auto coded = database_->value("likeness " + peer);
  if (!coded || coded->size() != 1) return Likeness::unknown;
  return static_cast<Likeness>(std::to_integer<std::uint8_t>(coded->front()));
}

void Replica::set_likeness(const std::string& peer, Likeness likeness) {
  if (this->likeness(peer) != likeness)
    writer().put_value("likeness " + peer, Bytes(1, static_cast<std::byte>(likeness)));
}

std::optional<wire::Hello> Replica::last_peer(const std::string& label) {
  const auto coded = database_->value("peer " + label);
  if (!coded) return std::nullopt;
  try {
    return std::get<wire::Hello>(wire::decode(wire::MessageType::hello, *coded));
  } catch (const Error&) {
    return std::nullopt;  // of another version
  }
}

void Replica::save_last_peer(const std::string& label, const wire::Hello& peer) {
  writer().put_value("peer " + label, wire::encode(peer));
}

OwnerMap Replica::owners_there(const std::string& peer) {
  const auto coded = database_->value("owners " + peer);
  return coded ? decode_owners(*coded) : OwnerMap{};
}

void Replica::save_owners_there(const std::string& peer, const OwnerMap& owners) {
  writer().put_value("owners " + peer, encode_owners(owners));
}

bool Replica::has_heard_of_hidden(const std::string& peer) {
  const auto count = hidden_ ? hidden_ : database_->value("hidden");
  return !count || database_->value("hidden " + peer) == count;
}

void Replica::note_heard_of_hidden(const std::string& peer) {
  if (has_heard_of_hidden(peer)) return;
  writer().put_value("hidden " + peer, hidden_ ? *hidden_ : *database_->value("hidden"));
}

}  // namespace syncline::sync
