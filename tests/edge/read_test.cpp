// Bytes to packets: any split, any size, pauses, and what a connection does inside its own callback.
#include "base/limits.hpp"
#include "edge/rest_bytes.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

TEST_CASE("packets cut at every byte arrive whole") {
  Harness h;
  Client client(h.port());
  const std::string bytes = publish(200) + ping() + publish(0) + disconnect();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    client.send(bytes.substr(i, 1));
    h.turn();
  }
  CHECK(h.run_until([&] { return h.sink.seen.size() == 4; }));
  CHECK(h.sink.seen == std::vector<std::string>{"publish 200", "ping", "publish 0", "disconnect"});
}

TEST_CASE("a stream cut into pieces of every size gives the same packets") {
  std::string bytes;
  for (std::size_t i = 0; i < 60; ++i) bytes += i % 7 == 0 ? ping() : publish(i * i);
  for (std::size_t piece : {2U, 3U, 5U, 17U, 128U, 1000U, 5000U}) {
    CAPTURE(piece);
    Harness h;
    Client client(h.port());
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      client.send(bytes.substr(at, piece));
      h.turn();
    }
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == 60; }));
    CHECK(h.sink.count("publish 3481") == 1);
    CHECK(h.sink.count("ping") == 9);
  }
}

TEST_CASE("many packets in one read, in order") {
  Harness h;
  std::string bytes;
  for (std::size_t i = 0; i < 500; ++i) bytes += publish(i);
  Client client(h.port());
  client.send(bytes);
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 500; }));
  for (std::size_t i = 0; i < 500; ++i) CHECK(h.sink.seen[i] == "publish " + std::to_string(i));
}

TEST_CASE("the bytes of a cut packet are moved a constant number of times, and only for bytes that came") {
  RestBytes rest;
  const char* place = nullptr;
  std::size_t moved = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    rest.append(std::string(1000, static_cast<char>('a' + i % 26)), 2'000'000);
    if (rest.view().data() != place) moved += rest.size();
    place = rest.view().data();
  }
  CHECK(rest.size() == 2'000'000);
  CHECK(moved < 2 * rest.size() + 2000);
  CHECK(rest.view()[1'999'999] == static_cast<char>('a' + 1999 % 26));
  rest.remove_front(1'999'000);
  CHECK(rest.view() == std::string(1000, static_cast<char>('a' + 1999 % 26)));
  rest.remove_front(1000);
  CHECK(rest.view().data() == nullptr);
}

TEST_CASE("a 2 MB packet in pieces of 1 KB keeps its bytes") {
  Harness h;
  bool intact = false;
  h.sink.packet = [&](Connection&, mqtt::Packet& packet) {
    intact = std::get<mqtt::Publish>(packet).payload == std::string(1'990'000, 'q');
    return true;
  };
  Client client(h.port());
  const std::string bytes = publish(1'990'000, 'q');
  for (std::size_t at = 0; at < bytes.size(); at += 1024) {
    client.send(bytes.substr(at, 1024));
    h.turn();
  }
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  CHECK(intact);
}

TEST_CASE("one connection gets at most its share of a turn") {
  Harness h;
  Client client(h.port());
  std::string bytes;
  while (bytes.size() < 400'000) bytes += publish(1000);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    sent += client.send_some(bytes.substr(sent));
    h.loop.poll();
    CHECK(h.edge->bytes_read_this_turn() <= limits::turn_bytes_per_connection);
    h.edge->flush();
    h.edge->new_turn();
    CHECK(h.edge->bytes_read_this_turn() == 0);
  }
}

TEST_CASE("a paused connection hands over nothing more, not even what has been read") {
  Harness h;
  Client client(h.port());
  h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
    if (h.sink.seen.size() == 3) connection.pause_reading();
    return true;
  };
  std::string bytes;
  for (std::size_t i = 0; i < 10; ++i) bytes += publish(i);
  client.send(bytes);
  client.send(publish(500).substr(0, 100));
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 3; }));
  Connection* const paused = h.sink.last;
  client.send(publish(500).substr(100) + ping());
  Client other(h.port());
  other.send(disconnect());
  REQUIRE(h.run_until([&] { return h.sink.count("disconnect") == 1; }));
  h.run_turns(5);
  CHECK(h.sink.seen.size() == 4);

  paused->resume_reading();
  REQUIRE(h.run_until([&] { return h.sink.count("ping") == 1; }));
  CHECK(h.sink.seen.size() == 4 + 7 + 2);
  CHECK(h.sink.seen.back() == "ping");
  CHECK(h.sink.count("publish 500") == 1);
}

TEST_CASE("pause and resume at every packet loses and repeats nothing") {
  Harness h;
  Client client(h.port());
  h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
    connection.pause_reading();
    return true;
  };
  std::string bytes;
  for (std::size_t i = 0; i < 100; ++i) bytes += publish(i * 20);
  client.send(bytes);
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == i + 1; }));
    CHECK(h.sink.seen.back() == "publish " + std::to_string(i * 20));
    h.sink.last->resume_reading();
    h.sink.last->pause_reading();
    h.sink.last->resume_reading();
  }
}

TEST_CASE("a pause and resume inside one callback changes nothing") {
  Harness h;
  Client client(h.port());
  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.pause_reading();
    connection.resume_reading();
    return true;
  };
  std::string bytes;
  for (std::size_t i = 0; i < 50; ++i) bytes += publish(i);
  client.send(bytes.substr(0, 501));
  h.run_turns(3);
  client.send(bytes.substr(501));
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 50; }));
  CHECK(h.sink.seen.back() == "publish 49");
}

TEST_CASE("a connection closed inside its own callback: nothing more is handed over, find() forgets it") {
  for (const bool now : {true, false}) {
    CAPTURE(now);
    Harness h;
    ConnectionId id;
    h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
      id = connection.id();
      if (now) {
        connection.close_now();
      } else {
        connection.close_after_flush();
      }
      CHECK(h.edge->find(id) == nullptr);
      return false;
    };
    Client client(h.port());
    client.send(publish(5000).substr(0, 100));
    h.run_turns(3);
    client.send(publish(5000).substr(100) + ping() + ping());
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
    REQUIRE(h.run_until([&] {
      client.poll();
      return client.ended() || client.broken();
    }));
    CHECK(h.sink.seen.size() == 1);
    CHECK(h.sink.causes.empty());
    CHECK(h.edge->connection_count() == 0);
  }
}

TEST_CASE("a callback may close another connection that has bytes waiting") {
  Harness h;
  Client first(h.port());
  Client second(h.port());
  first.send(publish(1));
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  const ConnectionId victim = h.sink.last->id();
  second.send(publish(2));
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 2; }));
  h.sink.packet = [&](Connection&, mqtt::Packet&) {
    if (Connection* const other = h.edge->find(victim)) other->close_now();
    return true;
  };
  second.send(publish(3));
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 3; }));
  first.send_some(publish(4));
  REQUIRE(h.quiet());
  CHECK(h.sink.count("publish 4") == 0);
  CHECK(h.edge->find(victim) == nullptr);
}

TEST_CASE("bytes that are no packet: the sink may answer, then the connection ends") {
  Harness h;
  h.sink.malformed = [](Connection& connection) {
    connection.out() += "bye";
    connection.will_write();
  };
  Client client(h.port());
  client.send(ping() + std::string("\xF6\x00\xFF\xFF", 4) + ping());
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  CHECK(client.received() == "bye");
  CHECK(h.sink.seen == std::vector<std::string>{"ping"});
  CHECK(h.sink.malformed_reasons.size() == 1);
  CHECK(h.sink.causes.empty());
}

TEST_CASE(
    "a packet beyond the limit ends the connection as soon as its length is known, and a smaller limit holds "
    "before CONNECT") {
  EdgeOptions options = Harness::default_options();
  options.max_connect_bytes = 1000;
  options.max_packet_bytes = 10'000;
  Harness h(options);
  Client early(h.port());
  early.send(publish(1000).substr(0, 20));
  REQUIRE(h.run_until([&] { return h.sink.malformed_reasons.size() == 1; }));

  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.established(mqtt::Version::v311, 0, 0xFFFFFFFF);
    return true;
  };
  Client later(h.port());
  later.send(publish(1) + publish(9000) + publish(20'000).substr(0, 20));
  REQUIRE(h.run_until([&] { return h.sink.malformed_reasons.size() == 2; }));
  CHECK(h.sink.malformed_reasons[1] == mqtt::Reason::packet_too_large);
  CHECK(h.sink.seen.size() == 2);
}
