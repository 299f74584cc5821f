// SPDX-License-Identifier: Apache-2.0
// Shared pieces of a session.
#include "sync/session.hpp"

#include <algorithm>
#include <cerrno>

namespace syncline::sync {
namespace {

/// How likely it is that another error, here or there, caused this one.
int distance_from_cause(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return known.is(Errc::disconnected) ? 2 : known.is(Errc::protocol) ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

}  // namespace

void throw_fatal(const wire::Fatal& fatal) {
  if (fatal.syncline_code) throw Error(static_cast<Errc>(fatal.code), fatal.message);
  throw Error(static_cast<int>(fatal.code), fatal.message);
}

wire::Fatal fatal_of(const std::exception& error) {
  wire::Fatal out;
  if (const auto* known = dynamic_cast<const Error*>(&error)) {
    out.syncline_code = known->code().category() == syncline_category();
    out.code = static_cast<std::uint32_t>(known->code().value());
    out.message = known->context();
  } else {
    out.syncline_code = true;
    out.code = static_cast<std::uint32_t>(Errc::protocol);
    out.message = error.what();
  }
  return out;
}

bool is_about_disk(const Error& error) {
  return error.is_errno(ENOSPC) || error.is_errno(EDQUOT) || error.is_errno(EROFS);
}

std::exception_ptr located(const std::exception_ptr& error, const std::string& place, const fs::Dir& root) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    if (!is_about_disk(known)) return error;
    auto context = known.context();
    if (!place.empty()) context += (context.empty() ? "" : " in ") + place;
    try {
      if (known.is_errno(ENOSPC))
        context += " (" + std::to_string(root.free_bytes()) + " bytes are free in the destination)";
    } catch (const Error&) {
      // A disk that does not tell even that: the cause is known without it.
    }
    return std::make_exception_ptr(Error(known.code().value(), context));
  } catch (...) {
    return error;
  }
}

ErrorEvent failure_event(const wire::Failure& failure, const std::string& place) {
  const auto code = failure.syncline_code
                        ? make_error_code(static_cast<Errc>(failure.code))
                        : std::error_code(static_cast<int>(failure.code), std::generic_category());
  ErrorEvent event;
  event.path = failure.path;
  event.side = "destination";
  event.cause = failure.message.empty() ? code.message() : failure.message;
  event.next = "the old version is kept; the next run tries again";
  if (failure.syncline_code && failure.message == Error(Errc::changed, changed_at_sender).what()) {
    event.side = "source";
    event.cause = "changed while it was read";
  }
  const Error error = failure.syncline_code ? Error(static_cast<Errc>(failure.code), "")
                                            : Error(static_cast<int>(failure.code), "");
  if (!is_about_disk(error)) return event;
  if (!place.empty()) event.cause += " in " + place;
  if (const auto& space = failure.space) {
    const auto missing = space->needed_bytes - std::min(space->needed_bytes, space->free_bytes);
    event.cause += ": " + std::to_string(space->needed_bytes) + " bytes are needed, " +
                   std::to_string(space->free_bytes) + " are free";
    if (missing != 0) event.cause += ", " + std::to_string(missing) + " are missing";
  }
  event.next = error.is_errno(EROFS) ? "make it writable there and run again; what was finished is kept"
                                     : "make room there and run again; the old version and what was finished "
                                       "are kept";
  return event;
}

void tell_fatal(wire::Channel& channel, const std::exception& error) noexcept {
  try {
    channel.send(fatal_of(error));
    channel.flush();
  } catch (const std::exception&) {
    // The other side is gone already; our own error is the one to tell.
  }
}

void tell_fatal(wire::Channel& channel, const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& cause) {
    tell_fatal(channel, cause);
  } catch (...) {
    // Nothing throws anything else; the connection is closed in any case.
  }
}

std::exception_ptr first_cause(const std::exception_ptr& one, const std::exception_ptr& other) {
  if (!one || !other) return one ? one : other;
  return distance_from_cause(one) <= distance_from_cause(other) ? one : other;
}

std::exception_ptr last_words(wire::Channel& channel) {
  try {
    while (channel.has_input()) {
      const auto message = channel.receive();
      if (!message) break;
      if (const auto* fatal = std::get_if<wire::Fatal>(&*message)) throw_fatal(*fatal);
    }
    return nullptr;
  } catch (const Error& error) {
    return error.is(Errc::disconnected) || error.is(Errc::protocol) ? nullptr : std::current_exception();
  }
}

bool is_lost_link(const Error& error) {
  if (error.is(Errc::disconnected) || error.is(Errc::truncated)) return true;
  constexpr int numbers[] = {ETIMEDOUT,   ECONNRESET,   EPIPE,     ECONNABORTED, ENETDOWN,
                             ENETUNREACH, EHOSTUNREACH, EHOSTDOWN, ENETRESET};
  return std::ranges::any_of(numbers, [&](int number) { return error.is_errno(number); });
}

bool ends_session(const Error& error) {
  return error.is(Errc::cancelled) || error.is(Errc::disconnected) || error.is(Errc::protocol);
}

wire::Message expect_message(wire::Channel& channel) {
  auto message = channel.receive();
  if (!message) throw Error(Errc::disconnected, "the other side");
  if (const auto* fatal = std::get_if<wire::Fatal>(&*message)) throw_fatal(*fatal);
  return std::move(*message);
}

RelPath path_of_peer(const std::string& text) {
  auto path = RelPath::parse(text);
  if (text == area_name || text.starts_with(area_name + std::string("/")))
    throw Error(Errc::protocol, "path '" + escape_name(text) + "'");
  return path;
}

void check_hello(const wire::Hello& hello) {
  if (hello.magic != wire::protocol_magic)
    throw Error(Errc::unsupported, "the other side does not speak syncline's protocol");
  if (hello.version != wire::protocol_version)
    throw Error(Errc::unsupported,
                "protocol version " + std::to_string(hello.version) + " of the other side");
}

void take_terms(wire::Channel& channel, const wire::Opened& opened) {
  if (opened.version != wire::protocol_version)
    throw Error(Errc::unsupported, "protocol version " + std::to_string(opened.version) + " of the server");
  channel.set_rate_ceiling(opened.bytes_per_second);
}

std::string hash_hex(const std::array<std::byte, 16>& id) {
  hash::Digest padded;
  std::copy(id.begin(), id.end(), padded.bytes.begin());
  return padded.hex().substr(0, 32);
}

DriftKeep kept_drift(const CopyOptions& options) {
  return options.backup_dir ? DriftKeep::none : options.drift_keep;
}

hash::Digest digest_of_options(const CopyOptions& options, const Selector* selector,
                               const IdentityRules& rules) {
  Bytes coded;
  ByteWriter out(coded);
  out.u32(rules.attributes);
  out.u64(rules.uid ? *rules.uid + 1ULL : 0);
  out.u64(rules.gid ? *rules.gid + 1ULL : 0);
  rules.owners.write(out);
  const bool flags[] = {options.recursive, options.links,        options.devices,         options.update_only,
                        options.checksum,  options.delete_extra, options.one_file_system, options.gitignore};
  for (const bool flag : flags) out.u8(flag ? 1 : 0);
  out.text(selector != nullptr ? selector->description : "");
  if (options.drift != Drift::heal) out.u8(static_cast<std::uint8_t>(options.drift));
  return hash::blake3(coded);
}

hash::Digest digest_of_agreement(const hash::Digest& options, const Selector* selector) {
  const auto files = selector != nullptr ? selector->rules_digest() : std::nullopt;
  if (!files) return options;
  Bytes coded;
  ByteWriter out(coded);
  out.bytes(options.bytes);
  out.bytes(files->bytes);
  return hash::blake3(coded);
}

hash::Digest refreshed_root(Replica& replica, const IdentityRules& rules) {
  for_each_dir(*replica.tree().root, [&](DirNode& node) {
    if (node.dirty || !node.recorded) node.shallow = shallow_digest(node, rules);
  });
  compute_tree_digests(*replica.tree().root);
  return tree_root(replica.tree(), rules);
}

}  // namespace syncline::sync
