// SPDX-License-Identifier: Apache-2.0
// What both roles of a session share: taking messages, digests of options, roots.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "sync/replica.hpp"
#include "syncline/copy.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

/// Of the directory at a replica's root that is ours and takes no part.
inline constexpr const char* area_name = ".syncline";

/// The next message; throws Error(disconnected) when the other side is gone, and what it said when it gave
/// up.
wire::Message expect_message(wire::Channel& channel);
[[noreturn]] void throw_fatal(const wire::Fatal& fatal);
/// Tells the other side, if it still listens.
/// Context of an Errc::changed of the receiver, who was sent other content than it was promised.
inline constexpr const char* changed_at_sender = "source";

void tell_fatal(wire::Channel& channel, const std::exception& error) noexcept;
void tell_fatal(wire::Channel& channel, const std::exception_ptr& error) noexcept;
wire::Fatal fatal_of(const std::exception& error);

/// The disk is full, or may not be written to: a person has to do something where that disk is.
bool is_about_disk(const Error& error);
/// An error about the disk with what a person elsewhere cannot know: whose disk that is, and how much is free
/// on it. Others as they are. `place`: "share 'NAME'"; empty where the person sits in front of it.
std::exception_ptr located(const std::exception_ptr& error, const std::string& place, const fs::Dir& root);
/// What the person is told of an entry that the receiver could not write. `place` as the person calls it;
/// empty: on this machine.
ErrorEvent failure_event(const wire::Failure& failure, const std::string& place);

/// What `step` throws, or nothing. The exception has left its handler by then, so that whoever hands it to
/// another thread can do so for good: were both to hold it, the last of them would free what the other had
/// just read, in an order that only libstdc++ knows.
template <class Step>
std::exception_ptr failure_of(Step&& step) noexcept {
  try {
    step();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// Whoever fails closes the connection, and what others then meet says no more than that. Of equals `one`;
/// nothing if there is neither.
std::exception_ptr first_cause(const std::exception_ptr& one, const std::exception_ptr& other);

/// What the other side said before it closed the connection, if it gave up: when sending failed, that is the
/// cause. Does not wait.
std::exception_ptr last_words(wire::Channel& channel);

/// The connection broke, or the other side went away in the middle of a frame: trying again may help, and
/// what has arrived is worth keeping.
bool is_lost_link(const Error& error);

/// Not the failure of one entry: there is no going on with the others.
bool ends_session(const Error& error);

template <class T>
T take(wire::Message message) {
  if (auto* wanted = std::get_if<T>(&message)) return std::move(*wanted);
  throw Error(Errc::protocol,
              std::string("unexpected message '") + wire::name_of(wire::type_of(message)) + "'");
}

/// A path in the replica. Throws what RelPath::parse() throws, and Error(protocol) for one in our own area,
/// which takes no part.
RelPath path_of_peer(const std::string& text);

/// Both throw Error(unsupported) for another protocol or version.
void check_hello(const wire::Hello& hello);
/// What the server asks for counts on `channel` from now on.
void take_terms(wire::Channel& channel, const wire::Opened& opened);
std::string hash_hex(const std::array<std::byte, 16>& id);

/// Where a copy keeps what drifted: a backup directory keeps all that is replaced already.
DriftKeep kept_drift(const CopyOptions& options);

/// Digest of all that decides what "in step" means: an agreement holds only under equal options.
hash::Digest digest_of_options(const CopyOptions& options, const Selector* selector,
                               const IdentityRules& rules);
/// What the sender files its agreement under: the files of rules that its scan found count too, and only the
/// sender knows them. An agreement does not tell what the other side has of what they left out.
hash::Digest digest_of_agreement(const hash::Digest& options, const Selector* selector);

/// The root digest after the tree in memory was edited.
hash::Digest refreshed_root(Replica& replica, const IdentityRules& rules);

}  // namespace syncline::sync
