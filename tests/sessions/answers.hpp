// SPDX-License-Identifier: Apache-2.0
// A recorded receiver as a table: what it answered to what.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "frames.hpp"
#include "recording.hpp"
#include "transcript.hpp"

namespace syncline::test {

/// Follows the files that a sender sends: which path a number stands for, which gaps it has.
class FileBook {
 public:
  struct Gap {
    std::uint64_t file = 0;
    std::uint32_t number = 0;
    std::string name;  ///< of what the receiver's sums depend on
  };
  struct Step {
    const wire::Step* step = nullptr;
    std::uint64_t offset = 0;  ///< in the new file
    std::optional<Gap> gap;
  };
  void begin(const wire::FileBegin& message) { files_[message.file] = {message.path, 0, {}}; }
  std::vector<Step> steps(const wire::FileSteps& message);
  const std::string& path(std::uint64_t file) const { return files_.at(file).path; }
  const std::string& gap(std::uint64_t file, std::uint32_t number) const {
    return files_.at(file).gaps.at(number);
  }

 private:
  struct File {
    std::string path;
    std::uint64_t offset = 0;
    std::vector<std::string> gaps;
  };
  std::map<std::uint64_t, File> files_;
};

struct Answers {
  Answers(const RecordedConnection& connection, Side receiver);

  std::optional<SpokenMessage> open, opened, hello, finished, fatal;
  std::vector<SpokenMessage> events;
  std::set<std::string> partials;                   ///< their paths, as the format page has them
  std::deque<std::vector<SpokenMessage>> to_roots;  ///< in order: owner ids, or roots to their list end
  std::map<std::string, std::vector<SpokenMessage>> listings, manifests, failures,
      kept;                                                                ///< by path
  std::map<std::string, std::map<unsigned, SpokenMessage>> sums;           ///< by gap and round
  std::map<std::string, std::map<std::uint64_t, SpokenMessage>> requests;  ///< by path and offset
  std::vector<wire::Message> asked;                                        ///< what the sender said
  std::optional<std::uint64_t> sum_key;                                    ///< the sender's last one

 private:
  void take_question(const wire::Message& message);
  void take_answer(SpokenMessage message);
  bool take_transfer(const SpokenMessage& message);

  FileBook files_;
  bool drifting_ = false;  ///< between roots and their list end
};

}  // namespace syncline::test
