// SPDX-License-Identifier: Apache-2.0
// The lines that a watch and those who ask it write to each other (docs/format/control.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace syncline::control {

using Json = nlohmann::ordered_json;

inline constexpr int protocol_version = 1;

enum class Ask { status, wait, why, held, approve };

struct Request {
  Ask ask = Ask::status;
  std::string path;  ///< of `why`: relative to the source's directory, raw bytes; empty: that itself
};

/// A JSON object of this version. Throws Error(malformed), naming `what`, and Error(unsupported).
Json parse_object(std::string_view line, const char* what);

/// Throws Error(malformed) for what is no request, Error(unsupported) for one of another version.
Request parse_request(std::string_view line);
std::string request_line(const Request& request);

/// {"v":1,"type":TYPE}
Json answer_of(const char* type);
std::string answer_line(const Json& answer);
/// An answer of type "error".
Json refusal(const std::string& cause);
/// Throws Error(malformed) for what is no JSON object with a type, Error(unsupported) for another version.
Json parse_answer(std::string_view line);

/// As a string, and where it is no UTF-8 also its exact bytes in base 64 as "KEY_bytes".
void put_name(Json& record, const std::string& key, const std::string& raw);
/// What put_name() wrote; empty where there is none. Throws Error(malformed).
std::string name_in(const Json& record, const std::string& key);

// Of an object's member, of that type; the empty value where it is missing or of another one.
std::string text_in(const Json& record, const char* key);
std::uint64_t number_in(const Json& record, const char* key);
bool flag_in(const Json& record, const char* key);

}  // namespace syncline::control
