// Storm: opens all sockets without waiting for any, and reads answers in between.
#include "tests/bench/storm.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdio>

#include "tests/bench/process.hpp"
#include "tests/client/packet.hpp"

namespace tandem::bench {

namespace {

constexpr int64_t patience_ns = 60'000'000'000;
constexpr uint32_t opened_between_reads = 32;  // answers are stamped when they come, not when the last one was opened
constexpr uint32_t paced_on_their_way = 200;
constexpr int events_max = 512;
constexpr uint8_t connack = 0x20;
constexpr uint8_t suback = 0x90;
constexpr uint32_t expiry_s = 3600;

}  // namespace

Storm::Storm(const LoadOptions& options, std::string run_id)
    : options_(options), run_id_(std::move(run_id)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), guests_(options.count) {}

Storm::~Storm() {
  if (epoll_ >= 0) ::close(epoll_);
}

int Storm::dial(uint32_t round) const {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw test::ClientError(test::ClientError::Kind::closed, "no socket: raise the limit of open files");
  int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  sockaddr_in from = {};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl((127U << 24) + (1U << 8) + round);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(options_.port);
  ::inet_pton(AF_INET, options_.host.c_str(), &to.sin_addr);
  bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) == 0;
  if (bound && (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 || errno == EINPROGRESS))
    return fd;
  ::close(fd);
  throw test::ClientError(test::ClientError::Kind::closed, "cannot connect from 127.0.1." + std::to_string(round));
}

void Storm::watch(uint32_t index, int operation, bool output) {
  epoll_event event = {};
  event.events = EPOLLIN | (output ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  event.data.u32 = index;
  ::epoll_ctl(epoll_, operation, guests_[index].connection->fd(), &event);
}

void Storm::open_one(uint32_t index, const Kind& kind) {
  test::Connect connect;
  connect.version = options_.version;
  connect.client_id = "storm-" + run_id_ + "-" + std::to_string(index);
  connect.clean = kind.clean;
  connect.keepalive_s = 65535;
  if (options_.version == 5 && !kind.clean) connect.session_expiry_s = expiry_s;
  std::string bytes = test::encode_connect(connect);
  if (kind.subscribe) {
    bytes += test::encode_subscribe(1, {{"storm/" + run_id_ + "/" + std::to_string(index), 1}}, options_.version);
  }
  Guest& guest = guests_[index];
  guest.began_ns = monotonic_ns();
  guest.answers = kind.subscribe ? 2 : 1;
  guest.connection = std::make_unique<Connection>(dial(kind.round), "");
  std::memcpy(guest.connection->room(bytes.size()), bytes.data(), bytes.size());
  ++on_their_way_;
  watch(index, EPOLL_CTL_ADD, true);
}

void Storm::come(const Kind& kind) {
  on_their_way_ = accepted_ = failed_ = returned_ = 0;
  latency_ = std::make_unique<Histogram>();
  int64_t start_ns = monotonic_ns();
  for (uint32_t i = 0; i < guests_.size(); ++i) {
    open_one(i, kind);
    if (i % opened_between_reads == opened_between_reads - 1) turn(0);
    while (kind.paced && on_their_way_ >= paced_on_their_way && monotonic_ns() - start_ns < patience_ns) turn(100);
  }
  while (on_their_way_ > 0 && monotonic_ns() - start_ns < patience_ns) turn(100);
  failed_ += on_their_way_;
  took_ns_ = monotonic_ns() - start_ns;
}

void Storm::turn(int wait_ms) {
  epoll_event events[events_max];
  int count = ::epoll_wait(epoll_, events, events_max, wait_ms);
  for (int i = 0; i < count; ++i) {
    uint32_t index = events[i].data.u32;
    Guest& guest = guests_[index];
    if (guest.connection == nullptr) continue;
    Connection::State state = Connection::State::open;
    if ((events[i].events & EPOLLOUT) != 0 && guest.connection->has_output()) state = guest.connection->flush();
    if (state == Connection::State::open && (events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
      state = guest.connection->read(
          buffer_, [] {},
          [&](uint8_t first, const char* body, size_t length) { on_packet(guest, first, body, length); });
    }
    if (state == Connection::State::closed) {
      if (guest.answers > 0) end(guest, false);
      guest.connection.reset();
      continue;
    }
    watch(index, EPOLL_CTL_MOD, guest.connection->has_output());
  }
}

void Storm::on_packet(Guest& guest, uint8_t first, const char* body, size_t length) {
  if (guest.answers == 0 || length < 2 || (first != connack && first != suback)) return;
  if (first == connack) {
    if (body[1] != 0) return end(guest, false);
    returned_ += static_cast<uint32_t>(body[0] & 1);
  }
  if (--guest.answers == 0) end(guest, true);
}

void Storm::end(Guest& guest, bool in) {
  guest.answers = 0;
  --on_their_way_;
  ++(in ? accepted_ : failed_);
  if (in) latency_->record(monotonic_ns() - guest.began_ns);
}

void Storm::leave() {
  std::string bytes = test::encode_disconnect(options_.version);
  for (Guest& guest : guests_) {
    if (guest.connection == nullptr) continue;
    std::memcpy(guest.connection->room(bytes.size()), bytes.data(), bytes.size());
    guest.connection->flush();
    guest.connection.reset();
  }
}

}  // namespace tandem::bench
