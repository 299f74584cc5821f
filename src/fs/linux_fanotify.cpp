// SPDX-License-Identifier: Apache-2.0
// Records of events taken apart.
#include "fs/linux_fanotify.hpp"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::fs {
namespace {

using EventMetadata = ::fanotify_event_metadata;

constexpr std::size_t event_buffer_bytes = 64 * limits::kib;

/// File system, type and bytes of a handle: as events have it, and as name_to_handle_at(2) tells it.
std::string handle_key(const void* fsid, int type, const void* bytes, std::size_t length) {
  std::string out(static_cast<const char*>(fsid), sizeof(::fsid_t));
  out.append(reinterpret_cast<const char*>(&type), sizeof type);
  out.append(static_cast<const char*>(bytes), length);
  return out;
}

DirPlace place_of(std::string_view record) {
  ::fanotify_event_info_fid head;
  std::memcpy(&head, record.data(), sizeof head);
  ::file_handle handle;
  std::memcpy(&handle, record.data() + sizeof head, sizeof handle);
  const char* bytes = record.data() + sizeof head + sizeof handle;
  const char* name = bytes + handle.handle_bytes;
  std::string text(name, ::strnlen(name, static_cast<std::size_t>(record.data() + record.size() - name)));
  return {handle_key(&head.fsid, handle.handle_type, bytes, handle.handle_bytes), text == "." ? "" : text};
}

FanEvent event_of(std::string_view raw) {
  EventMetadata head;
  std::memcpy(&head, raw.data(), sizeof head);
  FanEvent out;
  out.mask = head.mask;
  out.pid = head.pid;
  for (std::size_t at = head.metadata_len; at + sizeof(::fanotify_event_info_header) <= raw.size();) {
    ::fanotify_event_info_header info;
    std::memcpy(&info, raw.data() + at, sizeof info);
    if (info.len < sizeof info) break;
    const auto record = raw.substr(at, info.len);
    if (info.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME ||
        info.info_type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME)
      out.place = place_of(record);
    else if (info.info_type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME) out.new_place = place_of(record);
    at += info.len;
  }
  return out;
}

}  // namespace

std::string handle_key_of(const LinuxDir& dir) {
  struct ::statfs system {};
  if (::fstatfs(dir.descriptor(), &system) != 0) throw_named("watch directory", dir.shown_name());
  alignas(::file_handle) std::array<char, sizeof(::file_handle) + MAX_HANDLE_SZ> room{};
  auto* handle = reinterpret_cast<::file_handle*>(room.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(dir.descriptor(), "", handle, &mount, AT_EMPTY_PATH) != 0)
    throw_named("watch directory", dir.shown_name());
  return handle_key(&system.f_fsid, handle->handle_type, room.data() + sizeof(::file_handle),
                    handle->handle_bytes);
}

Fd new_fanotify_group() {
  Fd out(::fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK,
                         O_RDONLY | O_CLOEXEC));
  if (!out) throw_errno("watch file systems");
  return out;
}

void read_fanotify(const Fd& group, const std::function<void(const FanEvent&)>& use) {
  alignas(EventMetadata) std::array<char, event_buffer_bytes> buffer;
  for (;;) {
    const auto count = retry([&] { return ::read(group.get(), buffer.data(), buffer.size()); });
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) throw_errno("read changes of file systems");
    for (std::size_t at = 0; at + sizeof(EventMetadata) <= static_cast<std::size_t>(count);) {
      EventMetadata head;
      std::memcpy(&head, buffer.data() + at, sizeof head);
      if (head.vers != FANOTIFY_METADATA_VERSION || head.event_len < sizeof head)
        throw Error(EPROTO, "fanotify");
      use(event_of({buffer.data() + at, head.event_len}));
      at += head.event_len;
    }
  }
}

}  // namespace syncline::fs
