// SPDX-License-Identifier: Apache-2.0
// Opening a state database and handing out its readers and writer.
#include <atomic>
#include <utility>

#include "state/reader.hpp"
#include "state/rows.hpp"
#include "state/schema.hpp"
#include "state/snapshot.hpp"
#include "state/state.hpp"
#include "state/writer.hpp"

namespace syncline::state {
namespace {

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(const std::string& path, bool read_only) : path_(path) {
    if (read_only) {
      open_checked(path_, Connection::Mode::read_only);
    } else {
      create_missing(path_);
      lock_.emplace(path_);
      open_write_side();
    }
    values_ = new_reader();
  }

  explicit SqliteDatabase(SnapshotFile snapshot) : path_(snapshot.path()), snapshot_(std::move(snapshot)) {
    open_write_side();
    values_ = new_reader();
  }

  std::unique_ptr<Reader> reader() override { return new_reader(); }

  std::unique_ptr<Writer> writer() override {
    if (write_side_ == nullptr)
      throw Error(Errc::usage, "state database " + escape_name(path_) + " is open for reading");
    return registry_->watch([&] { return std::make_unique<SqliteWriter>(write_side_, writer_open_); });
  }

  std::optional<Agreement> agreement(const std::string& peer) override {
    const auto body = values_->value_row(agreement_key(peer));
    if (!body) return std::nullopt;
    return registry_->watch([&] { return decode_agreement(*body); });
  }

  std::optional<Bytes> value(const std::string& key) override { return values_->value_row(value_key(key)); }

  const std::optional<std::string>& set_aside() const override { return set_aside_; }

  bool damaged() const override { return registry_->damaged(); }

  bool rest() override {
    if (!lock_) return false;
    if (inode_) return true;
    registry_->rest_all();
    write_side_->rest();
    inode_ = inode_of(path_);  // nobody replaces the file under our lock
    lock_->give_back();
    return true;
  }

  bool resume() override {
    if (!lock_) return false;
    if (!inode_) return true;
    if (!lock_->take_again()) return false;
    try {
      if (inode_of(path_) == *inode_ && write_side_->resume()) inode_.reset();
    } catch (const Error&) {
      lock_->give_back();
      throw;
    }
    if (inode_) lock_->give_back();
    return !inode_;
  }

  std::uint64_t written_bytes() const override {
    return write_side_ == nullptr ? 0 : write_side_->written_bytes();
  }

 private:
  std::unique_ptr<SqliteReader> new_reader() {
    return registry_->watch([&] { return std::make_unique<SqliteReader>(path_, registry_); });
  }

  void open_write_side() {
    try {
      write_side_ = std::make_shared<WriteSide>(open_checked(path_, Connection::Mode::read_write), registry_);
    } catch (const Error& error) {
      if (!error.is(Errc::corrupt)) throw;
    }
    if (write_side_ != nullptr) return;
    // Every connection to the damaged file is closed here, the lock is held.
    if (snapshot_) snapshot_->remove_files();
    else set_aside_ = set_aside_files(path_);
    create_missing(path_);
    write_side_ = std::make_shared<WriteSide>(open_checked(path_, Connection::Mode::read_write), registry_);
  }

  std::string path_;
  std::optional<SnapshotFile> snapshot_;  ///< goes after every connection to it
  std::optional<std::string> set_aside_;
  std::optional<WriteLock> lock_;       ///< none for a reader and for a snapshot
  std::optional<std::uint64_t> inode_;  ///< of the file; set while this one rests
  std::shared_ptr<ReaderRegistry> registry_ = std::make_shared<ReaderRegistry>();
  std::shared_ptr<WriteSide> write_side_;
  std::shared_ptr<std::atomic<bool>> writer_open_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<SqliteReader> values_;
};

}  // namespace

std::unique_ptr<Database> Database::open(const std::string& path, bool read_only) {
  return std::make_unique<SqliteDatabase>(path, read_only);
}

std::unique_ptr<Database> Database::open_snapshot(const std::string& path) {
  return std::make_unique<SqliteDatabase>(SnapshotFile(path));
}

std::string Database::set_aside_damaged(const std::string& path) {
  const WriteLock lock(path);
  return set_aside_files(path);
}

}  // namespace syncline::state
