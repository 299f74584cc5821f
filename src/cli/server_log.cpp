// SPDX-License-Identifier: Apache-2.0
// Lines of the server's log.
#include "cli/server_log.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"

namespace syncline::cli {
namespace {

/// RFC 3339, in UTC.
std::string time_text(std::int64_t at_ns) {
  const std::time_t seconds = at_ns / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  auto millis = std::to_string(at_ns / 1'000'000 % 1000);
  return std::string(text.data(), length) + '.' + std::string(3 - millis.size(), '0') + millis + 'Z';
}

}  // namespace

ServerLog::ServerLog(const config::LogConfig& config, Console& console)
    : console_(console), json_(config.json), out_(&console.err) {
  if (!config.file) return;
  file_.open(*config.file, std::ios::app);
  if (!file_) throw Error(errno != 0 ? errno : EIO, "log '" + escape_name(*config.file) + "'");
  out_ = &file_;
}

void ServerLog::say(const std::string& text) {
  write({server::AuditEvent::Kind::note, "", "", "", "", text});
}

void ServerLog::write(const server::AuditEvent& event) {
  const auto at = time_text(console_.clock.now_ns());
  std::string line;
  if (json_) {
    nlohmann::ordered_json record{{"at", at}, {"event", server::name_of(event.kind)}};
    const auto add = [&](const char* name, const std::string& value) {
      if (!value.empty()) record[name] = escape_name(value);
    };
    add("client", event.address), add("key", event.key), add("share", event.share), add("path", event.path);
    add("detail", event.detail);
    line = record.dump();
  } else {
    line = at + ' ' + std::string(server::name_of(event.kind));
    const auto add = [&](const char* before, const std::string& value) {
      if (!value.empty()) line += before + escape_name(value);
    };
    add(" ", event.address), add(" ", event.key), add(" share ", event.share), add(" path ", event.path);
    add(": ", event.detail);
  }
  std::lock_guard lock(mutex_);
  *out_ << line << '\n' << std::flush;
  out_->clear();
}

}  // namespace syncline::cli
