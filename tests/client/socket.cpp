// Blocking test client: the socket part. The socket is non-blocking; poll() keeps every wait within its
// deadline.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/client/client.hpp"

namespace tandem::test {

namespace {

constexpr size_t read_size = 65536;

struct Address {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

std::optional<Address> parse_address(const std::string& host, uint16_t port) {
  Address out;
  sockaddr_in v4 = {};
  sockaddr_in6 v6 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    out.size = sizeof(v4);
    std::memcpy(&out.storage, &v4, sizeof(v4));
    return out;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    out.size = sizeof(v6);
    std::memcpy(&out.storage, &v6, sizeof(v6));
    return out;
  }
  return std::nullopt;
}

// Waits for events; 0 at the deadline.
short wait_for(int fd, short events, SteadyTime deadline) {
  for (;;) {
    auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now());
    pollfd entry = {fd, events, 0};
    int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000)));
    if (ready > 0) return entry.revents;
    if (ready == 0) return 0;
    if (errno != EINTR) return POLLERR;
  }
}

}  // namespace

Client::Client(Client&& other) noexcept
    : options_(std::move(other.options_)),
      fd_(std::exchange(other.fd_, -1)),
      peer_closed_(other.peer_closed_),
      in_(std::move(other.in_)),
      in_done_(std::exchange(other.in_done_, 0)),
      kept_(std::move(other.kept_)),
      last_pid_(other.last_pid_) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  close();
  options_ = std::move(other.options_);
  fd_ = std::exchange(other.fd_, -1);
  peer_closed_ = other.peer_closed_;
  in_ = std::move(other.in_);
  in_done_ = std::exchange(other.in_done_, 0);
  kept_ = std::move(other.kept_);
  last_pid_ = other.last_pid_;
  return *this;
}

void Client::open() {
  close();
  in_.clear();
  in_done_ = 0;
  kept_.clear();
  peer_closed_ = false;
  std::string where = options_.host + ":" + std::to_string(options_.port);
  std::optional<Address> address = parse_address(options_.host, options_.port);
  if (!address) fail(ClientError::Kind::closed, where + ": the host must be a numeric address");
  fd_ = ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail(ClientError::Kind::closed, where + ": socket: " + std::strerror(errno));
  int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (options_.receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer, sizeof(options_.receive_buffer));
  }
  int error = 0;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address->storage), address->size) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      if (wait_for(fd_, POLLOUT, deadline_of({})) == 0) {
        close();
        fail(ClientError::Kind::timeout, where + ": connect took too long");
      }
      socklen_t size = sizeof(error);
      ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error != 0) {
    close();
    fail(ClientError::Kind::closed, where + ": connect: " + std::strerror(error));
  }
}

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Client::abort() {
  linger reset = {1, 0};
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close();
}

int Client::release(std::string& unread) {
  unread = in_.substr(in_done_);
  return std::exchange(fd_, -1);
}

void Client::send(std::string_view bytes) {
  if (fd_ < 0) fail(ClientError::Kind::closed, "send: not connected");
  SteadyTime deadline = deadline_of({});
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) fail(ClientError::Kind::closed, std::string("send: ") + std::strerror(errno));
    short wanted = peer_closed_ ? POLLOUT : POLLOUT | POLLIN;
    short ready = wait_for(fd_, wanted, deadline);
    if (ready == 0) fail(ClientError::Kind::timeout, "send: the broker does not read");
    if ((ready & POLLIN) != 0) fill(std::chrono::steady_clock::now());
  }
}

Client::Fill Client::fill(SteadyTime deadline) {
  if (peer_closed_ || fd_ < 0) return Fill::closed;
  for (;;) {
    size_t before = in_.size();
    in_.resize(before + read_size);
    ssize_t got = ::recv(fd_, in_.data() + before, read_size, 0);
    int error = errno;
    in_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return Fill::more;
    if (got == 0 || (error != EAGAIN && error != EINTR)) {
      peer_closed_ = true;
      return Fill::closed;
    }
    if (error == EAGAIN && wait_for(fd_, POLLIN, deadline) == 0) return Fill::timeout;
  }
}

// The next packet not yet handed out; nothing at the deadline. Throws once the connection is closed and all
// is parsed.
std::optional<Packet> Client::next_from_wire(SteadyTime deadline) {
  for (;;) {
    std::string_view rest = std::string_view(in_).substr(in_done_);
    std::optional<Packet> packet = take_packet(rest, options_.connect.version);
    in_done_ = in_.size() - rest.size();
    if (packet && packet->size > options_.connect.properties.number(prop::maximum_packet_size).value_or(UINT32_MAX)) {
      fail(ClientError::Kind::protocol,
           "larger than the maximum of our CONNECT (MQTT5-3.1.2-24): " + describe(*packet));
    }
    if (packet) return packet;
    in_.erase(0, in_done_);
    in_done_ = 0;
    Fill got = fill(deadline);
    if (got == Fill::timeout) return std::nullopt;
    if (got == Fill::closed) {
      std::string tail = in_.empty() ? "" : ", in the middle of a packet";
      fail(ClientError::Kind::closed, "the broker closed the connection" + tail);
    }
  }
}

}  // namespace tandem::test
