#include "admin/control.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "admin/few_clients.hpp"
#include "admin/protocol.hpp"
#include "base/limits.hpp"
#include "base/unix_socket.hpp"

namespace tandem::admin {

namespace {

using Protocol = boost::asio::local::stream_protocol;
using boost::system::error_code;

constexpr mode_t socket_mode = 0666;  // who may do what is asked of the kernel

// One tandemctl: reads lines, answers each, bounded in what it holds.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(Protocol::socket socket, std::shared_ptr<const Control::Handler> handler, Caller caller, Permission permission)
      : socket_(std::move(socket)), handler_(std::move(handler)), caller_(std::move(caller)), permission_(permission) {}

  void read() {
    socket_.async_read_some(boost::asio::buffer(piece_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                              if (!error) self->take({self->piece_.data(), size});
                            });
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }
  bool is_open() const { return socket_.is_open(); }

 private:
  void take(std::string_view bytes) {
    request_.append(bytes);
    std::string replies;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = request_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      if (!socket_.is_open()) return;
      replies += (*handler_)(std::string_view(request_).substr(begin, end - begin), caller_, permission_);
      replies += '\n';
    }
    request_.erase(0, begin);
    const bool too_long = request_.size() > limits::control_request_bytes;
    if (too_long) replies += reply_error("the request is too long") + '\n';
    answer(std::move(replies), too_long);
  }

  void answer(std::string replies, bool then_close) {
    if (!socket_.is_open()) return;
    if (replies.empty()) return read();
    replies_ = std::move(replies);
    boost::asio::async_write(socket_, boost::asio::buffer(replies_),
                             [self = shared_from_this(), then_close](const error_code& error, std::size_t) {
                               if (error || then_close) return self->close();
                               self->replies_.clear();
                               self->read();
                             });
  }

  Protocol::socket socket_;
  std::shared_ptr<const Control::Handler> handler_;
  const Caller caller_;
  const Permission permission_;
  std::array<char, 1024> piece_{};
  std::string request_;
  std::string replies_;
};

// nullptr: it was refused. It takes no place of those who may.
std::shared_ptr<Client> begin(Protocol::socket socket, const Permissions& permissions,
                              const std::shared_ptr<const Control::Handler>& handler) {
  std::optional<Caller> caller = caller_of(socket.native_handle());
  if (!caller) return nullptr;
  const Permission permission = permissions.of(*caller);
  if (permission == Permission::none) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(boost::asio::buffer(reply_error(refusal(*caller, Permission::read)) + '\n'), ignored);
    return nullptr;
  }
  auto client = std::make_shared<Client>(std::move(socket), handler, *std::move(caller), permission);
  client->read();
  return client;
}

}  // namespace

struct Control::Impl {
  Impl(boost::asio::io_context& loop, std::string path_, Permissions permissions, Handler handler_)
      : path(std::move(path_)),
        clients(std::make_shared<FewClients<Protocol, Client>>(
            loop, limits::control_clients,
            [permissions, handler = std::make_shared<const Handler>(std::move(handler_))](Protocol::socket socket) {
              return begin(std::move(socket), permissions, handler);
            })) {}

  const std::string path;
  const std::shared_ptr<FewClients<Protocol, Client>> clients;
  std::optional<UnixListener> listener;  // nothing: not open
};

Control::Control(boost::asio::io_context& loop, std::string path, Permissions permissions, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(path), permissions, std::move(handler))) {}

Control::~Control() {
  close();
}

Status Control::open() {
  if (impl_->clients->acceptor.is_open()) return {};
  const std::string where = "control socket \"" + impl_->path + "\": ";
  Result<UnixListener> made = listen_at_path(impl_->path, socket_mode, static_cast<int>(limits::control_clients));
  if (!made) return Error{where + made.error().message};
  error_code error;
  impl_->clients->acceptor.assign(Protocol(), made.value().fd, error);
  if (error) {
    ::close(made.value().fd);
    return Error{where + error.message()};
  }
  impl_->listener = made.take();
  impl_->clients->accept();
  return {};
}

void Control::close() {
  if (!impl_->clients->acceptor.is_open()) return;
  impl_->clients->close();
  remove_file_of(*impl_->listener);
  impl_->listener.reset();
}

}  // namespace tandem::admin
