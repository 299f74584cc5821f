// SPDX-License-Identifier: Apache-2.0
// Which exit code and which advice belong to which error.
#include "cli/exit_codes.hpp"

#include <cerrno>
#include <new>

#include "base/error.hpp"

namespace syncline::cli {
namespace {

struct Advice {
  int code;
  const char* next;
};

constexpr const char* run_again = "what was finished is kept; run the same command again";

Advice advice_for(Errc code) {
  switch (code) {
    case Errc::usage: return {exit_code::usage, "see 'syncline copy --help'"};
    case Errc::unsupported:
      return {exit_code::unsupported, "use the version of syncline that wrote it, or a newer one"};
    case Errc::protocol: return {exit_code::unsupported, "nothing more was changed; please report this"};
    case Errc::malformed:
    case Errc::truncated:
    case Errc::limit_exceeded: return {exit_code::data_stream, run_again};
    case Errc::corrupt: return {exit_code::file_io, "check the disk, then run the same command again"};
    case Errc::changed: return {exit_code::partial, run_again};
    case Errc::foreign:
    case Errc::replaced: return {exit_code::guard, "check that the right file system is mounted there"};
    case Errc::cancelled: return {exit_code::interrupted, run_again};
    case Errc::delete_limit:
      return {exit_code::delete_limit, "raise --max-delete if so many deletions are meant"};
    case Errc::locked: return {exit_code::locked, "wait until the other run has ended"};
    case Errc::disconnected: return {exit_code::data_stream, run_again};
    case Errc::untrusted:
      return {exit_code::guard, "make sure whose key it is, then pair the two sides anew"};
    case Errc::unresolved: return {exit_code::selection, "check the host name"};
    case Errc::rules: return {exit_code::usage, "nothing was changed"};
    case Errc::shell:
      return {exit_code::data_stream, "make sure that it leads there when it is run by itself"};
  }
  return {exit_code::file_io, run_again};
}

Advice advice_for(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: return {exit_code::file_io, "make room there; what was finished is kept"};
    case EROFS: return {exit_code::file_io, "the file system is read-only: mount it writable"};
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ELOOP:
    case ENAMETOOLONG: return {exit_code::selection, "check the path"};
    case EACCES:
    case EPERM: return {exit_code::selection, "check the permissions, or run as a user who has them"};
    case EINTR:
    case ECANCELED: return {exit_code::interrupted, run_again};
    case ENOMEM: return {exit_code::memory, "nothing more was changed; free some memory"};
    case ETIMEDOUT: return {exit_code::timeout, run_again};
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return {exit_code::data_stream, "check the address, and that the other side is running"};
    case EPIPE:
    case ECONNRESET: return {exit_code::data_stream, run_again};
    default: return {exit_code::file_io, run_again};
  }
}

Failure explain_system(const std::system_error& error) {
  Failure out;
  const auto* own = dynamic_cast<const Error*>(&error);
  if (own != nullptr) out.subject = own->context();
  out.cause = error.code().message();
  Advice advice = advice_for(EIO);
  if (error.code().category() == syncline_category())
    advice = advice_for(static_cast<Errc>(error.code().value()));
  else if (error.code().category() == std::generic_category() ||
           error.code().category() == std::system_category())
    advice = advice_for(error.code().value());
  out.code = advice.code;
  out.next = advice.next;
  // What is wrong with an argument, with rules or with another program is said by the context already.
  if (own != nullptr && (own->is(Errc::usage) || own->is(Errc::rules) || own->is(Errc::shell))) {
    out.cause = own->context();
    out.subject.clear();
  }
  return out;
}

}  // namespace

Failure explain(const std::exception& error) {
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) return explain_system(*system);
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return {"", "out of memory", "nothing more was changed; free some memory", exit_code::memory};
  return {"", std::string("internal error: ") + error.what(), "what was finished is kept; please report this",
          exit_code::file_io};
}

}  // namespace syncline::cli
