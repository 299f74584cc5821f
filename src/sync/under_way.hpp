// SPDX-License-Identifier: Apache-2.0
// Files that are begun and not ended, and gaps that are not answered: counted alike by both sides, so that a
// sender keeps to what a receiver holds it to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "base/limits.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {

/// What a gap takes of the window.
inline std::uint64_t window_bytes(std::uint64_t old_bytes) {
  return std::max<std::uint64_t>(old_bytes, limits::gap_window_bytes_min);
}

/// How many chunks a file of this size can have: all but the last are of the least size at least.
std::uint64_t chunk_count_max(std::uint64_t file_bytes);

/// Whether one more file may be begun beside those that are open. One alone always may.
bool fits_beside(std::uint64_t open_files, std::uint64_t open_chunks, std::uint64_t more_chunks);

/// Holds a sender to the limits, in the order in which its messages come; what the receiver gives up is told
/// from any thread, before the sender hears of it. Everything else throws Error(protocol).
class UnderWay {
 public:
  void begin(const wire::FileBegin& message);
  void steps(const wire::FileSteps& message);
  void answer(std::uint64_t file, std::uint32_t gap);
  void give_up(std::uint64_t file, std::uint32_t gap) noexcept;
  void end(std::uint64_t file);

 private:
  struct File {
    std::uint64_t chunk_count = 0;    ///< at most
    std::vector<std::uint32_t> gaps;  ///< what each takes of the window still
  };
  File& file_of(std::uint64_t number);
  void free(std::uint32_t& gap_bytes);

  std::mutex mutex_;
  std::map<std::uint64_t, File> files_;
  std::uint64_t chunk_count_ = 0;
  std::uint64_t gap_bytes_ = 0;
};

}  // namespace syncline::sync
