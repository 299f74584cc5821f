// SPDX-License-Identifier: Apache-2.0
// The check of manifest replies.
#include "sync/manifest_intake.hpp"

#include <utility>

#include "base/error.hpp"

namespace syncline::sync {
namespace {

std::string manifest_name(const std::string& path) { return "manifest of '" + escape_name(path) + "'"; }

template <class T>
void append(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

bool ManifestIntake::ask(const std::string& path, std::uint64_t base_bytes) {
  const auto [at, fresh] = asked_.try_emplace(path);
  if (!fresh) return false;
  at->second.base_bytes = base_bytes;
  asked_bytes_ += base_bytes;
  return true;
}

/// Chunks that cover the file, told over one or several replies.
void ManifestIntake::check_part(Asked& asked, const wire::ManifestReply& part, bool is_first) {
  const auto size_bytes = is_first ? part.size_bytes : asked.reply->size_bytes;
  const bool goes_on = part.more && !part.lengths.empty();
  if (part.size_bytes != size_bytes || part.more != goes_on)
    throw Error(Errc::malformed, manifest_name(part.path) + ": parts that do not fit");
  for (std::size_t i = 0; i < part.lengths.size(); ++i) {
    const auto bytes = std::uint64_t{part.lengths[i]} * part.repeats[i];
    if (bytes == 0 || bytes > size_bytes - asked.told_bytes)
      throw Error(Errc::malformed, manifest_name(part.path) + ": chunks beyond its size");
    asked.told_bytes += bytes;
  }
  if (!part.more && asked.told_bytes != size_bytes)
    throw Error(Errc::malformed, manifest_name(part.path) + ": chunks short of its size");
}

void ManifestIntake::keep(Asked& asked, wire::ManifestReply part) {
  const auto count = part.lengths.size();
  if (!asked.is_dropped && count > chunks_max_ - chunk_count_) {
    asked.is_dropped = true;
    if (asked.reply) chunk_count_ -= asked.reply->lengths.size();
  }
  if (asked.is_dropped) part.lengths.clear(), part.repeats.clear(), part.ids.clear();
  else chunk_count_ += count;
  if (!asked.reply || asked.is_dropped) {
    asked.reply = std::move(part);
    return;
  }
  append(asked.reply->lengths, part.lengths);
  append(asked.reply->repeats, part.repeats);
  append(asked.reply->ids, part.ids);
}

void ManifestIntake::take(wire::ManifestReply reply) {
  const auto found = asked_.find(reply.path);
  if (found == asked_.end() || found->second.is_whole)
    throw Error(Errc::protocol, manifest_name(reply.path) + " that was not asked for");
  Asked& asked = found->second;
  check_part(asked, reply, !asked.reply.has_value());
  asked.is_whole = !reply.more;
  keep(asked, std::move(reply));
}

bool ManifestIntake::is_whole(const std::string& path) const {
  const auto found = asked_.find(path);
  return found != asked_.end() && found->second.is_whole;
}

wire::ManifestReply ManifestIntake::use(const std::string& path) {
  auto node = asked_.extract(path);
  Asked& asked = node.mapped();
  asked_bytes_ -= asked.base_bytes;
  chunk_count_ -= asked.reply->lengths.size();
  return std::move(*asked.reply);
}

}  // namespace syncline::sync
