// SPDX-License-Identifier: Apache-2.0
// The table behind Conversation.
#include "wire/conversation.hpp"

#include <string>

namespace syncline::wire {

bool Conversation::allowed(Role from, MessageType type) const {
  using T = MessageType;
  const bool sender = from == Role::sender;
  if (type == T::fatal) return phase_ != Phase::over;
  switch (phase_) {
    case Phase::hello: return type == T::hello && (hellos_ & (sender ? 1u : 2u)) == 0;
    case Phase::begin: return sender && type == T::begin;
    case Phase::roots: return type == T::roots && sender == !sender_root_;
    case Phase::drift: return !sender && (type == T::listing || type == T::list_end);
    case Phase::transfer:
      if (sender)
        return type == T::list_request || type == T::manifest_request || type == T::batch ||
               type == T::file_begin || type == T::file_steps || type == T::file_end ||
               type == T::gap_matches || type == T::gap_delta || type == T::chunk_data || type == T::flush ||
               type == T::finish;
      return type == T::listing || type == T::list_end || type == T::manifest_reply || type == T::gap_sums ||
             type == T::chunk_request || type == T::ack || type == T::failure;
    case Phase::finishing: return !sender && (type == T::finished || type == T::failure || type == T::ack);
    case Phase::over: return false;
  }
  return false;
}

void Conversation::step(Role from, MessageType type) {
  if (!allowed(from, type)) {
    throw Error(Errc::protocol, std::string("message '") + name_of(type) + "' from the " +
                                    (from == Role::sender ? "sender" : "receiver"));
  }
  using T = MessageType;
  switch (type) {
    case T::hello:
      hellos_ |= from == Role::sender ? 1u : 2u;
      if (hellos_ == 3) phase_ = Phase::begin;
      break;
    case T::begin: phase_ = Phase::roots; break;
    case T::roots:
      if (sender_root_) phase_ = Phase::drift;
      sender_root_ = true;
      break;
    case T::list_end:
      if (phase_ == Phase::drift) phase_ = Phase::transfer;
      break;
    case T::finish: phase_ = Phase::finishing; break;
    case T::finished:
    case T::fatal: phase_ = Phase::over; break;
    default: break;
  }
}

}  // namespace syncline::wire
