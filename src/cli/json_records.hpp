// SPDX-License-Identifier: Apache-2.0
// What happened in a copy as JSON objects: those of --json and of the event log.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "syncline/copy.hpp"

namespace syncline::cli {

using Json = nlohmann::ordered_json;

/// The version of the records; readers skip what is newer.
inline constexpr int record_version = 1;

/// {"v":1,"type":TYPE,"ts":TIME}
Json begin_record(const char* type, std::int64_t now_ns);

/// A name need not be UTF-8 but JSON must be: then KEY_bytes has the exact bytes in base 64, and KEY U+FFFD
/// for what cannot be shown.
void put_name(Json& record, const std::string& key, const std::string& raw);
/// The exact bytes again; empty where there is no such name.
std::string get_name(const Json& record, const std::string& key);

void put_change(Json& record, const ChangeEvent& event);
void put_error(Json& record, const ErrorEvent& event);
void put_summary(Json& record, const CopyReport& report);

/// On one line, without its end; what is not UTF-8 is U+FFFD.
std::string record_line(const Json& record);

}  // namespace syncline::cli
