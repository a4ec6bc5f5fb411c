// See tcp_relay.hpp.
#include "tests/pair/tcp_relay.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <vector>

#include "tests/pair/process.hpp"

namespace tandem::test {

namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int new_socket() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw std::runtime_error("no socket for a relay");
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return fd;
}

void reset(int fd) {
  if (fd < 0) return;
  linger at_once = {1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(fd);
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN;
}

}  // namespace

TcpRelay::TcpRelay(uint16_t to_port)
    : to_port_(to_port), port_(free_port()), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  listen();
  state_ = State::passing;
  thread_ = std::thread([this] { go(); });
}

TcpRelay::~TcpRelay() {
  become(State::ended);
  thread_.join();
  ::close(wake_);
}

// Returns when the thread has done it.
void TcpRelay::become(State state) {
  wanted_ = state;
  uint64_t one = 1;
  if (::write(wake_, &one, sizeof(one)) != sizeof(one)) throw std::runtime_error("cannot wake a relay");
  until([&] { return state_ == state; }, "a relay obeys");
}

void TcpRelay::listen() {
  listener_ = new_socket();
  sockaddr_in address = loopback(port_);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("a relay cannot listen");
  }
}

// In the thread: what become() wants.
void TcpRelay::obey() {
  uint64_t count = 0;
  while (::read(wake_, &count, sizeof(count)) > 0) continue;
  State wanted = wanted_;
  if (wanted == state_) return;
  if (wanted == State::cut || wanted == State::ended) {
    for (Joint& joint : joints_) end_joint(joint);
    joints_.clear();
    if (listener_ >= 0) ::close(listener_);
    listener_ = -1;
  } else if (listener_ < 0) {
    listen();
  }
  state_ = wanted;
}

void TcpRelay::join_callers() {
  for (;;) {
    int caller = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (caller < 0) return;
    int on = 1;
    ::setsockopt(caller, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int far_end = new_socket();
    sockaddr_in address = loopback(to_port_);
    if (::connect(far_end, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno != EINPROGRESS) {
      reset(caller);
      ::close(far_end);
      continue;
    }
    Joint& joint = joints_.emplace_back();
    joint.ends[0] = caller;
    joint.ends[1] = far_end;
  }
}

// Reads and writes once. False: an end is gone.
bool TcpRelay::move(Joint& joint, int from) {
  Way& way = joint.ways[from];
  if (way.begin == way.end) {
    way.begin = way.end = 0;
    ssize_t got = ::recv(joint.ends[from], way.bytes, sizeof(way.bytes), 0);
    if (got == 0 || (got < 0 && !would_block())) return false;
    if (got < 0) return true;
    way.end = static_cast<size_t>(got);
  }
  ssize_t sent = ::send(joint.ends[1 - from], way.bytes + way.begin, way.end - way.begin, MSG_NOSIGNAL);
  if (sent < 0) return would_block();
  way.begin += static_cast<size_t>(sent);
  bytes_ += static_cast<uint64_t>(sent);
  return true;
}

void TcpRelay::end_joint(Joint& joint) {
  for (int& end : joint.ends) {
    reset(end);
    end = -1;
  }
}

void TcpRelay::go() {
  while (state_ != State::ended) {
    std::vector<pollfd> entries = {{wake_, POLLIN, 0}};
    if (state_ == State::passing) {
      entries.push_back({listener_, POLLIN, 0});
      for (Joint& joint : joints_) {
        for (int end : {0, 1}) {
          bool holds_own = joint.ways[end].begin != joint.ways[end].end;            // not read on until that is out
          bool holds_other = joint.ways[1 - end].begin != joint.ways[1 - end].end;  // to be written here
          entries.push_back(
              {joint.ends[end], static_cast<short>((holds_own ? 0 : POLLIN) | (holds_other ? POLLOUT : 0)), 0});
        }
      }
    }
    ::poll(entries.data(), entries.size(), -1);
    obey();
    if (state_ != State::passing) continue;
    for (auto joint = joints_.begin(); joint != joints_.end();) {
      bool alive = move(*joint, 0) && move(*joint, 1);
      if (!alive) end_joint(*joint);
      joint = alive ? std::next(joint) : joints_.erase(joint);
    }
    join_callers();
  }
}

}  // namespace tandem::test
