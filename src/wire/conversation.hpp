// SPDX-License-Identifier: Apache-2.0
// Which message may follow which: the protocol's state machine, without any I/O.
#pragma once

#include <optional>

#include "wire/messages.hpp"

namespace syncline::wire {

enum class Role { sender, receiver };

/// Watches one end of a session. Both directions pass through it; a message that is not allowed
/// in the present phase throws Error(Errc::protocol) naming it.
///
///   over a network first: open (client) ->, <- opened (server); the client need not wait for it;
///   or pair ->, <- paired, and that is all
///   hello from both, begin ->, roots ->, <- roots (+ partials, drift listings, list end),
///   then listing (sender asks, receiver answers), then transfer, then finish -> <- finished.
///   The sender may begin once more as long as it has heard no roots, if it began under a wrong guess of
///   who the receiver is. Where the server is the sender, it tells events in between, and a summary at the
///   end. As long as no open was answered it may tell that something stirred.
class Conversation {
 public:
  /// Both ends know their roles: inside a process.
  explicit Conversation(Role role) : role_(role) {}
  /// The client's end of a connection.
  static Conversation asking(Role role);
  /// The server's end: what it is to be comes with the open.
  static Conversation answering();

  void sent(MessageType type) { step(true, type); }
  void received(MessageType type) { step(false, type); }
  /// Of the answering end, after an open was received.
  void take_role(Role role) { role_ = role; }
  std::optional<Role> role() const { return role_; }
  /// Between two sessions, until the next one is opened.
  bool may_stir() const {
    return end_ != End::none && phase_ != Phase::over && phase_ != Phase::pairing && !opened_;
  }
  bool over() const { return phase_ == Phase::over; }
  /// A finish that wants no answer was sent or received.
  void finish_unanswered() { end(); }

 private:
  /// What is awaited; `answer`: the receiver's roots.
  enum class Phase { open, pairing, hello, begin, roots, answer, drift, transfer, finishing, summary, over };
  enum class End { none, asking, answering };
  void step(bool ours, MessageType type);
  bool allowed(bool ours, MessageType type) const;
  bool allowed_to_sender(MessageType type) const;
  bool allowed_to_receiver(MessageType type) const;
  void move_on(MessageType type);
  void end() { phase_ = server_sends() ? Phase::summary : Phase::over; }
  bool is_from_client(bool ours) const { return ours == (end_ == End::asking); }
  bool is_from_sender(bool ours) const { return ours == (role_ == Role::sender); }
  bool server_sends() const {
    return end_ != End::none && (role_ == Role::sender) == (end_ == End::answering);
  }

  std::optional<Role> role_;
  End end_ = End::none;
  Phase phase_ = Phase::hello;
  bool opened_ = true;
  bool receiver_hello_ = false;
};

}  // namespace syncline::wire
