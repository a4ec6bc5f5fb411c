// Binding, the backlog before accept_clients(), the limit of connections, and running out of file
// descriptors.
#include "harness.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

TEST_CASE("clients wait in the backlog until accept_clients()") {
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  Edge edge(loop, Harness::default_options(), sink);
  CHECK_FALSE(edge.listening());
  REQUIRE(edge.open_listeners().ok());
  CHECK(edge.listening());
  CHECK(edge.open_listeners().ok());  // already open
  Client client(edge.ports().at(0));
  client.send(ping());
  loop.poll();
  CHECK(edge.connection_count() == 0);
  edge.accept_clients();
  edge.accept_clients();
  loop.restart();
  while (sink.seen.empty()) {
    loop.run_one();
    edge.flush();
  }
  CHECK(edge.connection_count() == 1);
  CHECK(sink.last->remote().substr(0, 10) == "127.0.0.1:");
}

TEST_CASE("an address in use is an error that names it, and nothing stays bound") {
  Harness h;
  EdgeOptions options = Harness::default_options();
  options.listeners = {{"127.0.0.1", 0}, {"127.0.0.1", h.port()}};
  Edge other(h.loop, options, h.sink);
  const Status status = other.open_listeners();
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message ==
        "cannot listen on 127.0.0.1:" + std::to_string(h.port()) + ": Address already in use");
  CHECK_FALSE(other.listening());
  h.edge->close_listeners();
  CHECK(other.open_listeners().ok());
}

TEST_CASE("the port is free again after close_listeners(), also with clients connected") {
  Harness h;
  Client client(h.port());
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  EdgeOptions options = Harness::default_options();
  options.listeners[0].port = h.port();
  h.edge->close_listeners();
  h.edge->close_all_connections();
  Edge next(h.loop, options, h.sink);
  CHECK(next.open_listeners().ok());
}

namespace {

constexpr std::uint32_t vip = 0x7F000009;  // 127.0.0.9: here, as after a takeover

// ECONNREFUSED, or 0 if the connection stands.
int error_of_connect(std::uint16_t port, std::uint32_t address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(address);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int error = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

std::uint16_t free_port() {
  const Harness h;
  return h.port();
}

}  // namespace

TEST_CASE("held: a client of the virtual IP waits, of any other address it is refused; then all are served") {
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  EdgeOptions options = Harness::default_options();
  const std::uint16_t port = free_port();
  options.listeners = {{"0.0.0.0", port}, {"::", port}};
  options.virtual_ips = {"127.0.0.9", "fd77::10"};
  Edge edge(loop, options, sink);
  REQUIRE(edge.hold_virtual_ips().ok());
  CHECK(edge.hold_virtual_ips().ok());  // already held
  CHECK_FALSE(edge.listening());
  Client early(port, 0, vip);
  early.send(ping());
  CHECK(error_of_connect(port, INADDR_LOOPBACK) == ECONNREFUSED);
  REQUIRE(edge.open_listeners().ok());
  edge.accept_clients();
  Client other(port);
  other.send(ping());
  while (sink.seen.size() < 2) {
    loop.run_one();
    edge.flush();
  }
  CHECK(edge.connection_count() == 2);
}

TEST_CASE("held: the clients that wait are reset when it ends; a listener at the virtual IP itself is held as it is") {
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  EdgeOptions options = Harness::default_options();
  const std::uint16_t port = free_port();
  options.listeners = {{"127.0.0.9", port}, {"127.0.0.1", port}};
  options.virtual_ips = {"127.0.0.9"};
  Edge edge(loop, options, sink);
  REQUIRE(edge.hold_virtual_ips().ok());
  Client early(port, 0, vip);
  edge.close_listeners();
  CHECK(error_of_connect(port, vip) == ECONNREFUSED);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!early.broken() && std::chrono::steady_clock::now() < deadline) early.poll();
  CHECK(early.broken());
  REQUIRE(edge.hold_virtual_ips().ok());
  REQUIRE(edge.open_listeners().ok());
  CHECK(edge.ports().size() == 2);
  CHECK(error_of_connect(port, vip) == 0);
}

TEST_CASE("an address that is not here yet may be bound; what is no address is refused") {
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  EdgeOptions options = Harness::default_options();
  options.listeners = {{"192.0.2.77", 18830}, {"::1", 0}};
  Edge edge(loop, options, sink);
  CHECK(edge.open_listeners().ok());
  options.listeners = {{"localhost", 1883}};
  Edge named(loop, options, sink);
  const Status status = named.open_listeners();
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message == "cannot listen on \"localhost\": not an IPv4 or IPv6 address");
}

TEST_CASE("beyond max_connections, of all or of one address, a client is turned away at once; room is used again") {
  for (const auto limit : {&EdgeOptions::max_connections, &EdgeOptions::max_connections_per_address}) {
    CAPTURE(limit == &EdgeOptions::max_connections);
    EdgeOptions options = Harness::default_options();
    options.*limit = 2;
    Harness h(options);
    Client one(h.port());
    Client two(h.port());
    REQUIRE(h.run_until([&] { return h.edge->connection_count() == 2; }));
    Client three(h.port());
    REQUIRE(h.run_until([&] {
      three.poll();
      return three.ended() || three.broken();
    }));
    CHECK(h.edge->connection_count() == 2);
    one.close();
    REQUIRE(h.run_until([&] { return h.edge->connection_count() == 1; }));
    Client four(h.port());
    four.send(ping());
    CHECK(h.run_until([&] { return h.sink.seen.size() == 1; }));
    CHECK(h.edge->connection_count() == 2);
  }
}

TEST_CASE("out of file descriptors: the client waits and is served at a later tick") {
  Harness h;
  Client client(h.port());
  client.send(ping());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int highest = ::dup(0);
  REQUIRE(highest >= 0);
  ::close(highest);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(highest);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  h.run_turns(5);
  h.tick(100);
  h.run_turns(5);
  CHECK(h.edge->connection_count() == 0);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  h.tick(100);
  CHECK(h.run_until([&] { return h.sink.seen.size() == 1; }));
}

TEST_CASE("only_loopback: this machine's own address instead of what the listeners name") {
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  EdgeOptions options = Harness::default_options();
  const std::uint16_t port = free_port();
  options.listeners = {{"0.0.0.0", port}, {"127.0.0.9", port}};
  options.virtual_ips = {"127.0.0.9"};
  Edge edge(loop, options, sink);
  edge.only_loopback(true);
  REQUIRE(edge.hold_virtual_ips().ok());
  CHECK(error_of_connect(port, vip) == ECONNREFUSED);
  REQUIRE(edge.open_listeners().ok());
  CHECK(edge.ports().size() == 1);
  CHECK(error_of_connect(port, vip) == ECONNREFUSED);
  CHECK(error_of_connect(port, INADDR_LOOPBACK) == 0);
  edge.only_loopback(false);
  CHECK(error_of_connect(port, vip) == ECONNREFUSED);  // from the next opening on
  edge.close_listeners();
  REQUIRE(edge.open_listeners().ok());
  CHECK(error_of_connect(port, vip) == 0);
}
