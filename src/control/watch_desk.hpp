// SPDX-License-Identifier: Apache-2.0
// The answers of a running watch, from its board and its tree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/places.hpp"
#include "control/server.hpp"
#include "watch/board.hpp"

namespace syncline::control {

/// The rule that leaves an entry (relative to the source's directory) out of the copy, as a person wrote it;
/// nothing where none does.
using IgnoredBy = std::function<std::optional<std::string>(const std::string& path, bool is_dir)>;

class WatchDesk final : public Desk {
 public:
  /// `board` lives longer.
  WatchDesk(fs::Fs& files, watch::Board& board, Watched watched, IgnoredBy ignored_by);

  Json answer(const Request& request) override;
  std::uint64_t want_round() override { return board_.want_round(); }
  bool is_proven(std::uint64_t ticket) override { return board_.is_proven(ticket); }
  Json standing() override;
  Json waited() override;

 private:
  Json status() const;
  Json held() const;
  Json approve();

  fs::Fs& files_;
  watch::Board& board_;
  const Watched watched_;
  const IgnoredBy ignored_by_;
};

/// "ended", or that of shown_state().
std::string_view shown_word(const watch::BoardView& view);

/// In step only where nothing has changed since: what has is not copied yet.
watch::Standing::State shown_state(const watch::BoardView& view);

}  // namespace syncline::control
