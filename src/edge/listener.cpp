#include "edge/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/journal.hpp"
#include "base/limits.hpp"
#include "base/socket_address.hpp"

namespace tandem::edge {

namespace {

constexpr int warn_every_ticks = 100;  // about 10 s

std::string to_text(const SocketAddress& address) {
  return tandem::to_text(ip_of(address), port_of(address));
}

// The listener may be bound to any address: which one the client used, only its own socket knows.
Flow flow_of(int fd, const SocketAddress& client) {
  SocketAddress own;
  if (::getsockname(fd, own.generic(), &own.size) != 0) return {};
  return Flow{ip_of(client), ip_of(own), port_of(client), port_of(own)};
}

bool set_option(int fd, int level, int name) {
  const int on = 1;
  return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

// Of a client on this box, who the kernel says it is.
std::string local_name(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "local";
  return "local (uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid) + ")";
}

// TCP_NODELAY, SO_KEEPALIVE and SO_LINGER are inherited by the accepted sockets: no system call a client. Lingering for
// no time means that a connection which is not closed in order, because this process is killed or steps down, is reset
// and forgotten. In order the kernel would go on closing it for a minute; if the virtual IP comes back meanwhile and a
// client has the same port again, what that client sends would meet the old one, and the client would not be reset.
bool bind_and_listen(int fd, const SocketAddress& address, bool shared) {
  const bool v6 = address.storage.ss_family == AF_INET6;
  const linger no_time{1, 0};
  return set_option(fd, SOL_SOCKET, SO_REUSEADDR) && (!shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT)) &&
         (v6 ? set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND) : set_option(fd, IPPROTO_IP, IP_FREEBIND)) &&
         (!v6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) && set_option(fd, IPPROTO_TCP, TCP_NODELAY) &&
         set_option(fd, SOL_SOCKET, SO_KEEPALIVE) &&
         ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_time, sizeof no_time) == 0 &&
         ::bind(fd, address.generic(), address.size) == 0 && ::listen(fd, limits::listen_backlog) == 0;
}

bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Listener::Listener(boost::asio::io_context& loop, int fd, Take take, MayAccept may_accept)
    : socket_(loop.get_executor(), fd), take_(std::move(take)), may_accept_(std::move(may_accept)) {}

Result<std::shared_ptr<Listener>> Listener::open_socket(boost::asio::io_context& loop, const ListenerOptions& options,
                                                        Take take, MayAccept may_accept) {
  Result<UnixListener> made = listen_at_path(options.socket, options.socket_mode, limits::listen_backlog);
  if (!made) return Error{"cannot listen on " + options.socket + ": " + made.error().message};
  std::shared_ptr<Listener> listener(new Listener(loop, made.value().fd, std::move(take), std::move(may_accept)));
  listener->file_ = made.take();
  return listener;
}

Result<std::shared_ptr<Listener>> Listener::open(boost::asio::io_context& loop, const ListenerOptions& options,
                                                 Take take, MayAccept may_accept) {
  if (!options.socket.empty()) return open_socket(loop, options, std::move(take), std::move(may_accept));
  const std::optional<IpAddress> ip = parse_address(options.address);
  if (!ip) return Error{"cannot listen on \"" + options.address + "\": not an IPv4 or IPv6 address"};
  const SocketAddress address = socket_address(*ip, options.port);
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || !bind_and_listen(fd, address, options.shared)) {
    const std::string cause = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return Error{"cannot listen on " + to_text(address) + ": " + cause};
  }
  std::shared_ptr<Listener> listener(new Listener(loop, fd, std::move(take), std::move(may_accept)));
  SocketAddress bound;
  if (::getsockname(fd, bound.generic(), &bound.size) == 0) listener->port_ = port_of(bound);
  return listener;
}

void Listener::accept() {
  if (!waiting_ && !stopped_ && socket_.is_open()) wait();
}

void Listener::exhausted(int error) {
  stopped_ = true;
  if (quiet_ticks_ > 0) return;
  quiet_ticks_ = warn_every_ticks;
  journal::warn(std::string("cannot accept a client: ") + std::strerror(error) +
                "; new clients wait. Raise LimitNOFILE or lower limits.max_connections");
}

void Listener::retry() {
  if (quiet_ticks_ > 0) --quiet_ticks_;
  if (!stopped_) return;
  stopped_ = false;
  accept();
}

void Listener::close() {
  if (file_ && socket_.is_open()) remove_file_of(*file_);
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Listener::wait() {
  waiting_ = true;
  socket_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                     [self = shared_from_this()](const boost::system::error_code&) {
                       self->waiting_ = false;
                       self->on_readable();
                     });
}

void Listener::on_readable() {
  for (std::size_t i = 0; i < limits::accepts_per_event && socket_.is_open(); ++i) {
    if (!may_accept_()) {
      stopped_ = true;
      return;
    }
    SocketAddress address;
    const int fd = ::accept4(socket_.native_handle(), address.generic(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && file_) {
      take_(fd, {}, local_name(fd));
    } else if (fd >= 0) {
      take_(fd, flow_of(fd, address), to_text(address));
    } else if (out_of_resources(errno)) {
      return exhausted(errno);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    }  // anything else is about that one client (it has gone, a firewall refused it)
  }
  accept();
}

}  // namespace tandem::edge
