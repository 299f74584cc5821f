// SPDX-License-Identifier: Apache-2.0
// The in-process transport: two byte-bounded queues.
#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/limits.hpp"
#include "wire/transport.hpp"

namespace syncline::wire {
namespace {

class Queue {
 public:
  void push(Parcel parcel, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    space_.wait(lock, [&] { return closed_ || queued_bytes_ < limits::pipe_bytes_max; });
    if (closed_) throw Error(Errc::disconnected, "the other side");
    queued_bytes_ += bytes;
    total_bytes_ += bytes;
    parcels_.emplace_back(std::move(parcel), bytes);
    filled_.notify_one();
  }
  std::optional<Parcel> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || !parcels_.empty(); });
    if (parcels_.empty()) return std::nullopt;
    auto [out, bytes] = std::move(parcels_.front());
    parcels_.pop_front();
    queued_bytes_ -= bytes;
    taken_bytes_ += bytes;
    space_.notify_all();
    return std::move(out);
  }
  bool has_input() const {
    std::lock_guard lock(mutex_);
    return closed_ || !parcels_.empty();
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    space_.notify_all();
    filled_.notify_all();
  }
  std::uint64_t total_bytes() const {
    std::lock_guard lock(mutex_);
    return total_bytes_;
  }
  std::uint64_t queued_bytes() const {
    std::lock_guard lock(mutex_);
    return queued_bytes_;
  }
  std::uint64_t taken_bytes() const {
    std::lock_guard lock(mutex_);
    return taken_bytes_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable space_;
  std::condition_variable filled_;
  std::deque<std::pair<Parcel, std::size_t>> parcels_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t taken_bytes_ = 0;
  bool closed_ = false;
};

class PipeEnd final : public Transport {
 public:
  PipeEnd(std::shared_ptr<Queue> out, std::shared_ptr<Queue> in) : out_(std::move(out)), in_(std::move(in)) {}
  ~PipeEnd() override { shut(); }
  void send(Bytes frame) override {
    const auto bytes = frame.size();
    out_->push(std::move(frame), bytes);
  }
  void hand_over(Message message, std::size_t coded_bytes) override {
    out_->push(std::move(message), coded_bytes);
  }
  std::optional<Parcel> receive() override { return in_->pop(); }
  bool has_input() const override { return in_->has_input(); }
  void close() override { shut(); }
  std::uint64_t sent_bytes() const override { return out_->total_bytes(); }
  std::uint64_t received_bytes() const override { return in_->taken_bytes(); }
  std::uint64_t waiting_bytes() const override { return out_->queued_bytes(); }
  bool is_local() const override { return true; }

 private:
  void shut() {
    out_->close();
    in_->close();
  }
  std::shared_ptr<Queue> out_;
  std::shared_ptr<Queue> in_;
};

}  // namespace

std::pair<std::unique_ptr<Transport>, std::unique_ptr<Transport>> make_pipe() {
  auto there = std::make_shared<Queue>();
  auto back = std::make_shared<Queue>();
  return {std::make_unique<PipeEnd>(there, back), std::make_unique<PipeEnd>(back, there)};
}

}  // namespace syncline::wire
