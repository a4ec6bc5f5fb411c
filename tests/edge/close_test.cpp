// Ends of connections: who is told what, and that ids do not come twice.
#include "base/limits.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <set>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

TEST_CASE("the client's end of stream comes after its packets") {
  Harness h;
  Client client(h.port());
  client.send(publish(7));
  client.close();
  REQUIRE(h.run_until([&] { return h.sink.causes.size() == 1; }));
  CHECK(h.sink.causes[0] == CloseCause::peer_closed);
  CHECK(h.sink.seen == std::vector<std::string>{"publish 7"});
  CHECK(h.edge->connection_count() == 0);
}

TEST_CASE("a client that shuts down its side still gets what was appended") {
  Harness h;
  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.out() += "answer";
    connection.will_write();
    return true;
  };
  Client client(h.port());
  client.send(ping());
  client.finish();
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  CHECK(client.received() == "answer");
  CHECK(h.sink.causes == std::vector<CloseCause>{CloseCause::peer_closed});
}

TEST_CASE("a reset is told once, whether reading or writing meets it first") {
  for (const bool write : {false, true}) {
    CAPTURE(write);
    Harness h;
    Client client(h.port());
    client.send(ping());
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
    Connection& connection = *h.sink.last;
    if (write) connection.pause_reading();
    h.run_turns(2);
    client.reset();
    if (write) {
      connection.out() += "lost";
      connection.will_write();
      h.edge->flush();
      CHECK(h.sink.causes.empty());  // flush() itself tells nobody
    }
    REQUIRE(h.run_until([&] { return !h.sink.causes.empty(); }));
    h.run_turns(3);
    CHECK(h.sink.causes == std::vector<CloseCause>{CloseCause::peer_closed});
  }
}

// A client that says DISCONNECT and closes with an answer unread resets the connection; its will must not fire for it.
TEST_CASE("what a client said before a reset counts, also if writing meets the reset first") {
  Harness h;
  Client client(h.port());
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  Connection& connection = *h.sink.last;
  client.send(publish(7));
  client.send(disconnect());
  client.reset();
  connection.out() += "lost";
  connection.will_write();
  h.edge->flush();
  REQUIRE(h.run_until([&] { return !h.sink.causes.empty(); }));
  CHECK(h.sink.seen == std::vector<std::string>{"ping", "publish 7", "disconnect"});
  CHECK(h.sink.causes == std::vector<CloseCause>{CloseCause::peer_closed});
}

TEST_CASE("inside on_closed the connection is already unknown, and closing it again is harmless") {
  Harness h;
  ConnectionId id;
  h.sink.closed = [&](Connection& connection, CloseCause) {
    CHECK(connection.id() == id);
    CHECK(h.edge->find(id) == nullptr);
    connection.close_after_flush();
    connection.close_now();
    connection.close_now();
  };
  Client client(h.port());
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  id = h.sink.last->id();
  CHECK(h.edge->find(id) == h.sink.last);
  client.close();
  REQUIRE(h.run_until([&] { return h.sink.causes.size() == 1; }));
}

TEST_CASE("slots are used again, ids never") {
  Harness h;
  std::set<ConnectionId> ids;
  for (int i = 0; i < 50; ++i) {
    Client client(h.port());
    client.send(ping());
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == static_cast<std::size_t>(i) + 1; }));
    CHECK(h.sink.last->id().valid());
    CHECK(h.sink.last->id().slot == 0);
    CHECK(ids.insert(h.sink.last->id()).second);
    client.close();
    REQUIRE(h.run_until([&] { return h.edge->connection_count() == 0; }));
  }
}

TEST_CASE("find() refuses what never was") {
  Harness h;
  CHECK(h.edge->find({}) == nullptr);
  CHECK(h.edge->find({0, 1}) == nullptr);
  CHECK(h.edge->find({12345, 7}) == nullptr);
}

TEST_CASE("a sink that says it is done without closing: the edge closes") {
  Harness h;
  h.sink.packet = [](Connection&, mqtt::Packet&) { return false; };
  Client client(h.port());
  client.send(ping() + ping());
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  CHECK(h.sink.seen.size() == 1);
}

TEST_CASE("close_all_connections() ends all without a word, also from inside a callback") {
  Harness h;
  Client one(h.port());
  Client two(h.port());
  one.send(ping());
  two.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 2; }));
  h.sink.packet = [&](Connection&, mqtt::Packet&) {
    h.edge->close_all_connections();
    return false;
  };
  one.send(ping() + ping());
  REQUIRE(h.run_until([&] {
    one.poll();
    two.poll();
    return (one.ended() || one.broken()) && (two.ended() || two.broken());
  }));
  CHECK(two.broken());  // reset, not closed: nothing of it stays in the kernel
  CHECK(h.sink.seen.size() == 3);
  CHECK(h.sink.causes.empty());
  CHECK(h.edge->connection_count() == 0);
}

namespace {

// Connections in TIME-WAIT at this end of 127.0.0.1:`port`.
int in_time_wait(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  char local[32];
  std::snprintf(local, sizeof local, ": 0100007F:%04X ", port);
  int count = 0;
  for (std::string line; std::getline(table, line);) {
    const bool here = line.find(local) != std::string::npos;
    constexpr std::size_t state_at = 34;  // "  sl: local rem st": two hex digits, 06 is TIME-WAIT
    count += here && line.compare(state_at, 2, "06") == 0 ? 1 : 0;
  }
  return count;
}

void say_goodbye_to(Harness& h) {
  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.client_closes_first();
    connection.close_after_flush();
    return false;
  };
}

}  // namespace

TEST_CASE(
    "a client that says DISCONNECT and closes leaves no TIME-WAIT here: it would answer for us after a takeover") {
  Harness h;
  say_goodbye_to(h);
  const std::uint16_t port = h.port();
  Client client(port);
  client.send(disconnect());
  REQUIRE(h.run_until([&] { return h.sink.count("disconnect") == 1; }));
  h.run_turns(3);
  client.finish();
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  CHECK(in_time_wait(port) == 0);
}

TEST_CASE("a client that says DISCONNECT and does not close is closed after a moment") {
  Harness h;
  say_goodbye_to(h);
  h.tick(0);
  Client client(h.port());
  client.send(disconnect());
  REQUIRE(h.run_until([&] { return h.sink.count("disconnect") == 1; }));
  h.run_turns(3);
  client.poll();
  CHECK_FALSE(client.ended());
  h.tick(limits::close_first_ms);
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  h.tick(limits::close_drain_ms);
  h.run_turns(3);
  REQUIRE(h.run_until([&] { return client.send_some("x") == 0; }));
}

TEST_CASE("a process that is killed leaves no connection behind in its kernel: its clients are reset") {
  int served[2];
  REQUIRE(::pipe(served) == 0);
  const pid_t killed = ::fork();
  REQUIRE(killed >= 0);
  if (killed == 0) {
    Harness h;
    const std::uint16_t port = h.port();
    if (::write(served[1], &port, sizeof port) != sizeof port) ::_exit(1);
    while (h.sink.seen.empty()) h.turn();
    if (::write(served[1], &port, sizeof port) != sizeof port) ::_exit(1);
    for (;;) ::pause();
  }
  std::uint16_t port = 0;
  REQUIRE(::read(served[0], &port, sizeof port) == sizeof port);
  Client client(port);
  client.send(ping());
  REQUIRE(::read(served[0], &port, sizeof port) == sizeof port);
  REQUIRE(::kill(killed, SIGKILL) == 0);
  REQUIRE(::waitpid(killed, nullptr, 0) == killed);
  client.poll();
  CHECK(client.broken());
  ::close(served[0]);
  ::close(served[1]);
}

TEST_CASE("the edge may end with clients connected, bytes unread and handlers waiting in the loop") {
  Harness h;
  Client client(h.port());
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  h.sink.last->out() += std::string(10'000'000, 'x');
  h.sink.last->will_write();
  h.edge->flush();
  client.send(ping());
  h.edge.reset();
  h.loop.restart();
  h.loop.poll();
  CHECK(h.sink.causes.empty());
}
