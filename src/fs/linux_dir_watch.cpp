// SPDX-License-Identifier: Apache-2.0
// DirWatch by inotify.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/dir_watch.hpp"
#include "fs/linux_fs.hpp"

namespace syncline::fs {
namespace {

constexpr std::uint32_t dir_watch_events = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                                           IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR |
                                           IN_EXCL_UNLINK;
constexpr std::size_t buffer_bytes = 64 * limits::kib;

/// The most telling one of an event's bits.
DirChange::Kind kind_of(std::uint32_t mask) {
  using enum DirChange::Kind;
  if (mask & IN_Q_OVERFLOW) return overflow;
  if (mask & IN_UNMOUNT) return unmounted;
  if (mask & IN_IGNORED) return left;
  if (mask & IN_MOVED_FROM) return moved_away;
  if (mask & IN_MOVED_TO) return moved_here;
  if (mask & IN_CREATE) return made;
  if (mask & IN_DELETE) return gone;
  if (mask & IN_CLOSE_WRITE) return closed;
  if (mask & IN_MODIFY) return written;
  return attributes;
}

class Inotify final : public DirWatch {
 public:
  Inotify()
      : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!fd_ || !wake_) throw_errno("watch directories");
  }

  int add(const Dir& dir) override {
    const auto* open = dynamic_cast<const LinuxDir*>(&dir);
    if (open == nullptr) throw Error(EXDEV, "watch a directory");
    // By its descriptor: whatever the name means by now, this is the directory that is meant.
    const auto path = "/proc/self/fd/" + std::to_string(open->descriptor());
    const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), dir_watch_events);
    if (watch < 0) throw_named("watch directory", open->shown_name());
    return watch;
  }

  void remove(int watch) noexcept override { ::inotify_rm_watch(fd_.get(), watch); }

  bool wait(std::chrono::milliseconds limit) override {
    std::array<::pollfd, 2> waiting{{{fd_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(limit.count()));
    if (ready < 0 && errno != EINTR) throw_errno("wait for changes");
    ::eventfd_t count = 0;
    if (ready > 0 && waiting[1].revents != 0) ::eventfd_read(wake_.get(), &count);
    return ready > 0 && waiting[0].revents != 0;
  }

  void wake() noexcept override { ::eventfd_write(wake_.get(), 1); }
  int descriptor() const override { return fd_.get(); }

  std::vector<DirChange> read() override {
    std::vector<DirChange> out;
    alignas(::inotify_event) std::array<char, buffer_bytes> buffer;
    for (;;) {
      const auto count = retry([&] { return ::read(fd_.get(), buffer.data(), buffer.size()); });
      if (count < 0 && errno == EAGAIN) return out;
      if (count < 0) throw_errno("read changes of directories");
      for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
        ::inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        out.push_back({kind_of(event.mask), event.wd, (event.mask & IN_ISDIR) != 0, event.cookie,
                       event.len == 0 ? std::string() : std::string(name, ::strnlen(name, event.len))});
        at += sizeof event + event.len;
      }
    }
  }

 private:
  Fd fd_;
  Fd wake_;
};

}  // namespace

std::unique_ptr<DirWatch> watch_dirs() { return std::make_unique<Inotify>(); }

}  // namespace syncline::fs
