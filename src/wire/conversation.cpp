// SPDX-License-Identifier: Apache-2.0
// The table behind Conversation.
#include "wire/conversation.hpp"

#include <string>

namespace syncline::wire {

Conversation Conversation::asking(Role role) {
  Conversation out(role);
  out.end_ = End::asking;
  out.phase_ = Phase::open;
  out.opened_ = false;
  return out;
}

Conversation Conversation::answering() {
  Conversation out(Role::receiver);
  out.role_.reset();
  out.end_ = End::answering;
  out.phase_ = Phase::open;
  out.opened_ = false;
  return out;
}

bool Conversation::allowed_to_sender(MessageType type) const {
  using T = MessageType;
  switch (phase_) {
    case Phase::hello: return type == T::hello;
    case Phase::begin:
    case Phase::answer: return type == T::begin;
    case Phase::roots: return type == T::owners || type == T::roots;
    case Phase::transfer:
      return type == T::list_request || type == T::manifest_request || type == T::batch ||
             type == T::file_begin || type == T::file_steps || type == T::file_end ||
             type == T::gap_matches || type == T::gap_delta || type == T::chunk_data || type == T::flush ||
             type == T::left || type == T::finish;
    case Phase::summary: return type == T::summary;
    default: return false;
  }
}

bool Conversation::allowed_to_receiver(MessageType type) const {
  using T = MessageType;
  if (!receiver_hello_) return type == T::hello && phase_ <= Phase::answer;
  switch (phase_) {
    case Phase::answer: return type == T::roots || type == T::owner_ids;
    case Phase::drift: return type == T::partials || type == T::listing || type == T::list_end;
    case Phase::transfer:
      return type == T::listing || type == T::list_end || type == T::manifest_reply || type == T::gap_sums ||
             type == T::chunk_request || type == T::ack || type == T::failure || type == T::kept;
    case Phase::finishing:
      return type == T::finished || type == T::failure || type == T::ack || type == T::kept;
    default: return false;
  }
}

bool Conversation::allowed(bool ours, MessageType type) const {
  using T = MessageType;
  if (phase_ == Phase::over) return false;
  if (type == T::stirred) return may_stir() && !is_from_client(ours);
  if (type == T::fatal) return true;
  if (type == T::open || type == T::pair) return phase_ == Phase::open && is_from_client(ours);
  if (phase_ == Phase::pairing) return type == T::paired && !is_from_client(ours);
  if (phase_ == Phase::open) return false;
  if (!opened_ && !is_from_client(ours)) return type == T::opened;
  if (type == T::event) return end_ != End::none && !is_from_client(ours) && phase_ >= Phase::hello;
  // A client that pulls tells its person itself; a server would only say it again, to the same client.
  if (type == T::kept && end_ != End::none && is_from_client(ours)) return false;
  return is_from_sender(ours) ? allowed_to_sender(type) : allowed_to_receiver(type);
}

void Conversation::step(bool ours, MessageType type) {
  if (!allowed(ours, type)) {
    const char* side = end_ != End::none && !role_ ? (is_from_client(ours) ? "client" : "server")
                       : is_from_sender(ours)      ? "sender"
                                                   : "receiver";
    throw Error(Errc::protocol, std::string("message '") + name_of(type) + "' from the " + side);
  }
  if (type == MessageType::hello && !is_from_sender(ours)) receiver_hello_ = true;
  else move_on(type);
}

void Conversation::move_on(MessageType type) {
  using T = MessageType;
  switch (type) {
    case T::open: phase_ = Phase::hello; break;
    case T::opened: opened_ = true; break;
    case T::pair: phase_ = Phase::pairing; break;
    case T::hello: phase_ = Phase::begin; break;
    case T::begin: phase_ = Phase::roots; break;
    case T::roots: phase_ = phase_ == Phase::roots ? Phase::answer : Phase::drift; break;
    case T::list_end:
      if (phase_ == Phase::drift) phase_ = Phase::transfer;
      break;
    case T::finish: phase_ = Phase::finishing; break;
    case T::finished: end(); break;
    case T::summary:
    case T::paired:
    case T::fatal: phase_ = Phase::over; break;
    default: break;
  }
}

}  // namespace syncline::wire
