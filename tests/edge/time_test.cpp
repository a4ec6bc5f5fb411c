// Keep-alive, connect timeout and drains, with time injected by tick().
#include "base/limits.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

// A client whose CONNECT (here: its first ping) has been accepted.
void establish(Harness& h, Client& client, std::uint16_t keep_alive_s) {
  h.sink.packet = [keep_alive_s](Connection& connection, mqtt::Packet&) {
    if (!connection.is_established()) connection.established(mqtt::Version::v311, keep_alive_s, 0xFFFFFFFF);
    return true;
  };
  const std::size_t before = h.sink.seen.size();
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == before + 1; }));
}

}  // namespace

TEST_CASE("MQTT5-3.1.2-22: silence for 1.5 x keep-alive ends the connection; the sink's last word arrives") {
  Harness h;
  Client client(h.port());
  establish(h, client, 10);
  h.sink.closed = [](Connection& connection, CloseCause) { connection.out() += "too quiet"; };
  h.tick(15'000);
  CHECK(h.sink.causes.empty());
  h.tick(limits::keep_alive_slack_ms);
  REQUIRE(h.sink.causes == std::vector<CloseCause>{CloseCause::keep_alive_timeout});
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  CHECK(client.received() == "too quiet");
}

TEST_CASE("a client that pings in time stays for ever") {
  Harness h;
  Client client(h.port());
  establish(h, client, 10);
  for (std::size_t i = 0; i < 20; ++i) {
    h.tick(14'000);
    client.send(ping());
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == i + 2; }));
  }
  CHECK(h.sink.causes.empty());
  h.tick(15'000 + limits::keep_alive_slack_ms);
  CHECK(h.sink.causes.size() == 1);
}

TEST_CASE("keep-alive 0 never times out") {
  Harness h;
  Client client(h.port());
  establish(h, client, 0);
  for (int i = 0; i < 10; ++i) h.tick(100'000'000);
  CHECK(h.sink.causes.empty());
  CHECK(h.edge->connection_count() == 1);
}

TEST_CASE("our own standstill is not the client's silence: unread bytes keep it alive") {
  Harness h;
  Client client(h.port());
  establish(h, client, 1);
  client.send(ping());
  h.tick(60'000);  // as after a SIGSTOP: time has passed, the ping waits in the socket
  CHECK(h.sink.causes.empty());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 2; }));
  h.tick(1'500);
  CHECK(h.sink.causes.empty());
  h.tick(60'000);
  CHECK(h.sink.causes.size() == 1);
}

TEST_CASE("a paused connection cannot time out; the time starts anew when it is resumed") {
  Harness h;
  Client client(h.port());
  establish(h, client, 1);
  Connection& connection = *h.sink.last;
  connection.pause_reading();
  h.tick(60'000);
  h.tick(60'000);
  CHECK(h.sink.causes.empty());
  connection.resume_reading();
  h.tick(1'500);
  CHECK(h.sink.causes.empty());
  h.tick(60'000);
  CHECK(h.sink.causes.size() == 1);
}

TEST_CASE("a large packet that keeps coming is a sign of life, a small cut one is not") {
  Harness h;
  Client client(h.port());
  establish(h, client, 1);
  ConnectionId id = h.sink.last->id();
  std::vector<CloseCause> causes;  // of the client under test, without those of quiet()
  h.sink.closed = [&](Connection& connection, CloseCause cause) {
    if (connection.id() == id) causes.push_back(cause);
  };
  const std::string bytes = publish(100'000);
  for (std::size_t at = 0; at < 10; ++at) {
    client.send(bytes.substr(at * 1000, 1000));
    REQUIRE(h.quiet());
    h.tick(1'000);
  }
  CHECK(causes.empty());
  h.tick(2'000);
  CHECK(causes == std::vector<CloseCause>{CloseCause::keep_alive_timeout});

  causes.clear();
  Client cut(h.port());
  establish(h, cut, 1);
  id = h.sink.last->id();
  h.tick(1'000);
  cut.send(publish(500).substr(0, 100));
  REQUIRE(h.quiet());
  h.tick(1'000);
  CHECK(causes == std::vector<CloseCause>{CloseCause::keep_alive_timeout});
}

TEST_CASE("no CONNECT in time: closed, and the sink is told") {
  Harness h;
  Client client(h.port());
  REQUIRE(h.run_until([&] { return h.edge->connection_count() == 1; }));
  h.tick(9'999);
  CHECK(h.sink.causes.empty());
  h.tick(1);
  CHECK(h.sink.causes == std::vector<CloseCause>{CloseCause::connect_timeout});
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  h.tick(60'000);
  CHECK(h.sink.causes.size() == 1);
}

TEST_CASE("time before the first tick does not count") {
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  Edge edge(loop, Harness::default_options(), sink);
  REQUIRE(edge.open_listeners().ok());
  edge.accept_clients();
  Client client(edge.ports().at(0));
  while (edge.connection_count() == 0) loop.run_one();
  edge.tick(Steady{50'000'000});
  CHECK(edge.connection_count() == 1);
  edge.tick(Steady{50'009'999});
  CHECK(edge.connection_count() == 1);
  edge.tick(Steady{50'010'000});
  CHECK(edge.connection_count() == 0);
}

TEST_CASE("a client that never closes its side is dropped after the drain") {
  Harness h;
  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.out() += "bye";
    connection.close_after_flush();
    return false;
  };
  EdgeOptions options = Harness::default_options();
  Client client(h.port());
  client.send(ping());
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  h.tick(limits::close_drain_ms);
  h.run_turns(3);
  // The socket is gone: a byte to it is answered by a reset.
  REQUIRE(h.run_until([&] { return client.send_some("x") == 0; }));
}
