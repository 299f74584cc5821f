// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <stdexcept>
#include <utility>

#include "answers.hpp"
#include "hearing.hpp"
#include "players.hpp"

namespace syncline::test {
namespace {

class ReceiverPlayer {
 public:
  ReceiverPlayer(const RecordedConnection& connection, const Part& part, wire::Transport& end)
      : part_(part), answers_(connection, part.side), end_(end), hearing_(end) {}

  /// Until the live side has closed, or has said all it has to say.
  void play(Transcript& found, SentTree& live) {
    if (part_.side == Side::client) say(answers_.open);
    while (const auto message = hearing_.next()) {
      found.add(*message);
      live.add(*message);
      std::visit([this](const auto& one) { answer(one); }, *message);
      if (std::holds_alternative<wire::Summary>(*message)) return;
      if (std::holds_alternative<wire::Fatal>(*message)) return;
    }
  }
  const std::vector<wire::Message>& asked() const { return answers_.asked; }

 private:
  void say(const SpokenMessage& one) { end_.send(raw_frame(wire::type_of(one.message), one.body)); }
  void say(const std::optional<SpokenMessage>& one) {
    if (!one) throw std::runtime_error("a question that the recorded receiver was not asked");
    say(*one);
  }
  /// As recorded, if it is about the file of the same number.
  template <class M>
  void say_of(const SpokenMessage& one, std::uint64_t file, std::uint32_t gap = 0) {
    auto message = std::get<M>(one.message);
    if constexpr (requires { message.gap; }) {
      if (std::exchange(message.gap, gap) != gap) message.file = ~file;
    }
    if (std::exchange(message.file, file) == file) say(one);
    else end_.send(raw_frame(message));
  }

  // The rest is no question.
  template <class M>
  void answer(const M&) {}
  void answer(const wire::Open&) {
    if (!answers_.opened && answers_.fatal) return say(answers_.fatal);
    say(answers_.opened);
    for (const auto& one : answers_.events) say(one);
    say(answers_.hello);
  }
  void answer(const wire::Opened&) { say(answers_.hello); }
  void answer(const wire::Begin& begin) {
    is_guess_wrong_ = begin.guess && *begin.guess != std::get<wire::Hello>(answers_.hello.value().message);
    if (!is_guess_wrong_ && answers_.to_roots.size() == 1 && begin.sum_key != answers_.sum_key)
      throw std::runtime_error(
          "another sum key than the recorded one: FixedRandom is asked for other things");
  }
  void answer(const wire::Roots&) {
    if (std::exchange(is_guess_wrong_, false)) return;
    if (answers_.to_roots.empty()) throw std::runtime_error("more roots than in the recording");
    for (const auto& one : answers_.to_roots.front()) say(one);
    answers_.to_roots.pop_front();
  }
  void answer(const wire::ListRequest& request) {
    for (const auto& dir : request.dirs)
      for (const auto& one : answers_.listings[dir]) say(one);
    end_.send(raw_frame(wire::ListEnd{}));
  }
  void answer(const wire::ManifestRequest& request) {
    for (const auto& path : request.paths) {
      const auto found = answers_.manifests.find(path);
      if (found == answers_.manifests.end())
        throw std::runtime_error("the recorded receiver was not asked for the manifest of " + path);
      for (const auto& one : found->second) say(one);
    }
  }
  void answer(const wire::Batch& batch) {
    const auto touch = [this](const auto& op) {
      if constexpr (requires { op.path; }) touched_.insert(op.path);
    };
    for (const auto& op : batch.ops) std::visit(touch, op);
  }
  void answer(const wire::FileBegin& begin) {
    touched_.insert(begin.path);
    files_.begin(begin);
  }
  void answer(const wire::FileSteps& message) {
    for (const auto& step : files_.steps(message)) {
      if (step.gap) say_sums(*step.gap, 1);
      const auto* other = std::get_if<wire::StepOther>(step.step);
      if (other == nullptr) continue;
      if (other->path.starts_with(".syncline/") && !answers_.partials.contains(other->path))
        throw std::runtime_error("a partial that the recorded receiver does not have: " + other->path);
      const auto& requests = answers_.requests[files_.path(message.file)];
      const auto request = requests.find(step.offset);
      if (request == requests.end()) continue;
      say_of<wire::ChunkRequest>(request->second, message.file);
      ++requested_;
    }
  }
  void answer(const wire::GapMatches& matches) {
    say_sums({matches.file, matches.gap, files_.gap(matches.file, matches.gap)}, 2);
  }
  void answer(const wire::ChunkData& data) {
    if (data.content.empty() || requested_ == 0)
      throw std::runtime_error("no content, or content that was not asked for");
    --requested_;
    acknowledge();
  }
  void answer(const wire::Flush& flush) {
    flushed_ = flush.token;
    acknowledge();
  }
  void answer(const wire::Finish& finish) {
    if (!finish.unanswered) say(answers_.finished);
  }

  /// Of the first round that is not before `round`.
  void say_sums(const FileBook::Gap& gap, unsigned round) {
    const auto& rounds = answers_.sums[gap.name];
    const auto found = rounds.lower_bound(round);
    if (found == rounds.end())
      throw std::runtime_error("a gap that the recorded receiver was not asked about: " + gap.name);
    say_of<wire::GapSums>(found->second, gap.file, gap.number);
  }
  /// What was flushed is committed or has failed, once all of it is there.
  void acknowledge() {
    if (!flushed_ || requested_ != 0) return;
    for (const auto& path : touched_)
      for (const auto* answers : {&answers_.failures, &answers_.kept})
        if (const auto found = answers->find(path); found != answers->end())
          for (const auto& one : found->second) say(one);
    touched_.clear();
    end_.send(raw_frame(wire::Ack{*flushed_}));
    flushed_.reset();
  }

  const Part part_;
  Answers answers_;
  wire::Transport& end_;
  FileBook files_;
  bool is_guess_wrong_ = false;  ///< what the sender has begun means nothing
  std::set<std::string> touched_;
  std::size_t requested_ = 0;  ///< chunks
  std::optional<std::uint64_t> flushed_;
  Hearing hearing_;
};

}  // namespace

Played play_receiver(const RecordedConnection& connection, const Part& part,
                     std::unique_ptr<wire::Transport> end, SentTree& recorded, SentTree& live) {
  Played out;
  ReceiverPlayer player(connection, part, *end);
  Transcript expected(part.by_group), found(part.by_group);
  for (const auto& message : player.asked()) expected.add(message), recorded.add(message);
  try {
    player.play(found, live);
  } catch (const std::exception& error) {
    out.problem = error.what();
  }
  recorded.end_session(), live.end_session();
  if (part.breaks_off) return out;
  out.unsaid = missing_lines(expected.lines(), found.lines()) + missing_lines(recorded.lines(), live.lines());
  out.unheard_of =
      missing_lines(found.lines(), expected.lines()) + missing_lines(live.lines(), recorded.lines());
  return out;
}

}  // namespace syncline::test
