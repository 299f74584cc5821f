// SPDX-License-Identifier: Apache-2.0
// DirWatch by fanotify: one mark for a whole file system, whose events name directories by their handles.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "fs/dir_watch.hpp"
#include "fs/linux_fanotify.hpp"

namespace syncline::fs {
namespace {

using Kind = DirChange::Kind;

constexpr std::uint64_t wanted_events = FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE |
                                        FAN_DELETE_SELF | FAN_RENAME | FAN_ATTRIB | FAN_ONDIR;

const LinuxDir& linux_dir(const Dir& dir) {
  const auto* open = dynamic_cast<const LinuxDir*>(&dir);
  if (open == nullptr) throw Error(EXDEV, "watch a directory");
  return *open;
}

void mark(const Fd& group, const LinuxDir& dir, std::uint64_t events) {
  if (::fanotify_mark(group.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, events, dir.descriptor(), nullptr) !=
      0)
    throw_named("watch the file system of", dir.shown_name());
}

/// Some file systems take a mark and tell nothing, or name directories in another way: an event of our own,
/// which changes nothing, shows it.
void probe(const LinuxDir& root) {
  const Fd group = new_fanotify_group();
  mark(group, root, FAN_OPEN | FAN_ONDIR);
  const auto opened = root.open_beneath(RelPath());
  bool is_told = false;
  read_fanotify(group, [&](const FanEvent& event) {
    is_told |= event.pid == ::getpid() && event.place && event.place->key == handle_key_of(root);
  });
  if (!is_told) throw_named("watch the file system of", root.shown_name(), EOPNOTSUPP);
}

class Fanotify final : public DirWatch {
 public:
  Fanotify()
      : group_(new_fanotify_group()),
        wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        mounts_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {
    if (!wake_) throw_errno("watch file systems");
  }

  /// The mark is set each time: it goes with the file system when that is unmounted, and its next mount is
  /// another one.
  int add(const Dir& dir) override {
    const auto& open = linux_dir(dir);
    const auto key = handle_key_of(open);
    if (::fanotify_mark(group_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, wanted_events, open.descriptor(),
                        nullptr) != 0)
      throw_named("watch the file system of", open.shown_name(),
                  errno == EXDEV || errno == EOPNOTSUPP || errno == ENODEV ? ENOSPC : errno);
    systems_.insert(open.stat().device);
    const auto [known, is_new] = numbers_.try_emplace(key, next_);
    if (is_new) keys_[next_++] = key;
    return known->second;
  }

  void remove(int watch) noexcept override {
    const auto found = keys_.find(watch);
    if (found == keys_.end()) return;
    numbers_.erase(found->second);
    keys_.erase(found);
  }

  /// The kernel tells of much that happens elsewhere: that ends no wait.
  bool wait(std::chrono::milliseconds limit) override {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
      std::array<::pollfd, 3> waiting{
          {{group_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}, {mounts_.get(), POLLPRI, 0}}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      const int ready =
          ::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<long>(0, left.count())));
      if (ready < 0 && errno != EINTR) throw_errno("wait for changes");
      if (ready <= 0) return !changes_.empty();
      ::eventfd_t count = 0;
      if (waiting[1].revents != 0) ::eventfd_read(wake_.get(), &count);
      if (waiting[2].revents != 0 && has_lost_mark()) changes_.emplace_back();
      if (waiting[0].revents != 0) take_events();
      if (!changes_.empty()) return true;
      if (waiting[1].revents != 0) return false;
    }
  }

  void wake() noexcept override { ::eventfd_write(wake_.get(), 1); }

  std::vector<DirChange> read() override {
    take_events();
    return std::exchange(changes_, {});
  }

 private:
  int number_of(const std::optional<DirPlace>& place) const {
    const auto found = place ? numbers_.find(place->key) : numbers_.end();
    return found == numbers_.end() ? -1 : found->second;
  }

  void take_events() {
    read_fanotify(group_, [&](const FanEvent& event) { tell(event, changes_); });
  }

  /// The kernel makes one event of several that are alike, whose order is lost: gone before made, for whoever
  /// looks then finds what there is.
  void tell(const FanEvent& event, std::vector<DirChange>& out) {
    if ((event.mask & FAN_Q_OVERFLOW) != 0) return out.emplace_back(), void();
    const bool is_dir = (event.mask & FAN_ONDIR) != 0;
    const int watch = number_of(event.place);
    if ((event.mask & FAN_RENAME) != 0) {
      const auto cookie = ++cookie_;
      if (watch >= 0) out.push_back({Kind::moved_away, watch, is_dir, cookie, event.place->name});
      if (const int to = number_of(event.new_place); to >= 0)
        out.push_back({Kind::moved_here, to, is_dir, cookie, event.new_place->name});
      // That it was made anew since then may have been told already, with its first making.
      if (watch >= 0 && is_dir) out.push_back({Kind::made, watch, is_dir, 0, event.place->name});
      return;
    }
    if (watch < 0) return;
    const auto put = [&](Kind kind) { out.push_back({kind, watch, is_dir, 0, event.place->name}); };
    const bool is_itself = event.place->name.empty();
    if ((event.mask & FAN_DELETE) != 0) put(Kind::gone);
    if ((event.mask & FAN_CREATE) != 0) put(Kind::made);
    if ((event.mask & FAN_CLOSE_WRITE) != 0) put(Kind::closed);
    else if ((event.mask & FAN_MODIFY) != 0) put(Kind::written);
    if ((event.mask & FAN_ATTRIB) != 0) put(Kind::attributes);
    if ((event.mask & FAN_DELETE_SELF) != 0 && is_dir && is_itself) {
      remove(watch);
      put(Kind::left);
    }
  }

  /// A file system that was unmounted took its mark along and told nothing.
  bool has_lost_mark() {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(group_.get()));
    std::size_t marks = 0;
    for (std::string line; std::getline(info, line);) marks += line.starts_with("fanotify sdev:") ? 1 : 0;
    if (marks >= systems_.size()) return false;
    systems_.clear();  // whoever looks at everything again adds those that are there
    return true;
  }

  Fd group_;
  Fd wake_;
  Fd mounts_;
  std::set<std::uint64_t> systems_;  ///< devices that have a mark
  std::unordered_map<std::string, int> numbers_;
  std::unordered_map<int, std::string> keys_;
  int next_ = 0;
  std::uint32_t cookie_ = 0;
  std::vector<DirChange> changes_;  ///< not read yet
};

}  // namespace

std::unique_ptr<DirWatch> watch_file_systems(const Dir& root) {
  auto out = std::make_unique<Fanotify>();
  probe(linux_dir(root));
  return out;
}

}  // namespace syncline::fs
