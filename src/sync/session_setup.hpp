// SPDX-License-Identifier: Apache-2.0
// From a person's options to what a session is told, and the news of its progress.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "base/kept_thread.hpp"
#include "sync/events.hpp"
#include "sync/selector.hpp"
#include "syncline/copy.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

/// Of what this side sends.
wire::ChannelOptions channel_options(const CopyOptions& options, const Clock& clock);

/// wire::Attribute bits.
std::uint32_t attributes_of(const CopyOptions& options);

/// `prefix`: what filter rules see before every path.
void fill_selector(const CopyOptions& options, const std::string& prefix, Selector& out);

/// Reports progress, ten times a second and once more at its end, until it is destroyed.
class ProgressTicker {
 public:
  ProgressTicker(Events& events, std::function<std::uint64_t()> sent_bytes);
  ProgressTicker(const ProgressTicker&) = delete;
  ProgressTicker& operator=(const ProgressTicker&) = delete;
  ~ProgressTicker();

 private:
  void run();
  void tell();

  Events& events_;
  std::function<std::uint64_t()> sent_bytes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  KeptThread thread_;
};

}  // namespace syncline::sync
