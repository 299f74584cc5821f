// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

namespace syncline::test {
namespace {

std::uint64_t bytes_of(const std::vector<wire::ChunkRef>& chunks) {
  std::uint64_t out = 0;
  for (const auto& chunk : chunks) out += chunk.length_bytes;
  return out;
}

std::uint64_t new_bytes_of(const wire::Step& step) {
  if (const auto* match = std::get_if<wire::StepMatch>(&step)) return match->bytes;
  if (const auto* zeros = std::get_if<wire::StepZeros>(&step)) return zeros->bytes;
  if (const auto* data = std::get_if<wire::StepData>(&step)) return data->chunk.length_bytes;
  if (const auto* other = std::get_if<wire::StepOther>(&step)) return other->chunk.length_bytes;
  if (const auto* gap = std::get_if<wire::StepGap>(&step)) return bytes_of(gap->chunks);
  if (const auto* patch = std::get_if<wire::StepPatch>(&step)) return bytes_of(patch->chunks);
  return 0;  // local: not between two processes
}

/// Where it lies in the base and how it is searched.
std::string name_of(const std::string& path, const wire::StepGap& gap) {
  const auto& plan = gap.plan;
  auto out = path;
  for (const std::uint64_t value :
       {gap.old_offset, std::uint64_t{plan.old_bytes}, std::uint64_t{plan.new_bytes},
        std::uint64_t{plan.old_phase}, std::uint64_t{plan.coarse_block_bytes},
        std::uint64_t{plan.coarse_sum_bits}, std::uint64_t{plan.fine_block_bytes},
        std::uint64_t{plan.fine_sum_bits}})
    out += ' ' + std::to_string(value);
  return out;
}

}  // namespace

std::vector<FileBook::Step> FileBook::steps(const wire::FileSteps& message) {
  File& file = files_.at(message.file);
  std::vector<Step> out;
  for (const auto& step : message.steps) {
    Step one{&step, file.offset, std::nullopt};
    file.offset += new_bytes_of(step);
    if (const auto* gap = std::get_if<wire::StepGap>(&step)) {
      const auto number = static_cast<std::uint32_t>(file.gaps.size());
      file.gaps.push_back(name_of(file.path, *gap));
      one.gap = Gap{message.file, number, file.gaps.back()};
    }
    out.push_back(std::move(one));
  }
  return out;
}

Answers::Answers(const RecordedConnection& connection, Side receiver) {
  FrameReader ours, theirs;
  for (const auto& frame : connection.frames) {
    for (auto& one : (frame.from == receiver ? ours : theirs).read(frame.bytes)) {
      if (frame.from == receiver) take_answer(std::move(one));
      else take_question(one.message);
    }
  }
}

void Answers::take_question(const wire::Message& message) {
  asked.push_back(message);
  if (const auto* begin = std::get_if<wire::Begin>(&message)) sum_key = begin->sum_key;
  if (const auto* begin = std::get_if<wire::FileBegin>(&message)) files_.begin(*begin);
  if (const auto* steps = std::get_if<wire::FileSteps>(&message)) files_.steps(*steps);
}

void Answers::take_answer(SpokenMessage one) {
  const auto& message = one.message;
  if (std::holds_alternative<wire::Event>(message)) {
    events.push_back(std::move(one));
  } else if (std::holds_alternative<wire::OwnerIds>(message)) {
    to_roots.push_back({std::move(one)});
  } else if (std::holds_alternative<wire::Roots>(message)) {
    to_roots.push_back({std::move(one)});
    drifting_ = true;
  } else if (drifting_) {
    drifting_ = !std::holds_alternative<wire::ListEnd>(message);
    if (const auto* told = std::get_if<wire::Partials>(&message))
      partials.insert(".syncline/partial/" + std::to_string(told->number));
    to_roots.back().push_back(std::move(one));
  } else if (!take_transfer(one)) {
    if (std::holds_alternative<wire::Open>(message)) open = std::move(one);
    else if (std::holds_alternative<wire::Opened>(message)) opened = std::move(one);
    else if (std::holds_alternative<wire::Hello>(message)) hello = std::move(one);
    else if (std::holds_alternative<wire::Finished>(message)) finished = std::move(one);
    else if (std::holds_alternative<wire::Fatal>(message)) fatal = std::move(one);
  }
}

bool Answers::take_transfer(const SpokenMessage& one) {
  const auto& message = one.message;
  if (const auto* listing = std::get_if<wire::Listing>(&message)) listings[listing->dir].push_back(one);
  else if (const auto* manifest = std::get_if<wire::ManifestReply>(&message))
    manifests[manifest->path].push_back(one);
  else if (const auto* failure = std::get_if<wire::Failure>(&message)) failures[failure->path].push_back(one);
  else if (const auto* told = std::get_if<wire::Kept>(&message)) kept[told->path].push_back(one);
  else if (const auto* gap = std::get_if<wire::GapSums>(&message))
    sums[files_.gap(gap->file, gap->gap)].insert_or_assign(gap->round, one);
  else if (const auto* request = std::get_if<wire::ChunkRequest>(&message))
    requests[files_.path(request->file)].insert_or_assign(request->new_offset, one);
  else return false;
  return true;
}

}  // namespace syncline::test
