// SPDX-License-Identifier: Apache-2.0
// The check of listings.
#include "sync/listing_intake.hpp"

#include <algorithm>
#include <utility>

namespace syncline::sync {
namespace {

/// Beside the names themselves: nodes of maps and lists, and what they point with.
constexpr std::size_t dir_bytes = sizeof(RemoteDirs::value_type) + 64;

std::string listing_name(const std::string& dir) { return "listing of '" + escape_name(dir) + "'"; }

}  // namespace

void ListingIntake::expect_drift() {
  finish();
  asked_ = nullptr;
}

void ListingIntake::expect(const std::vector<std::string>& dirs) {
  finish();
  asked_ = &dirs;
  next_asked_ = 0;
}

/// Of the names only these come in no order of their own.
void ListingIntake::finish() {
  if (dir_ != nullptr) std::ranges::sort(dir_->unknown);
  dir_ = nullptr;
}

void ListingIntake::charge(std::size_t bytes) {
  extra_bytes_ += bytes;
  if (extra_bytes_ <= rules_.extra_bytes_max) return;
  throw Error(Errc::limit_exceeded, "the receiver has names that the sender has not, of more than " +
                                        std::to_string(rules_.extra_bytes_max) +
                                        " bytes: sync parts of the tree, or remove there what is not wanted");
}

/// The directory that `listing` is about, which is the one before or a new one.
void ListingIntake::open(const wire::Listing& listing) {
  if (dir_ != nullptr && listing.dir == path_) {
    if (listing.partial == dir_->whole)
      throw Error(Errc::protocol, listing_name(listing.dir) + " of another kind");
    return;
  }
  const auto path = RelPath::parse(listing.dir);
  if (asked_ != nullptr) {
    while (next_asked_ < asked_->size() && (*asked_)[next_asked_] != listing.dir) ++next_asked_;
    if (next_asked_ == asked_->size() || listing.partial)
      throw Error(Errc::protocol, listing_name(listing.dir) + " that was not asked for");
    ++next_asked_;
  }
  const auto [at, fresh] = dirs_.try_emplace(listing.dir);
  if (!fresh) throw Error(Errc::protocol, listing_name(listing.dir) + " that was told already");
  finish();
  path_ = listing.dir;
  dir_ = &at->second;
  dir_->whole = !listing.partial;
  node_ = tree_.find_dir(path);
  next_entry_ = 0;
  last_name_.clear();
  if (node_ == nullptr) charge(dir_bytes + 2 * path_.size());
}

/// `name` comes behind those before it.
bool ListingIntake::is_ours(const std::string& name) {
  if (node_ == nullptr) return false;
  const auto& entries = node_->entries;
  while (next_entry_ < entries.size() && node_->name_of(entries[next_entry_]) < name) ++next_entry_;
  return next_entry_ < entries.size() && node_->name_of(entries[next_entry_]) == name;
}

void ListingIntake::take_entries(std::vector<wire::EntryInfo>& entries) {
  for (auto& entry : entries) {
    check_name(entry.name);
    if (entry.name <= last_name_) throw Error(Errc::malformed, listing_name(path_) + ": names out of order");
    last_name_ = entry.name;
    // Nobody edited it: it came in a session that broke off, or was found changed under old times.
    if (rules_.knows_drift && entry.type == fs::FileType::regular && entry.edited && !entry.drifted)
      entry.edited = false, entry.deviates = true;
    const bool ours = is_ours(entry.name);
    if (entry.absent) {
      take_absent(entry, ours);
      continue;
    }
    if (!ours && rules_.on_extra) rules_.on_extra(path_.empty() ? entry.name : path_ + '/' + entry.name);
    if (!ours && !rules_.keeps_extra) continue;
    const bool is_dir = entry.type == fs::FileType::directory;
    const std::string path = !is_dir ? "" : path_.empty() ? entry.name : path_ + '/' + entry.name;
    if (!ours) charge(sizeof entry + entry.name.size() + entry.link_target.size() + path.size());
    if (is_dir && rules_.on_dir)
      rules_.on_dir(path, entry, node_ == nullptr ? nullptr : node_->child(entry.name));
    dir_->entries.push_back(std::move(entry));
  }
}

void ListingIntake::take_absent(wire::EntryInfo& entry, bool ours) {
  if (!ours) charge(sizeof entry + 2 * entry.name.size() + entry.link_target.size());
  if (!dir_->whole) dir_->gone.push_back(entry.name);
  dir_->absent.push_back(std::move(entry));
}

void ListingIntake::take_gone(std::vector<std::string>& names) {
  if (!names.empty() && dir_->whole)
    throw Error(Errc::malformed, listing_name(path_) + ": whole, and names gone");
  for (auto& name : names) {
    check_name(name);
    if (!dir_->gone.empty() && name <= dir_->gone.back())
      throw Error(Errc::malformed, listing_name(path_) + ": names out of order");
    charge(sizeof name + name.size());
    dir_->gone.push_back(std::move(name));
  }
}

void ListingIntake::take_unknown(std::vector<std::string>& names) {
  for (auto& name : names) {
    if (name != ".") check_name(name);
    charge(sizeof name + name.size());
    dir_->unknown.push_back(std::move(name));
  }
}

void ListingIntake::take(wire::Listing listing) {
  open(listing);
  take_gone(listing.gone);
  take_unknown(listing.unknown);
  take_entries(listing.entries);
}

}  // namespace syncline::sync
