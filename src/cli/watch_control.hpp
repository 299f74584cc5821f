// SPDX-License-Identifier: Apache-2.0
// What makes a running `syncline watch` answer to status, wait, why and approve.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "control/presence.hpp"
#include "control/server.hpp"
#include "control/watch_desk.hpp"
#include "syncline/copy.hpp"
#include "watch/board.hpp"

namespace syncline::cli {

/// Whom others will know this watch as. Throws an errno where its places cannot be looked at.
control::Watched watched_by(const CopyOptions& options, const Clock& clock);

/// The board of a watch, with the socket at which it is read while this lives.
class WatchControl {
 public:
  /// A watch that cannot be asked is no reason not to watch: why that is goes to `notice`. `on_news` as of
  /// Board::listen().
  WatchControl(
      const CopyOptions& options, Clock& clock, const std::function<void(const std::string& text)>& notice,
      std::function<void()> on_news = [] {});
  ~WatchControl();
  WatchControl(const WatchControl&) = delete;
  WatchControl& operator=(const WatchControl&) = delete;

  watch::Board& board() { return board_; }
  /// The observer tells the board too.
  CopyObserver watched(CopyObserver observer);
  /// Of what this watch remembers: see watch_memory.hpp.
  const std::string& memory_name() const { return memory_name_; }
  /// Of a round, as the copy gave it, for the board.
  void report(const CopyReport& report);
  /// Those that the next copy is made with: without the guards, if a person has said so.
  CopyOptions options_of_round() const;

 private:
  void offer(const CopyOptions& options, Clock& clock);
  void listen();

  const CopyOptions& options_;
  const std::string prefix_;
  const std::string memory_name_;
  const std::function<void()> on_news_;
  watch::Board board_;
  std::optional<control::Presence> presence_;
  std::optional<control::WatchDesk> desk_;
  std::optional<control::Server> server_;
};

}  // namespace syncline::cli
