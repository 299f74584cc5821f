// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "hearing.hpp"
#include "players.hpp"

namespace syncline::test {
namespace {

class SenderPlayer {
 public:
  SenderPlayer(const RecordedConnection& connection, const Part& part, wire::Transport& end)
      : part_(part), end_(end), hearing_(end), expected_(part.by_group), found_(part.by_group) {
    for (const auto& frame : connection.frames) (frame.from == part.side ? ours_ : theirs_).push_back(&frame);
  }

  Played play() {
    try {
      for (const auto* frame : ours_) {
        expect(frame->seen);
        if (!hear()) return failed();
        end_.send(frame->bytes);
      }
      if (part_.breaks_off) return {};
      expect(theirs_.size());
      if (!hear()) return failed();
    } catch (const Error& error) {
      auto out = failed();
      out.problem = error.what();
      return out;
    }
    return {"", "", missing_lines(found_.lines(), expected_.lines())};
  }

 private:
  /// Of the frames that the live side's counterpart sent, so many are to be answered by now.
  void expect(std::size_t count) {
    for (; heard_of_ < count; ++heard_of_)
      for (const auto& one : reader_.read(theirs_.at(heard_of_)->bytes)) expected_.add(one.message);
  }
  /// Waits until the live side has said as much.
  bool hear() {
    while (!std::ranges::includes(found_.lines(), expected_.lines())) {
      const auto message = hearing_.next();
      if (!message) return false;
      found_.add(*message);
    }
    return true;
  }
  Played failed() const {
    return {"what was to come did not", missing_lines(expected_.lines(), found_.lines()),
            missing_lines(found_.lines(), expected_.lines())};
  }

  const Part part_;
  wire::Transport& end_;
  Hearing hearing_;
  FrameReader reader_;
  Transcript expected_, found_;
  std::size_t heard_of_ = 0;
  std::vector<const RecordedFrame*> ours_, theirs_;
};

}  // namespace

Played play_sender(const RecordedConnection& connection, const Part& part,
                   std::unique_ptr<wire::Transport> end) {
  return SenderPlayer(connection, part, *end).play();
}

}  // namespace syncline::test
