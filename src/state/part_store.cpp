// SPDX-License-Identifier: Apache-2.0
// Parts: rows of list pieces, shared between the versions of one list by digest.
#include "state/part_store.hpp"

#include <utility>

namespace syncline::state {

PartReader::PartReader(Connection& connection)
    : connection_(&connection), select_(connection, "SELECT body FROM part WHERE part_id=?1") {}

void PartReader::each(const PartList& parts, const std::string& owner,
                      const std::function<void(ByteView, std::uint32_t)>& use) {
  for (const auto& part : parts) {
    const ResetAtExit reset_later(select_);
    select_.bind(1, part.part_id);
    if (!select_.step()) connection_->fail_corrupt(owner + ": a part is missing");
    const auto body = select_.blob(0);
    if (part_digest(body) != part.digest) connection_->fail_corrupt(owner + ": a part is damaged");
    use(body, part.item_count);
  }
}

PartWriter::PartWriter(Connection& connection)
    : insert_(connection, "INSERT INTO part(part_id,body) VALUES(?1,?2)"),
      update_(connection, "UPDATE part SET body=?2 WHERE part_id=?1"),
      erase_(connection, "DELETE FROM part WHERE part_id=?1") {}

void PartWriter::erase(const PartList& parts) {
  for (const auto& part : parts) erase(part.part_id);
}

std::int64_t PartWriter::insert(ByteView body) {
  const auto id = next_id++;
  insert_.bind(1, id).bind(2, body).run();
  return id;
}

void PartWriter::update(std::int64_t part_id, ByteView body) { update_.bind(1, part_id).bind(2, body).run(); }

void PartWriter::erase(std::int64_t part_id) { erase_.bind(1, part_id).run(); }

PartReplacement::PartReplacement(PartWriter& writer, const PartList& old) : writer_(writer) {
  for (const auto& part : old) old_.emplace(part.digest, part.part_id);
}

void PartReplacement::add(Bytes&& body, std::uint32_t item_count) {
  PartRef part{0, item_count, part_digest(body)};
  if (const auto same = old_.find(part.digest); same != old_.end()) {
    part.part_id = same->second;
    old_.erase(same);
  } else if (old_.empty()) {
    part.part_id = writer_.insert(body);
  } else {
    pending_.push_back({fresh_.size(), std::move(body)});
  }
  fresh_.push_back(part);
}

PartList PartReplacement::finish() {
  for (const auto& pending : pending_) {
    auto& part = fresh_[pending.index];
    if (old_.empty()) {
      part.part_id = writer_.insert(pending.body);
      continue;
    }
    part.part_id = old_.begin()->second;
    old_.erase(old_.begin());
    writer_.update(part.part_id, pending.body);
  }
  for (const auto& [digest, part_id] : old_) writer_.erase(part_id);
  return std::move(fresh_);
}

}  // namespace syncline::state
