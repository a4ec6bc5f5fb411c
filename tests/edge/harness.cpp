#include "harness.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "base/check.hpp"

namespace tandem::edge::test {

namespace {
constexpr auto deadline_of_conditions = std::chrono::seconds(10);
}

bool ScriptedSink::on_packet(Connection& connection, mqtt::Packet& packet_) {
  last = &connection;
  if (std::holds_alternative<mqtt::Pingreq>(packet_)) {
    seen.emplace_back("ping");
  } else if (const auto* publish = std::get_if<mqtt::Publish>(&packet_)) {
    seen.push_back("publish " + std::to_string(publish->payload.size()));
  } else if (std::holds_alternative<mqtt::Disconnect>(packet_)) {
    seen.emplace_back("disconnect");
  } else {
    seen.emplace_back("other");
  }
  return packet(connection, packet_);
}

void ScriptedSink::on_malformed(Connection& connection, const mqtt::Decoded& error) {
  last = &connection;
  malformed_reasons.push_back(error.reason);
  malformed(connection);
}

void ScriptedSink::on_closed(Connection& connection, CloseCause cause) {
  last = &connection;
  causes.push_back(cause);
  closed(connection, cause);
}

std::size_t ScriptedSink::count(const std::string& what) const {
  return static_cast<std::size_t>(std::count(seen.begin(), seen.end(), what));
}

Client::Client(std::uint16_t port, int receive_buffer_bytes, std::uint32_t to) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd_ >= 0);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(to);
  CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

std::size_t Client::send_some(ByteView bytes) {
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void Client::send(ByteView bytes) {
  while (!bytes.empty()) {
    pollfd waiting{fd_, POLLOUT, 0};
    CHECK(::poll(&waiting, 1, 10'000) == 1);
    bytes.remove_prefix(send_some(bytes));
  }
}

void Client::finish() {
  ::shutdown(fd_, SHUT_WR);
}

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Client::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

std::size_t Client::poll_some(std::size_t max_bytes) {
  const std::size_t before = received_.size();
  received_.resize(before + max_bytes);
  const ssize_t count = ::recv(fd_, received_.data() + before, max_bytes, MSG_DONTWAIT);
  const int error = errno;
  received_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count == 0) ended_ = true;
  if (count < 0 && error != EAGAIN) broken_ = true;
  return received_.size() - before;
}

void Client::poll() {
  while (!ended_ && !broken_ && poll_some(65536) > 0) {
  }
}

// Of the environment: how many threads carry bytes beside the core (CMakeLists.txt). Then nothing is too little to be
// shared.
EdgeOptions Harness::default_options() {
  EdgeOptions options;
  if (const char* const threads = std::getenv("TANDEM_TEST_EDGE_THREADS")) {
    options.threads = static_cast<std::size_t>(std::atoi(threads));
    options.share_from = 1;
  }
  options.listeners = {{"127.0.0.1", 0}};
  options.max_packet_bytes = 2'500'000;
  options.max_connect_bytes = 2'500'000;
  options.max_connections = 100;
  options.connect_timeout_ms = 10'000;
  return options;
}

Harness::Harness(EdgeOptions options) : edge(std::make_unique<Edge>(loop, options, sink)) {
  CHECK(edge->open_listeners().ok());
  edge->accept_clients();
  edge->tick(now);
}

void Harness::turn() {
  if (loop.poll_one() == 0) {
    edge->settle();
    loop.run_one_for(std::chrono::milliseconds(2));
  }
  loop.poll();
  edge->flush();
  edge->new_turn();
}

bool Harness::run_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + deadline_of_conditions;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    turn();
  }
  return true;
}

void Harness::run_turns(int count) {
  for (int i = 0; i < count; ++i) turn();
}

void Harness::tick(std::int64_t after_ms) {
  edge->settle();  // what a client has received has been written: its time begins now
  now = now.plus_ms(after_ms);
  edge->tick(now);
}

bool Harness::quiet_behind(ByteView header) {
  Client probe(port());
  probe.send(std::string(header) + ping());
  const std::size_t before = sink.count("ping");
  return run_until([&] { return sink.count("ping") > before; });
}

std::string ping() {
  return {"\xC0\x00", 2};
}
std::string disconnect() {
  return {"\xE0\x00", 2};
}

std::string publish(std::size_t payload_bytes, char fill) {
  std::string bytes = "\x30";
  std::size_t remaining = 3 + payload_bytes;
  do {
    const auto low = static_cast<unsigned char>(remaining & 0x7F);
    remaining >>= 7;
    bytes.push_back(static_cast<char>(remaining > 0 ? low | 0x80 : low));
  } while (remaining > 0);
  bytes.append({'\0', '\x01', 't'});
  return bytes.append(payload_bytes, fill);
}

}  // namespace tandem::edge::test
