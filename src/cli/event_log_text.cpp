// SPDX-License-Identifier: Apache-2.0
// rsync's letters in words, and one line for each kind of record.
#include "cli/event_log_text.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/event_log_time.hpp"
#include "cli/numbers.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

constexpr std::size_t shown_run_digits = 8;
constexpr std::size_t word_columns = 9;
constexpr std::size_t shown_sources_max = 4;

std::string shown_name(const Json& record, const std::string& key) {
  return escape_name(get_name(record, key));
}

/// What the letters of `itemized` say, beginning with the third.
std::string differences(const std::string& itemized) {
  constexpr auto words = std::to_array<std::pair<char, const char*>>({{'c', "content"},
                                                                      {'s', "size"},
                                                                      {'t', "time"},
                                                                      {'T', "time"},
                                                                      {'p', "permissions"},
                                                                      {'o', "owner"},
                                                                      {'g', "group"},
                                                                      {'a', "ACL"},
                                                                      {'x', "attributes"}});
  std::string out;
  for (std::size_t k = 2; k < itemized.size(); ++k)
    for (const auto& [letter, word] : words)
      if (itemized[k] == letter) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

std::pair<std::string, std::string> change_words(const Json& record) {
  const std::string itemized = record.value("itemized", "");
  auto text = shown_name(record, "path");
  const bool is_symlink = itemized.size() > 1 && itemized[0] != 'h' && itemized[1] == 'L';
  if (record.contains("link_target"))
    text += (is_symlink ? " -> " : " => ") + shown_name(record, "link_target");
  std::string word = "changed";
  if (record.contains("renamed_from")) {
    word = "renamed";
    text += " (from " + shown_name(record, "renamed_from") + ")";
  } else if (itemized.starts_with("*deleting")) {
    word = "deleted";
  } else if (itemized.starts_with("*keeping")) {
    word = "kept";
    text += " as " + shown_name(record, "kept_as");
  } else if (itemized.starts_with("*drifted")) {
    word = "drifted";
  } else if (itemized.size() > 2 && itemized[2] == '+') {
    word = "created";
  } else {
    if (itemized.starts_with('.')) word = "metadata";
    if (const auto what = differences(itemized); !what.empty()) text += " (" + what + ")";
  }
  if (record.value("edited_in_destination", false)) text += " [edited in destination]";
  return {word, text};
}

/// Without the program's name in front.
std::string sentence(const std::string& subject, const Json& record, const std::string& side) {
  const auto cause = record.value("cause", "") + (side.empty() ? "" : " (" + side + ")");
  return failure_line({subject, cause, record.value("next", ""), 0}).substr(std::string("syncline: ").size());
}

std::string summary_text(const Json& record) {
  const auto count = [&](const char* key) { return format_count(record.value(key, std::uint64_t{0}), 1); };
  std::string text = count("files_changed") + " changed, " + count("files_deleted") + " deleted, " +
                     count("files_renamed") + " renamed, " + count("errors") + " errors; " +
                     count("sent_bytes") + " bytes sent, " + count("received_bytes") + " received";
  if (const auto held = record.value("deletions_held", std::uint64_t{0}); held != 0)
    text += "; " + format_count(held, 1) + " deletions held";
  if (const auto held = record.value("changes_held", std::uint64_t{0}); held != 0)
    text += "; " + format_count(held, 1) + " changes held";
  return text + "; exit code " + std::to_string(record.value("exit_code", 0));
}

std::string place_text(const Json& place) {
  return place.is_object() ? escape_name(get_name(place, place.contains("at") ? "at" : "path")) : "?";
}

std::string run_text(const Json& record) {
  std::string text = one_line(record.value("command", "?"));
  if (const auto sources = record.find("sources"); sources != record.end() && sources->is_array()) {
    for (std::size_t k = 0; k < sources->size() && k < shown_sources_max; ++k)
      text += ' ' + place_text((*sources)[k]);
    if (sources->size() > shown_sources_max) text += " ...";
  }
  if (record.contains("destination")) text += " to " + place_text(record["destination"]);
  return text;
}

std::pair<std::string, std::string> words_of(const Json& record) {
  const std::string type = record.value("type", "");
  if (type == "change") return change_words(record);
  if (type == "error")
    return {"error", sentence(shown_name(record, "path"), record, record.value("side", ""))};
  if (type == "failure")
    return {"failed", sentence(record.value("subject", ""), record, "") + "; exit code " +
                          std::to_string(record.value("exit_code", 0))};
  if (type == "notice") return {"notice", one_line(record.value("text", ""))};
  if (type == "standing") {
    const auto text = one_line(record.value("text", ""));
    return {one_line(record.value("standing", "")), text};
  }
  if (type == "summary") return {"round", summary_text(record)};
  if (type == "run_began") return {"began", run_text(record)};
  if (type == "run_ended") return {"ended", ""};
  return {one_line(type), ""};
}

}  // namespace

std::string event_log_text(const Json& record) {
  const bool is_run = record.value("type", "") == "run_began";
  const auto at = parse_moment(record.value(is_run ? "began" : "ts", ""), 0);
  auto [word, text] = words_of(record);
  if (!text.empty() && word.size() < word_columns) word.resize(word_columns, ' ');
  return (at ? format_local_moment(*at) : "?") + "  " +
         one_line(record.value("run", "?").substr(0, shown_run_digits)) + "  " + word +
         (text.empty() ? "" : " ") + text;
}

void EventLogRuns::note(const Json& record) {
  if (record.value("type", "") != "run_began") return;
  const auto run = record.value("run", "");
  if (!lines_.emplace(run, event_log_text(record)).second) return;
  runs_.push_back(run);
  if (runs_.size() <= limits::event_log_runs_max) return;
  lines_.erase(runs_.front());
  runs_.pop_front();
}

std::string EventLogRuns::take_line(const Json& record) {
  const auto found = lines_.find(record.value("run", ""));
  return found == lines_.end() ? "" : std::exchange(found->second, "");
}

}  // namespace syncline::cli
