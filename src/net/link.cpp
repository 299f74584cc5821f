// SPDX-License-Identifier: Apache-2.0
// The engine's side of a link: a thin shell around its core.
#include "net/link.hpp"

#include <stdexcept>

#include "net/link_core.hpp"

namespace syncline::net {

Link::Link(std::shared_ptr<IoThread> thread, std::unique_ptr<Stream> stream, const LinkOptions& options)
    : core_(std::make_shared<LinkCore>(std::move(thread), std::move(stream), options)) {
  core_->start();
}

Link::~Link() {
  core_->forget_ready();
  core_->close();
  if (!IoThread::is_current()) core_->wait_closed();
}

void Link::send(Bytes frame) { core_->send(std::move(frame)); }

void Link::hand_over(wire::Message, std::size_t) {
  throw std::logic_error("no message crosses a network as it is");
}

std::optional<wire::Parcel> Link::receive() {
  auto frame = core_->receive();
  if (!frame) return std::nullopt;
  return std::move(*frame);
}

bool Link::has_input() const { return core_->has_input(); }
void Link::close() { core_->close(); }
void Link::part() { core_->part(); }
void Link::abort() { core_->abort(); }
std::uint64_t Link::sent_bytes() const { return core_->stream().sent_bytes(); }
std::uint64_t Link::received_bytes() const { return core_->stream().received_bytes(); }
std::uint64_t Link::waiting_bytes() const { return core_->waiting_bytes(); }
std::optional<Error> Link::failure() const { return core_->failure(); }
void Link::on_input(std::function<void()> ready) { core_->on_input(std::move(ready)); }

void Link::limit_input(std::size_t frame_bytes_max, std::size_t queue_bytes_max) {
  core_->limit_input(frame_bytes_max, queue_bytes_max);
}

}  // namespace syncline::net
