// Output: one write a turn, a slow reader, a last word that arrives.
#include "base/limits.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

// Numbered text, so that a lost, repeated or moved byte shows.
std::string numbers(std::size_t from, std::size_t count) {
  std::string text;
  for (std::size_t i = from; i < from + count; ++i) text += std::to_string(i) + ",";
  return text;
}

}  // namespace

TEST_CASE("what is appended goes out at flush, not before") {
  Harness h;
  Client client(h.port());
  client.send(ping());
  h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
    connection.out() += "one";
    connection.will_write();
    connection.out() += "two";
    connection.will_write();
    return true;
  };
  while (h.sink.seen.empty()) {
    h.loop.poll();
    h.edge->new_turn();
  }
  CHECK(h.sink.last->unsent_bytes() == 6);
  client.poll();
  CHECK(client.received().empty());
  h.edge->flush();
  h.edge->settle();
  CHECK(h.sink.last->unsent_bytes() == 0);
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.received().size() == 6;
  }));
  CHECK(client.received() == "onetwo");
}

TEST_CASE(
    "a slow reader gets every byte in order while more is appended; memory does not grow with what was "
    "sent") {
  Harness h;
  Client client(h.port(), 4096);
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  Connection& connection = *h.sink.last;
  std::string expected;
  std::size_t next = 0;
  while (connection.unsent_bytes() < 300'000) {  // the socket is full
    const std::string text = numbers(next, 10'000);
    next += 10'000;
    expected += text;
    connection.out() += text;
    connection.will_write();
    h.turn();
  }
  std::size_t largest = 0;
  while (expected.size() < 12'000'000) {  // about as much is appended as is read: the buffer is never empty
    client.poll_some(60'000);
    if (connection.unsent_bytes() < 300'000) {
      const std::string text = numbers(next, 10'000);
      next += 10'000;
      expected += text;
      connection.out() += text;
      connection.will_write();
    }
    h.turn();
    largest = std::max(largest, connection.out().size());
  }
  CHECK(largest < 1'000'000);
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.received().size() == expected.size();
  }));
  CHECK(client.received() == expected);
  CHECK(connection.unsent_bytes() == 0);
}

TEST_CASE("an idle connection holds no output memory") {
  Harness h;
  Client client(h.port());
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  Connection& connection = *h.sink.last;
  connection.out() += std::string(50'000, 'x');
  connection.will_write();
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.received().size() == 50'000;
  }));
  h.tick(100);
  h.tick(100);
  CHECK(connection.out().capacity() < 50);
}

TEST_CASE("a last word arrives although the client's bytes have not been read") {
  Harness h;
  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.out() += "last word";
    connection.close_after_flush();
    return false;
  };
  for (int round = 0; round < 20; ++round) {
    Client client(h.port());
    const std::string flood = ping() + publish(300'000);
    std::size_t sent = client.send_some(flood);
    const bool ended = h.run_until([&] {
      if (sent < flood.size()) sent += client.send_some(flood.substr(sent));
      client.poll();
      return client.ended() || client.broken();
    });
    REQUIRE(ended);
    CHECK_FALSE(client.broken());
    CHECK(client.received() == "last word");
    client.send_some(ping());  // still no reset: our side drains
    client.poll();
    CHECK_FALSE(client.broken());
  }
  CHECK(h.sink.causes.empty());
}

TEST_CASE("close_after_flush with a full socket: all of it arrives, then the end") {
  Harness h;
  Client client(h.port(), 4096);
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  h.sink.last->out() += numbers(0, 500'000);
  h.sink.last->will_write();
  h.turn();
  CHECK(h.sink.last->unsent_bytes() > 0);
  h.sink.last->out() += "end";
  h.sink.last->close_after_flush();
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended();
  }));
  CHECK(client.received() == numbers(0, 500'000) + "end");
}

TEST_CASE("a client that is left and reads nothing is dropped after its time") {
  Harness h;
  Client client(h.port(), 4096);
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  h.sink.last->out() += std::string(20'000'000, 'x');
  h.sink.last->close_after_flush();
  h.run_turns(3);
  h.tick(limits::close_flush_ms);
  h.run_turns(3);
  REQUIRE(h.run_until([&] {
    client.poll();
    return client.ended() || client.broken();
  }));
  CHECK(client.received().size() < 20'000'000);
}
