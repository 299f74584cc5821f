// SPDX-License-Identifier: Apache-2.0
// From a request to its answer.
#include "control/connection.hpp"

#include <asio/buffer.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <utility>

#include "base/error.hpp"

namespace syncline::control {
namespace {

using asio::error_code;

}  // namespace

Connection::Connection(Socket socket, Desk& desk, const ServerOptions& options)
    : socket_(std::move(socket)), desk_(desk), options_(options), timer_(socket_.get_executor()) {}

void Connection::start() {
  limit_time();
  read_request();
}

void Connection::refuse(const std::string& cause) {
  is_last_ = true;
  send(refusal(cause));
}

/// From now on; until then something must have come of it.
void Connection::limit_time() {
  timer_.expires_after(options_.idle);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->close();
  });
}

void Connection::close() {
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
  ticket_.reset();
  if (on_end_) std::exchange(on_end_, nullptr)();
}

void Connection::read_request() {
  asio::async_read_until(socket_, asio::dynamic_buffer(input_, limits::control_line_bytes_max), '\n',
                         [self = shared_from_this()](error_code error, std::size_t count) {
                           if (error == asio::error::not_found) self->refuse("a line that is too long");
                           else if (error) self->close();
                           else self->take_request(count);
                         });
}

void Connection::take_request(std::size_t count) {
  try {
    const auto request = parse_request(std::string_view(input_).substr(0, count - 1));
    if (request.ask == Ask::wait) return begin_waiting();
    const auto answer = desk_.answer(request);
    is_last_ = true;
    send(answer);
  } catch (const std::exception& error) {
    refuse(error.what());
  }
}

void Connection::begin_waiting() {
  timer_.cancel();
  ticket_ = desk_.want_round();
  watch_for_end();
  news();
}

/// Nothing more is to come: whatever does, this one has gone, or does not keep to the rules.
void Connection::watch_for_end() {
  input_.resize(1);
  socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](error_code, std::size_t) {
    if (!self->is_last_) self->close();
  });
}

void Connection::news() {
  if (!ticket_ || is_writing_) return;  // looked at again when that is written
  if (desk_.is_proven(*ticket_)) {
    ticket_.reset();
    is_last_ = true;
    return send(desk_.waited());
  }
  const auto standing = desk_.standing();
  auto line = answer_line(standing);
  if (line == told_) return;
  told_ = line;
  write(std::move(line));
}

void Connection::send(const Json& answer) { write(answer_line(answer)); }

void Connection::write(std::string line) {
  is_writing_ = true;
  output_ = std::move(line);
  limit_time();
  asio::async_write(socket_, asio::buffer(output_),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      self->is_writing_ = false;
                      if (error) self->close();
                      else self->written();
                    });
}

void Connection::written() {
  timer_.cancel();
  if (is_last_) return close();
  news();
}

}  // namespace syncline::control
