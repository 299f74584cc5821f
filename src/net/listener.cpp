// SPDX-License-Identifier: Apache-2.0
// From listening sockets to connections.
#include "net/listener.hpp"

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "net/acceptor.hpp"
#include "net/handshake.hpp"
#include "net/resolve.hpp"

namespace syncline::net {

/// Shared by its acceptors and handshakes on all threads; what they change is under `mutex_`.
class ListenerCore final : public std::enable_shared_from_this<ListenerCore> {
 public:
  ListenerCore(IoThreads& threads, ListenOptions options)
      : threads_(threads),
        options_(std::move(options)),
        context_(options_.identity, TlsContext::Role::server) {}

  void open();
  std::vector<Endpoint> endpoints() const;
  void stop_accepting();
  void shut();

 private:
  using Address = asio::ip::tcp::endpoint;
  using AddressKey = asio::ip::address;

  void accepted(Fd fd, const Address& address);
  void shake(const std::shared_ptr<IoThread>& thread, Fd fd, const Address& address);
  void shaken(const std::shared_ptr<IoThread>& thread, const Address& address,
              std::unique_ptr<TlsStream> stream, std::optional<Error> failure);
  bool admit(const AddressKey& address);
  void release(const AddressKey& address);
  void refuse(const std::string& address, const Error& cause);
  void call(const std::function<void()>& callback);

  IoThreads& threads_;  // outlives the listener, and with it the time until shut()
  const ListenOptions options_;
  const TlsContext context_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;

  std::mutex mutex_;
  std::condition_variable called_;
  std::map<AddressKey, std::size_t> handshakes_;  // of each address
  std::size_t handshake_count_ = 0;
  std::set<std::shared_ptr<Handshake>> shaking_;
  std::size_t calls_ = 0;  // of callbacks that are running
  bool shut_ = false;
};

void ListenerCore::open() {
  const auto add = [&](Fd listening) {
    acceptors_.push_back(std::make_shared<Acceptor>(threads_.next(), std::move(listening)));
  };
  for (const int fd : options_.sockets) add(adopt_listening(fd));
  for (const auto& text : options_.addresses) {
    const auto deadline = std::chrono::steady_clock::now() + options_.handshake_limit;
    for (const auto& address : resolve(Endpoint::parse(text), Purpose::listen, deadline))
      add(listen_on(address));
  }
  if (acceptors_.empty()) throw Error(Errc::usage, "no address to listen on");
  for (const auto& acceptor : acceptors_)
    acceptor->start([self = shared_from_this()](Fd fd, const Address& address) {
      self->accepted(std::move(fd), address);
    });
}

std::vector<Endpoint> ListenerCore::endpoints() const {
  std::vector<Endpoint> out;
  out.reserve(acceptors_.size());
  for (const auto& acceptor : acceptors_) out.push_back(acceptor->endpoint());
  return out;
}

void ListenerCore::stop_accepting() {
  for (const auto& acceptor : acceptors_) acceptor->close();
}

void ListenerCore::shut() {
  stop_accepting();
  std::unique_lock lock(mutex_);
  shut_ = true;
  const auto shaking = std::move(shaking_);
  shaking_.clear();
  if (!IoThread::is_current()) called_.wait(lock, [&] { return calls_ == 0; });
  lock.unlock();
  for (const auto& handshake : shaking) handshake->drop();
}

bool ListenerCore::admit(const AddressKey& address) {
  std::lock_guard lock(mutex_);
  if (shut_ || handshake_count_ >= options_.handshakes_max) return false;
  auto& count = handshakes_[address];
  if (count >= options_.handshakes_per_address_max) return false;
  ++count;
  ++handshake_count_;
  return true;
}

void ListenerCore::release(const AddressKey& address) {
  std::lock_guard lock(mutex_);
  --handshake_count_;
  const auto at = handshakes_.find(address);
  if (--at->second == 0) handshakes_.erase(at);
}

/// What a callback throws is its own affair: here it would end the thread of many connections.
void ListenerCore::call(const std::function<void()>& callback) {
  {
    std::lock_guard lock(mutex_);
    if (shut_) return;
    ++calls_;
  }
  try {
    callback();
  } catch (const std::exception&) {}
  std::lock_guard lock(mutex_);
  if (--calls_ == 0) called_.notify_all();
}

void ListenerCore::refuse(const std::string& address, const Error& cause) {
  if (options_.on_refused) call([&] { options_.on_refused(address, cause); });
}

void ListenerCore::accepted(Fd fd, const Address& address) {
  if (!admit(address.address()))
    return refuse(endpoint_of(address).text(),
                  Error(Errc::limit_exceeded, "connections without a handshake"));
  auto thread = threads_.next();
  const bool posted = thread->post([self = shared_from_this(), thread, fd = std::move(fd),
                                    address]() mutable { self->shake(thread, std::move(fd), address); });
  if (!posted) release(address.address());
}

void ListenerCore::shake(const std::shared_ptr<IoThread>& thread, Fd fd, const Address& address) {
  const auto deadline = std::chrono::steady_clock::now() + options_.handshake_limit;
  try {
    asio::ip::tcp::socket socket(thread->context());
    asio::error_code failed;
    socket.assign(address.protocol(), fd.get(), failed);
    if (failed) throw Error(failed.value(), "socket");
    fd.release();
    auto place = std::make_shared<std::weak_ptr<Handshake>>();
    auto done = [self = shared_from_this(), thread, address, place](std::unique_ptr<TlsStream> stream,
                                                                    std::optional<Error> failure) {
      {
        std::lock_guard lock(self->mutex_);
        self->shaking_.erase(place->lock());
      }
      self->shaken(thread, address, std::move(stream), std::move(failure));
    };
    auto handshake = std::make_shared<Handshake>(
        thread, std::move(socket), context_, [](const PeerKey&) { return true; }, deadline, done);
    *place = handshake;
    {
      std::lock_guard lock(mutex_);
      if (!shut_) shaking_.insert(handshake);
    }
    handshake->start();
  } catch (const Error& error) {
    shaken(thread, address, nullptr, error);
  } catch (const std::bad_alloc&) {
    shaken(thread, address, nullptr, Error(ENOMEM, "handshake"));
  }
}

void ListenerCore::shaken(const std::shared_ptr<IoThread>& thread, const Address& address,
                          std::unique_ptr<TlsStream> stream, std::optional<Error> failure) {
  release(address.address());
  const auto name = endpoint_of(address).text();
  if (failure) return refuse(name, *failure);
  LinkOptions link_options = options_.link;
  link_options.peer = name;
  try {
    auto connection = make_connection(thread, std::move(stream), link_options, name);
    call([&] { options_.on_connection(std::move(connection)); });
  } catch (const Error& error) {
    refuse(name, error);
  } catch (const std::bad_alloc&) {
    refuse(name, Error(ENOMEM, "connection"));
  }
}

Listener::Listener(IoThreads& threads, ListenOptions options)
    : core_(std::make_shared<ListenerCore>(threads, std::move(options))) {
  core_->open();
}

Listener::~Listener() { core_->shut(); }

std::vector<Endpoint> Listener::endpoints() const { return core_->endpoints(); }

void Listener::stop_accepting() { core_->stop_accepting(); }

}  // namespace syncline::net
