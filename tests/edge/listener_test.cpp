// Binding, the backlog before accept_clients(), the limit of connections, and running out of file
// descriptors.
#include "harness.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

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

TEST_CASE("beyond max_connections a client is turned away at once; room is used again") {
  EdgeOptions options = Harness::default_options();
  options.max_connections = 2;
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
