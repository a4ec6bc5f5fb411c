// Payloads that are written from where they lie, for one client or for many: every byte arrives, in order, however
// slowly it is read, and nothing is kept longer than it is needed.
#include "base/limits.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

// A payload that others hold, too.
struct Payload {
  std::string text;
  int shared = 0;

  SharedBytes share() {
    ++shared;
    return {text, this, [](void* payload) { --static_cast<Payload*>(payload)->shared; }};
  }
};

// Sends what it gets to `to`: a head of its own and the payload from where it was read to.
struct Forwarder {
  explicit Forwarder(Connection& connection) : to(&connection) {}

  Connection* to;
  std::size_t written_from = 0;  // so many payloads could be
  std::string expected;

  bool forward(mqtt::Packet& packet) {
    const auto* const publish = std::get_if<mqtt::Publish>(&packet);
    if (publish == nullptr) return true;
    const std::string head = "[" + std::to_string(publish->payload.size()) + "]";
    to->out() += head;
    if (to->can_write_from(publish->payload)) {
      ++written_from;
      to->share(SharedBytes::of_this_turn(publish->payload));
    } else {
      to->out() += publish->payload;
    }
    to->will_write();
    expected += head + std::string(publish->payload);
    return true;
  }
};

Connection& connect(Harness& h, Client& client) {
  const std::size_t before = h.sink.seen.size();
  client.send(ping());
  REQUIRE(h.run_until([&] { return h.sink.seen.size() > before; }));
  return *h.sink.last;
}

bool with_threads() {
  return Harness::default_options().threads > 0;
}

}  // namespace

TEST_CASE("what was read in a turn is written from there; the next read of the turn does not overwrite it") {
  Harness h;
  Client reader(h.port());
  Client one(h.port());
  Client two(h.port());
  Forwarder forwarder(connect(h, reader));
  connect(h, one);
  connect(h, two);
  h.sink.packet = [&](Connection&, mqtt::Packet& packet) { return forwarder.forward(packet); };
  std::size_t sent = 0;
  for (int round = 0; round < 50; ++round) {
    one.send(publish(3'000, static_cast<char>('a' + round % 26)) + publish(17, '.'));
    two.send(publish(9'000, static_cast<char>('A' + round % 26)));
    sent += 3;
    REQUIRE(h.run_until([&] {
      return h.sink.count("publish 3000") + h.sink.count("publish 17") + h.sink.count("publish 9000") == sent;
    }));
  }
  REQUIRE(h.run_until([&] {
    reader.poll();
    return reader.received().size() == forwarder.expected.size();
  }));
  CHECK(reader.received() == forwarder.expected);
  CHECK((forwarder.written_from > 0) == !with_threads());
}

TEST_CASE("what a slow client has not taken at the turn's end is its own from then on") {
  Harness h;
  Client slow(h.port(), 4096);
  Client publisher(h.port());
  Forwarder forwarder(connect(h, slow));
  connect(h, publisher);
  h.sink.packet = [&](Connection&, mqtt::Packet& packet) { return forwarder.forward(packet); };
  std::size_t rounds = 0;
  while (forwarder.to->unsent_bytes() < 300'000) {  // and some more while the socket takes nothing
    publisher.send(publish(20'000, static_cast<char>('a' + rounds % 26)));
    ++rounds;
    REQUIRE(h.run_until([&] { return h.sink.count("publish 20000") == rounds; }));
    h.run_turns(2);
  }
  REQUIRE(h.run_until([&] {
    slow.poll_some(30'000);
    return slow.received().size() == forwarder.expected.size();
  }));
  CHECK(slow.received() == forwarder.expected);
}

TEST_CASE("a payload that many get lies in memory once, until the slowest has read it or is gone") {
  Harness h;
  Client fast(h.port());
  Client slow(h.port(), 4096);
  Client gone(h.port(), 4096);
  std::vector<Connection*> connections{&connect(h, fast), &connect(h, slow), &connect(h, gone)};
  Payload payload;
  payload.text = std::string(3'000'000, 'p');
  for (std::size_t i = 0; i < payload.text.size(); i += 7) payload.text[i] = static_cast<char>('a' + i % 25);
  for (Connection* const to : connections) {
    REQUIRE(to->shares());
    for (const char* const head : {"[one]", "[two]"}) {
      to->out() += head;
      to->share(payload.share());
    }
    to->out() += "[end]";
    to->will_write();
    CHECK(to->unsent_bytes() == 15 + 2 * payload.text.size());
  }
  const std::string expected = "[one]" + payload.text + "[two]" + payload.text + "[end]";
  REQUIRE(h.run_until([&] {
    fast.poll();
    return fast.received().size() == expected.size();
  }));
  CHECK(fast.received() == expected);
  h.run_turns(3);
  CHECK(payload.shared >= 2);
  CHECK(payload.shared <= 4);
  CHECK(connections[1]->out().size() < 1'000);
  SUBCASE("its client goes") {
    gone.reset();
  }
  SUBCASE("it is closed") {
    connections[2]->close_now();
  }
  REQUIRE(h.run_until([&] {
    slow.poll();
    return slow.received().size() == expected.size();
  }));
  CHECK(slow.received() == expected);
  CHECK(h.run_until([&] { return payload.shared == 0; }));
}

TEST_CASE("nothing is kept beyond the edge's connections, though a handler may still hold one") {
  Payload payload;
  payload.text = std::string(8'000'000, 'p');
  Harness h;
  Client slow(h.port(), 4096);
  Connection& to = connect(h, slow);
  for (int i = 0; i < 4; ++i) to.share(payload.share());
  to.will_write();
  h.run_turns(3);
  REQUIRE(to.unsent_bytes() > 0);
  CHECK(payload.shared > 0);
  h.edge->close_all_connections();
  CHECK(payload.shared == 0);
}
