// SPDX-License-Identifier: Apache-2.0
// JSON, with nothing believed.
#include "control/message.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace syncline::control {
namespace {

constexpr auto ask_words = std::to_array<std::pair<Ask, std::string_view>>({{Ask::status, "status"},
                                                                            {Ask::wait, "wait"},
                                                                            {Ask::why, "why"},
                                                                            {Ask::held, "held"},
                                                                            {Ask::approve, "approve"}});

}  // namespace

Json parse_object(std::string_view line, const char* what) {
  auto out = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!out.is_object()) throw Error(Errc::malformed, std::string(what) + ": not a JSON object");
  const auto version = out.find("v");
  if (version == out.end() || !version->is_number_integer())
    throw Error(Errc::malformed, std::string(what) + ": no version");
  if (*version != protocol_version)
    throw Error(Errc::unsupported, std::string(what) + ": of version " + version->dump());
  return out;
}

Request parse_request(std::string_view line) {
  const auto record = parse_object(line, "request");
  const auto word = text_in(record, "ask");
  for (const auto& [ask, known] : ask_words)
    if (word == known) return {ask, name_in(record, "path")};
  throw Error(Errc::malformed, "request: nothing that can be asked");
}

std::string request_line(const Request& request) {
  Json record{{"v", protocol_version}};
  for (const auto& [ask, word] : ask_words)
    if (ask == request.ask) record["ask"] = word;
  if (request.ask == Ask::why) put_name(record, "path", request.path);
  return answer_line(record);
}

Json answer_of(const char* type) { return {{"v", protocol_version}, {"type", type}}; }

std::string answer_line(const Json& answer) {
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json refusal(const std::string& cause) {
  auto out = answer_of("error");
  out["cause"] = cause;
  return out;
}

Json parse_answer(std::string_view line) {
  auto out = parse_object(line, "answer");
  if (text_in(out, "type").empty()) throw Error(Errc::malformed, "answer: no type");
  return out;
}

void put_name(Json& record, const std::string& key, const std::string& raw) {
  record[key] = raw;
  if (!is_utf8(raw)) record[key + "_bytes"] = base64(raw);
}

std::string name_in(const Json& record, const std::string& key) {
  const auto exact = record.find(key + "_bytes");
  if (exact == record.end()) return text_in(record, key.c_str());
  const auto bytes = exact->is_string() ? from_base64(exact->get_ref<const std::string&>()) : std::nullopt;
  if (!bytes) throw Error(Errc::malformed, key + "_bytes: not base 64");
  return *bytes;
}

std::string text_in(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_in(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

bool flag_in(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace syncline::control
