// SPDX-License-Identifier: Apache-2.0
// Which message may follow which: the protocol's state machine, without any I/O.
#pragma once

#include "wire/messages.hpp"

namespace syncline::wire {

enum class Role { sender, receiver };

/// Watches one end of a session. Both directions pass through it; a message that is not allowed
/// in the present phase throws Error(Errc::protocol) naming it.
///
///   hello <-> hello, begin ->, roots ->, <- roots (+ drift listings + list end),
///   then listing (sender asks, receiver answers), then transfer, then finish -> <- finished.
class Conversation {
 public:
  explicit Conversation(Role role) : role_(role) {}

  void sent(MessageType type) { step(role_, type); }
  void received(MessageType type) { step(role_ == Role::sender ? Role::receiver : Role::sender, type); }
  bool over() const { return phase_ == Phase::over; }

 private:
  enum class Phase { hello, begin, roots, drift, transfer, finishing, over };
  void step(Role from, MessageType type);
  bool allowed(Role from, MessageType type) const;

  Role role_;
  Phase phase_ = Phase::hello;
  bool sender_root_ = false;
  unsigned hellos_ = 0;  ///< bit 0: the sender's, bit 1: the receiver's
};

}  // namespace syncline::wire
