// SPDX-License-Identifier: Apache-2.0
// Sizes of what a sender may send.
#include "sync/held_bytes.hpp"

#include <variant>

namespace syncline::sync {
namespace {

constexpr std::size_t message_bytes = 256;

template <class T>
std::size_t list_bytes(const std::vector<T>& list) {
  return list.size() * sizeof(T);
}

std::size_t bytes_of(const wire::Meta& meta) {
  auto out = list_bytes(meta.xattrs);
  for (const auto& xattr : meta.xattrs) out += xattr.name.size() + xattr.value.size();
  return out;
}

std::size_t bytes_of(const wire::StepMatch&) { return 0; }
std::size_t bytes_of(const wire::StepZeros&) { return 0; }
std::size_t bytes_of(const wire::StepData& step) { return step.content.size(); }
std::size_t bytes_of(const wire::StepOther& step) { return step.path.size(); }
std::size_t bytes_of(const wire::StepGap& step) { return list_bytes(step.chunks); }
std::size_t bytes_of(const wire::StepPatch& step) { return list_bytes(step.chunks) + step.frame.size(); }
std::size_t bytes_of(const wire::StepLocal& step) { return step.content.size(); }

std::size_t bytes_of(const wire::FileBegin& message) { return message.path.size(); }
std::size_t bytes_of(const wire::FileSteps& message) {
  auto out = list_bytes(message.steps);
  for (const auto& step : message.steps)
    out += std::visit([](const auto& one) { return bytes_of(one); }, step);
  return out;
}
std::size_t bytes_of(const wire::FileEnd& message) { return bytes_of(message.meta); }
std::size_t bytes_of(const wire::GapMatches& message) { return message.matches.size(); }
std::size_t bytes_of(const wire::GapDelta& message) {
  return message.matches.size() + message.literals.size();
}
std::size_t bytes_of(const wire::ChunkData& message) { return message.content.size(); }
/// Others are worked on as they come.
template <class T>
std::size_t bytes_of(const T&) {
  return 0;
}

}  // namespace

std::size_t held_bytes(const wire::Message& message) {
  return message_bytes + std::visit([](const auto& one) { return bytes_of(one); }, message);
}

std::size_t held_bytes(const wire::WriteFile& file) {
  return sizeof file + message_bytes + file.path.size() + file.content.size() + list_bytes(file.lengths) +
         list_bytes(file.ids) + bytes_of(file.meta);
}

}  // namespace syncline::sync
