// SPDX-License-Identifier: Apache-2.0
// Reader, writer and clock of a link, on its network thread.
#include "net/link_core.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace syncline::net {
namespace {

/// Reads or writes before the other connections of the thread have their turn.
constexpr int turns_max = 16;
constexpr std::size_t pieces_max = 64;

}  // namespace

LinkCore::LinkCore(std::shared_ptr<IoThread> thread, std::unique_ptr<Stream> stream,
                   const LinkOptions& options)
    : thread_(std::move(thread)),
      stream_(std::move(stream)),
      options_(options),
      in_frame_max_(options.frame_bytes_max),
      in_queue_max_(options.queue_bytes_max),
      timer_(thread_->context()) {}

/// Whatever a step throws is the end of this link and of nothing else.
void LinkCore::run(void (LinkCore::*step)()) {
  if (over_) return;
  std::optional<Error> cause;
  try {
    (this->*step)();
    return;
  } catch (const Error& error) {
    cause = named(error);
  } catch (const std::bad_alloc&) {
    cause = Error(ENOMEM, options_.peer);
  }
  try {
    stream_->flush();  // an alert that tells the other side why
  } catch (const std::exception&) {}
  end(cause);
}

Error LinkCore::named(const Error& error) const {
  const auto context = options_.peer + ": " + error.context();
  if (error.code().category() == syncline_category())
    return {static_cast<Errc>(error.code().value()), context};
  return {error.code().value(), context};
}

void LinkCore::begin() {
  if (!thread_->attach(*this)) return stop_running();
  last_received_ = last_sent_ = Clock::now();
  arm();
  read_on();
}

void LinkCore::await(bool& waits, void (Stream::*wait)(Stream::Wake), void (LinkCore::*step)()) {
  waits = true;
  (stream_.get()->*wait)([self = shared_from_this(), &waits, step](std::error_code failed) {
    waits = false;
    if (!failed) self->run(step);
    else if (!self->over_) self->end(self->named(Error(failed.value(), "waiting")));
  });
}

void LinkCore::read_on() {
  for (int turn = 0; turn < turns_max; ++turn)
    if (over_ || !read_some()) return;
  thread_->post([self = shared_from_this()] { self->run(&LinkCore::read_on); });
}

/// False when something else must happen before more can be read.
bool LinkCore::read_some() {
  if (waits_readable_ || must_pause()) return false;
  const auto scratch = thread_->scratch();
  const auto input = stream_->read(scratch);
  switch (input.state) {
    case Stream::State::data:
      last_received_ = Clock::now();
      take_in(scratch.first(input.bytes));
      return true;
    case Stream::State::end: read_end(); return false;
    case Stream::State::wait_input: await(waits_readable_, &Stream::wait_readable, &LinkCore::read_on); break;
  }
  // What was read may have been answered below us (TLS key updates).
  if (stream_->has_output()) write_on();
  return false;
}

bool LinkCore::must_pause() {
  std::lock_guard lock(mutex_);
  if (closing_ || in_bytes_ <= in_queue_max_) return false;
  reader_paused_ = true;
  return true;
}

void LinkCore::resume() {
  {
    std::lock_guard lock(mutex_);
    reader_paused_ = resume_posted_ = false;
  }
  last_received_ = Clock::now();  // that it was silent was our doing
  arm();
  read_on();
}

void LinkCore::take_in(ByteView bytes) {
  if (closing_) return;
  std::size_t frame_bytes_max = 0;
  {
    std::lock_guard lock(mutex_);
    frame_bytes_max = in_frame_max_;
  }
  std::vector<Bytes> frames;
  try {
    frames_.feed(bytes, frame_bytes_max, frames);
  } catch (const Error&) {
    deliver(std::move(frames));
    throw;
  }
  deliver(std::move(frames));
}

void LinkCore::deliver(std::vector<Bytes> frames) {
  if (frames.empty()) return;
  {
    std::lock_guard lock(mutex_);
    if (in_closed_) return;
    for (auto& frame : frames) {
      in_bytes_ += frame.size();
      in_.push_back(std::move(frame));
    }
    filled_.notify_all();
  }
  fire();
}

void LinkCore::fire() {
  std::function<void()> ready;
  {
    std::lock_guard lock(mutex_);
    if (!ready_ || (in_.empty() && !in_closed_)) return;
    ready.swap(ready_);
    ready_running_ = true;
  }
  ready();
  ready = nullptr;  // what it holds goes before the destructor of the link may go on
  std::lock_guard lock(mutex_);
  ready_running_ = false;
  settled_.notify_all();
}

/// They say that they are done: nobody would read what is still to be written.
void LinkCore::read_end() {
  if (!closing_ && !frames_.at_boundary()) throw Error(Errc::truncated, "a frame");
  try {
    stream_->finish();
    stream_->flush();
  } catch (const Error&) {}
  end(std::nullopt);
}

void LinkCore::write_on() {
  if (write_error_) return;
  try {
    for (int turn = 0; turn < turns_max; ++turn)
      if (!write_some()) return;
  } catch (const Error& error) {
    return write_failed(named(error));
  }
  thread_->post([self = shared_from_this()] { self->run(&LinkCore::write_on); });
}

/// False when there is nothing to write, or no room.
bool LinkCore::write_some() {
  if (waits_writable_) return false;
  if (gather()) {
    const auto taken = write_pieces();
    wrote(taken);
    note_progress();
    if (taken != 0 && !stream_->has_output()) return true;
  } else {
    if (closing_) stream_->finish();
    const bool flushed = stream_->flush();
    note_progress();
    if (flushed) {
      stream_->rest();
      if (closing_) said_all();
      return false;
    }
  }
  wait_writable();
  return false;
}

void LinkCore::said_all() {
  std::lock_guard lock(mutex_);
  said_all_ = true;
  settled_.notify_all();
}

/// Everything queued goes along; false when there is nothing.
bool LinkCore::gather() {
  std::lock_guard lock(mutex_);
  if (writing_.empty()) writing_.swap(out_);
  else
    for (; !out_.empty(); out_.pop_front()) writing_.push_back(std::move(out_.front()));
  if (writing_.empty()) writer_busy_ = false;
  return !writing_.empty();
}

std::size_t LinkCore::write_pieces() {
  std::array<ByteView, pieces_max> pieces;
  const auto count = std::min(writing_.size(), pieces.size());
  for (std::size_t k = 0; k < count; ++k) pieces[k] = writing_[k];
  pieces[0] = pieces[0].subspan(writing_offset_);
  return stream_->write(std::span(pieces).first(count));
}

void LinkCore::wrote(std::size_t bytes) {
  writing_offset_ += bytes;
  while (!writing_.empty() && writing_offset_ >= writing_.front().size()) {
    writing_offset_ -= writing_.front().size();
    writing_.pop_front();
  }
  std::lock_guard lock(mutex_);
  out_bytes_ -= bytes;
  if (out_bytes_ <= options_.queue_bytes_max / 2) space_.notify_all();
}

void LinkCore::note_progress() {
  const auto sent_bytes = stream_->sent_bytes();
  if (std::exchange(sent_seen_bytes_, sent_bytes) != sent_bytes) last_sent_ = Clock::now();
}

void LinkCore::wait_writable() {
  stalled_since_ = Clock::now();
  await(waits_writable_, &Stream::wait_writable, &LinkCore::write_on);
  arm();
}

/// What they said last may still lie in the socket: the reader goes on and finds the end.
void LinkCore::write_failed(const Error& cause) {
  write_error_ = cause;
  writing_.clear();
  {
    std::lock_guard lock(mutex_);
    out_closed_ = true;
    out_.clear();
    out_bytes_ = 0;
    space_.notify_all();
  }
  if (closing_) end(cause);
}

/// Delivers what is queued, says that it was all, and reads until the other side says so too: a socket closed
/// with unread input is reset, and what was not yet received on the other side would be lost.
void LinkCore::begin_close() {
  if (write_error_) return end(write_error_);
  closing_ = true;
  close_due_ = Clock::now() + options_.close_limit;
  arm();
  fire();
  write_on();
  if (!over_) read_on();
}

void LinkCore::end(std::optional<Error> cause) {
  if (std::exchange(over_, true)) return;
  const auto self = shared_from_this();
  timer_.cancel();
  stream_->close();
  thread_->detach(*this);
  writing_.clear();
  {
    std::lock_guard lock(mutex_);
    ended_ = out_closed_ = in_closed_ = true;
    if (!aborted_) failure_ = std::move(cause);
    out_.clear();
    out_bytes_ = 0;
    space_.notify_all();
    filled_.notify_all();
    settled_.notify_all();
  }
  fire();
}

void LinkCore::stop_running() { end(Error(Errc::cancelled, options_.peer)); }

}  // namespace syncline::net
