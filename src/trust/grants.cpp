// SPDX-License-Identifier: Apache-2.0
// Reading, asking and changing the grants of a server.
#include "trust/grants.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::trust {
namespace {

Grant parse_grant(std::string_view text) {
  Grant out;
  out.key = Fingerprint::parse(take_word(text));
  out.share = take_word(text);
  out.right = parse_right(take_word(text));
  const auto granted_at_s = parse_number(take_word(text));
  if (!granted_at_s) throw Error(Errc::usage, "the time of the grant is not a number of seconds");
  out.granted_at_s = *granted_at_s;
  out.name = text.substr(0, text.find_last_not_of(" \t") + 1);
  check_grant_texts(out.share, out.name);
  return out;
}

std::string grant_line(const Grant& grant) {
  std::string out = grant.key.text() + " " + grant.share + " " + std::string(to_text(grant.right)) + " " +
                    std::to_string(grant.granted_at_s);
  if (!grant.name.empty()) out += " " + grant.name;
  return out + "\n";
}

struct GrantOfLine {
  std::size_t line_number = 0;
  Grant grant;
};

std::vector<GrantOfLine> parse_grants(const TextFile& file, std::string_view content) {
  std::vector<GrantOfLine> out;
  std::set<std::pair<Fingerprint, std::string>> seen;
  for (const auto& line : file.lines(content)) {
    if (says_nothing(line.text)) continue;
    try {
      out.push_back({line.number, parse_grant(line.text)});
    } catch (const Error& error) {
      file.refuse_line(line.number, error.context());
    }
    const auto& grant = out.back().grant;
    if (!seen.emplace(grant.key, grant.share).second)
      file.refuse_line(line.number, "a second grant of this key for '" + grant.share + "'");
  }
  return out;
}

/// The content without the lines of these grants; comments stay.
std::string without(const TextFile& file, std::string_view content,
                    const std::set<std::size_t>& line_numbers) {
  std::string out;
  for (const auto& line : file.lines(content))
    if (!line_numbers.contains(line.number)) out.append(line.text).append("\n");
  return out;
}

}  // namespace

std::string_view to_text(Right right) {
  switch (right) {
    case Right::read: return "ro";
    case Right::write: return "rw";
    case Right::write_no_delete: return "nodelete";
  }
  throw Error(Errc::usage, "a right without a name");
}

Right parse_right(std::string_view text) {
  for (const auto right : {Right::read, Right::write, Right::write_no_delete})
    if (text == to_text(right)) return right;
  throw Error(Errc::usage, "'" + escape_name(text) + "' is not a right (ro, rw, nodelete)");
}

void check_share_name(std::string_view name) {
  const bool bad = name.empty() || name.size() > limits::share_name_bytes_max || escape_name(name) != name ||
                   name.find_first_of(" *:=/\\#") != name.npos;
  if (!bad) return;
  throw Error(Errc::usage, "'" + escape_name(name) + "' cannot name a share (at most " +
                               std::to_string(limits::share_name_bytes_max) +
                               " bytes, no blanks and none of * : = / \\ #)");
}

void check_grant_texts(std::string_view share, std::string_view name) {
  if (share != every_share) check_share_name(share);
  const bool bad = name.size() > limits::grant_name_bytes_max || escape_name(name) != name ||
                   name.starts_with(' ') || name.ends_with(' ');
  if (!bad) return;
  throw Error(Errc::usage, "'" + escape_name(name) + "' cannot be the name of a grant (at most " +
                               std::to_string(limits::grant_name_bytes_max) +
                               " printable bytes, no blank at its ends)");
}

Grants::Grants(fs::Fs& files, const std::string& state_dir)
    : file_(files, state_dir, "grants", Secrecy::secret) {}

std::vector<Grant> Grants::list() const {
  std::vector<Grant> out;
  const auto content = file_.read();
  if (!content) return out;
  for (auto& entry : parse_grants(file_, *content)) out.push_back(std::move(entry.grant));
  return out;
}

void Grants::add(const Grant& grant) {
  check_grant_texts(grant.share, grant.name);
  if (grant.granted_at_s < 0) throw Error(Errc::usage, "a grant from before 1970");
  file_.edit([&](std::string& content) {
    std::set<std::size_t> replaced;
    for (const auto& [line_number, old] : parse_grants(file_, content))
      if (old.key == grant.key && old.share == grant.share) replaced.insert(line_number);
    content = without(file_, content, replaced) + grant_line(grant);
  });
}

std::size_t Grants::remove(const Fingerprint& key, const std::optional<std::string>& share) {
  std::set<std::size_t> removed;
  if (!file_.read()) return 0;
  file_.edit([&](std::string& content) {
    for (const auto& [line_number, old] : parse_grants(file_, content))
      if (old.key == key && (!share || old.share == *share)) removed.insert(line_number);
    content = without(file_, content, removed);
  });
  return removed.size();
}

std::optional<Right> Grants::right_for(const Fingerprint& key, std::string_view share) const {
  std::optional<Right> out;
  for (const auto& grant : list()) {
    if (grant.key != key) continue;
    if (grant.share == share) return grant.right;
    if (grant.share == every_share) out = grant.right;
  }
  return out;
}

Grant parse_grant_argument(std::string_view text) {
  Grant out;
  const auto equals = text.find('=');
  out.key = Fingerprint::parse(text.substr(0, equals));
  if (equals == text.npos) return out;
  const auto rest = text.substr(equals + 1);
  const auto colon = rest.find(':');
  out.share = rest.substr(0, colon);
  check_grant_texts(out.share, "");
  if (colon != rest.npos) out.right = parse_right(rest.substr(colon + 1));
  return out;
}

}  // namespace syncline::trust
