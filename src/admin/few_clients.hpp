// A listener for few clients at a time, on the core loop: accepts, keeps the newest, closes the oldest beyond a number.
// Only the .cpp files that know Asio include it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace tandem::admin {

// `Client` has close(), and holds itself as long as its connection lives.
template <class Protocol, class Client>
class FewClients : public std::enable_shared_from_this<FewClients<Protocol, Client>> {
 public:
  using Socket = typename Protocol::socket;
  using Begin =
      std::function<std::shared_ptr<Client>(Socket)>;  // takes the connection and begins to read; nullptr: refused

  FewClients(boost::asio::io_context& loop, std::size_t at_most, Begin begin)
      : acceptor(loop), retry_(loop), at_most_(at_most), begin_(std::move(begin)) {}

  // Once `acceptor` listens.
  void accept() {
    acceptor.async_accept([self = this->shared_from_this()](const boost::system::error_code& error, Socket socket) {
      if (!self->acceptor.is_open()) return;
      if (error) return self->accept_later();
      self->take(std::move(socket));
      self->accept();
    });
  }

  void close() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    retry_.cancel();
    for (const auto& weak : clients_) {
      if (const auto client = weak.lock()) client->close();
    }
    clients_.clear();
  }

  typename Protocol::acceptor acceptor;

 private:
  // Out of file descriptors, most likely: not in a busy loop.
  void accept_later() {
    constexpr auto retry_after = std::chrono::milliseconds(200);
    retry_.expires_after(retry_after);
    retry_.async_wait([self = this->shared_from_this()](const boost::system::error_code&) {
      if (self->acceptor.is_open()) self->accept();
    });
  }

  void take(Socket socket) {
    const std::shared_ptr<Client> client = begin_(std::move(socket));
    if (client == nullptr) return;
    std::erase_if(clients_, [](const std::weak_ptr<Client>& one) { return one.expired(); });
    if (clients_.size() >= at_most_) {
      if (const auto oldest = clients_.front().lock()) oldest->close();
      clients_.pop_front();
    }
    clients_.push_back(client);
  }

  boost::asio::steady_timer retry_;
  const std::size_t at_most_;
  const Begin begin_;
  std::deque<std::weak_ptr<Client>> clients_;  // oldest first
};

}  // namespace tandem::admin
