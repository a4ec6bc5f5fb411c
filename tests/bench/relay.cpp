// tandem-relay: the floor under every broker. It answers CONNECT and SUBSCRIBE, then only copies bytes
// between the publishers and subscribers of tandem-load, as a broker that has nothing to decide: publisher i
// to subscriber i, or publisher 0 to all (fan-out). Acknowledgements go the way back (fan-out: those of
// subscriber 0). MQTT 3.1.1 only.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/connection.hpp"

namespace tandem::bench {

namespace {

struct Peer {
  std::unique_ptr<Connection> connection;
  bool publisher = false;
  uint32_t index = 0;
  bool ready = false;          // its handshake is done: from now on bytes only
  std::vector<Peer*> targets;  // who gets its bytes
};

class Relay {
 public:
  explicit Relay(uint16_t port);
  bool open() const { return listener_ >= 0; }
  [[noreturn]] void run();

 private:
  void accept_one();
  void read(Peer& peer);
  void greet(Peer& peer, const char* bytes, size_t size);
  void introduce(Peer& peer, const char* bytes, size_t size);
  void link(Peer& peer);
  void queue(Peer& peer);
  void flush_all();
  void drop(Peer& peer);
  void watch(Peer& peer, int operation, bool output);

  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  std::map<int, std::unique_ptr<Peer>> peers_;
  std::vector<Peer*> to_flush_;
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
};

Relay::Relay(uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || ::listen(fd, 1024) != 0) return;
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  listener_ = fd;
}

void Relay::watch(Peer& peer, int operation, bool output) {
  epoll_event event = {};
  event.events = EPOLLIN | (output ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  event.data.ptr = &peer;
  ::epoll_ctl(epoll_, operation, peer.connection->fd(), &event);
}

void Relay::accept_one() {
  int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  auto peer = std::make_unique<Peer>();
  peer->connection = std::make_unique<Connection>(fd, std::string_view());
  watch(*peer, EPOLL_CTL_ADD, false);
  peers_[fd] = std::move(peer);
}

void Relay::queue(Peer& peer) {
  if (peer.connection->queued) return;
  peer.connection->queued = true;
  to_flush_.push_back(&peer);
}

// The load waits for each answer before it goes on, so that every read of a handshake holds one packet.
void Relay::greet(Peer& peer, const char* bytes, size_t size) {
  constexpr char connack[] = {0x20, 2, 0, 0};
  if (bytes[0] == 0x10) {
    introduce(peer, bytes, size);
    std::memcpy(peer.connection->room(sizeof(connack)), connack, sizeof(connack));
  } else if (static_cast<uint8_t>(bytes[0]) == 0x82 && size > 4) {
    char suback[] = {static_cast<char>(0x90), 3, bytes[2], bytes[3], bytes[size - 1]};
    std::memcpy(peer.connection->room(sizeof(suback)), suback, sizeof(suback));
  }
  bool subscribed = static_cast<uint8_t>(bytes[0]) == 0x82;
  if (subscribed || peer.publisher) {
    peer.ready = true;
    link(peer);
  }
  queue(peer);
}

// The client id ("bp-RUN-INDEX" or "bs-RUN-INDEX") follows the 12 bytes of header, protocol, flags and
// keepalive.
void Relay::introduce(Peer& peer, const char* bytes, size_t size) {
  std::string id(bytes + std::min<size_t>(size, 14), bytes + size);
  size_t dash = id.rfind('-');
  peer.publisher = id.rfind("bp", 0) == 0;
  peer.index = dash == std::string::npos ? 0 : static_cast<uint32_t>(std::strtoul(id.c_str() + dash + 1, nullptr, 10));
}

// tandem-load connects all subscribers before the first publisher.
void Relay::link(Peer& peer) {
  if (!peer.publisher) return;
  std::vector<Peer*> subscribers;
  for (auto& [fd, other] : peers_) {
    if (other->publisher || !other->ready) continue;
    subscribers.push_back(other.get());
    if (other->index == peer.index) {
      other->targets = {&peer};
      peer.targets = {other.get()};
    }
  }
  // A lone publisher 0 sends to all; as soon as there is a publisher 1, each has its own subscriber.
  if (peer.index == 0) {
    peer.targets = subscribers;
    return;
  }
  for (auto& [fd, other] : peers_) {
    if (!other->publisher || other->index != 0) continue;
    std::erase_if(other->targets, [](const Peer* target) { return target->index != 0; });
  }
}

void Relay::read(Peer& peer) {
  ssize_t got = ::recv(peer.connection->fd(), buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(peer);
  auto size = static_cast<size_t>(got);
  if (!peer.ready) return greet(peer, buffer_.data(), size);
  for (Peer* target : peer.targets) {
    std::memcpy(target->connection->room(size), buffer_.data(), size);
    queue(*target);
  }
}

void Relay::drop(Peer& peer) {
  std::erase(to_flush_, &peer);
  for (auto& [fd, other] : peers_) std::erase(other->targets, &peer);
  peers_.erase(peer.connection->fd());
}

void Relay::flush_all() {
  for (Peer* peer : to_flush_) {
    peer->connection->queued = false;
    if (peer->connection->has_output()) peer->connection->flush();
    bool output = peer->connection->has_output();
    if (output != peer->connection->awaits_room) watch(*peer, EPOLL_CTL_MOD, output);
    peer->connection->awaits_room = output;
  }
  to_flush_.clear();
}

void Relay::run() {
  epoll_event events[512];
  for (;;) {
    int count = ::epoll_wait(epoll_, events, 512, -1);
    for (int i = 0; i < count; ++i) {
      auto* peer = static_cast<Peer*>(events[i].data.ptr);
      if (peer == nullptr) {
        accept_one();
        continue;
      }
      if ((events[i].events & EPOLLOUT) != 0) queue(*peer);
      if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) read(*peer);
    }
    flush_all();
  }
}

}  // namespace

int relay_main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: tandem-relay PORT (on 127.0.0.1)\n");
    return 2;
  }
  Relay relay(static_cast<uint16_t>(std::strtoul(argv[1], nullptr, 10)));
  if (!relay.open()) {
    std::fprintf(stderr, "tandem-relay: port %s: %s\n", argv[1], std::strerror(errno));
    return 1;
  }
  relay.run();
}

}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::relay_main(argc, argv);
}
