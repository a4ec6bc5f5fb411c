#include "admin/control.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "admin/few_clients.hpp"
#include "admin/protocol.hpp"
#include "admin/socket_address.hpp"
#include "base/limits.hpp"

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

// Is a process behind this socket file?
bool answers(const UnixAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;
  const bool refused = ::connect(fd, address.generic(), sizeof address.address) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

// Makes room for a new socket file.
Status clear_way(const std::string& path, const UnixAddress& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};  // bind() says what else is wrong
  if (!S_ISSOCK(found.st_mode)) {
    return Error{"control socket " + path +
                 ": a file that is no socket is in the way; move it or change control.socket"};
  }
  if (answers(address)) {
    return Error{"control socket " + path + ": another process answers there; is tandemd running already?"};
  }
  ::unlink(path.c_str());
  return {};
}

// Mode again behind bind(): the umask may have taken from it.
Result<int> listen_at(const std::string& path, const UnixAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && ::fchmod(fd, socket_mode) == 0 && ::bind(fd, address.generic(), sizeof address.address) == 0 &&
      ::chmod(path.c_str(), socket_mode) == 0 && ::listen(fd, static_cast<int>(limits::control_clients)) == 0) {
    return fd;
  }
  const std::string cause = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return Error{"control socket " + path + ": " + cause};
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
  struct stat own_file {};
};

Control::Control(boost::asio::io_context& loop, std::string path, Permissions permissions, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(path), permissions, std::move(handler))) {}

Control::~Control() {
  close();
}

Status Control::open() {
  if (impl_->clients->acceptor.is_open()) return {};
  const std::string& path = impl_->path;
  const auto address = unix_address(path);
  if (!address) return Error{"control socket \"" + path + "\": a path of 1 to 107 bytes is needed"};
  if (Status clear = clear_way(path, *address); !clear) return clear;
  Result<int> fd = listen_at(path, *address);
  if (!fd) return fd.error();
  error_code error;
  impl_->clients->acceptor.assign(Protocol(), fd.value(), error);
  if (error) {
    ::close(fd.value());
    return Error{"control socket " + path + ": " + error.message()};
  }
  ::lstat(path.c_str(), &impl_->own_file);
  impl_->clients->accept();
  return {};
}

void Control::close() {
  if (!impl_->clients->acceptor.is_open()) return;
  impl_->clients->close();
  struct stat found {};
  const struct stat& own = impl_->own_file;
  if (::lstat(impl_->path.c_str(), &found) == 0 && found.st_dev == own.st_dev && found.st_ino == own.st_ino) {
    ::unlink(impl_->path.c_str());
  }
}

}  // namespace tandem::admin
