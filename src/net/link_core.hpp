// SPDX-License-Identifier: Apache-2.0
// The queues of a link, and its reader and writer on the network thread. Internal to src/net.
#pragma once

#include <asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/frame_reader.hpp"
#include "net/io_thread.hpp"
#include "net/link.hpp"
#include "net/stream.hpp"

namespace syncline::net {

/// Lives as long as its Link or an operation of it. Two halves: the queues under `mutex_`, which threads of
/// the engine and the network thread share, and everything else, which is the network thread's alone. The
/// network thread takes the mutex for moves of pointers only and never waits for a condition.
class LinkCore final : public Running, public std::enable_shared_from_this<LinkCore> {
 public:
  LinkCore(std::shared_ptr<IoThread> thread, std::unique_ptr<Stream> stream, const LinkOptions& options);

  // Any thread; see Link.
  void start();
  void send(Bytes frame);
  std::optional<Bytes> receive();
  bool has_input() const;
  std::size_t waiting_bytes() const;
  void close();
  void part();
  void wait_closed();
  void abort();
  std::optional<Error> failure() const;
  void on_input(std::function<void()> ready);
  void forget_ready();
  void limit_input(std::size_t frame_bytes_max, std::size_t queue_bytes_max);
  const Stream& stream() const { return *stream_; }

  void stop_running() override;

 private:
  using Clock = std::chrono::steady_clock;

  // Network thread: link_core.cpp.
  void run(void (LinkCore::*step)());
  void begin();
  void read_on();
  bool read_some();
  bool must_pause();
  void resume();
  void take_in(ByteView bytes);
  void deliver(std::vector<Bytes> frames);
  void fire();
  void read_end();
  void write_on();
  bool write_some();
  void said_all();
  bool gather();
  std::size_t write_pieces();
  void wrote(std::size_t bytes);
  void note_progress();
  void write_failed(const Error& cause);
  void await(bool& waits, void (Stream::*wait)(Stream::Wake), void (LinkCore::*step)());
  void wait_writable();
  void begin_close();
  void tick();
  std::optional<Error> overdue(Clock::time_point now);
  void keep_alive(Clock::time_point now);
  Clock::time_point next_due() const;
  void arm();
  void end(std::optional<Error> cause);
  Error named(const Error& error) const;
  Error timed_out(const char* what, std::chrono::milliseconds limit) const;

  const std::shared_ptr<IoThread> thread_;
  const std::unique_ptr<Stream> stream_;
  const LinkOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable space_;
  std::condition_variable filled_;
  std::condition_variable settled_;  // said_all_, ended_ or not ready_running_
  std::deque<Bytes> out_;            // not yet gathered by the writer
  std::size_t out_bytes_ = 0;  // of those, and of what the writer has gathered and the stream not yet taken
  std::deque<Bytes> in_;
  std::size_t in_bytes_ = 0;
  std::size_t in_frame_max_;
  std::size_t in_queue_max_;
  std::function<void()> ready_;
  std::optional<Error> failure_;
  bool out_closed_ = false;   // send() throws
  bool in_closed_ = false;    // nothing more comes into in_
  bool closed_here_ = false;  // by close() or abort()
  bool aborted_ = false;
  bool parted_ = false;         // nobody waits for their answer to close()
  bool said_all_ = false;       // after close(): everything, and the end, is with the kernel
  bool ended_ = false;          // the stream is closed
  bool writer_busy_ = false;    // will look into out_ once more
  bool reader_paused_ = false;  // until in_ has room
  bool resume_posted_ = false;
  bool ready_running_ = false;

  FrameReader frames_;
  std::deque<Bytes> writing_;
  std::size_t writing_offset_ = 0;  // what the stream has taken of writing_.front()
  std::optional<Error> write_error_;
  bool waits_readable_ = false;
  bool waits_writable_ = false;
  bool closing_ = false;
  bool over_ = false;
  asio::steady_timer timer_;
  Clock::time_point armed_for_ = Clock::time_point::max();
  Clock::time_point last_received_;
  Clock::time_point last_sent_;
  Clock::time_point stalled_since_;  // while waits_writable_
  Clock::time_point close_due_;
  std::uint64_t sent_seen_bytes_ = 0;
};

}  // namespace syncline::net
