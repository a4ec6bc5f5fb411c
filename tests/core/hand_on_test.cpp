// A member of a shared group goes for good: what it has not acknowledged goes to the others.
#include "doctest.hpp"
#include "shared_scene.hpp"
#include "tests/covers.hpp"

namespace tandem::core::test {

namespace {

ConnectOptions narrow(ConnectOptions options, std::uint16_t receive_maximum = 1) {
  options.receive_maximum = receive_maximum;
  return options;
}

}  // namespace

TEST_CASE("A session expires: sent and waiting QoS 1 go to another member, on both boxes") {
  COVERS("U-31", "T-54");
  SharedScene s;
  Client& a = s.member(0, narrow(durable(10)));
  s.publish(1, 3);
  Client& b = s.member(1, durable());
  s.world.lose(a);
  s.world.check();
  CHECK(b.events.empty());
  s.world.advance_ms(10'000);
  CHECK_EQ(s.world.session(a), nullptr);
  CHECK_EQ(s.world.drain(b), Payloads{"1", "2", "3"});
  CHECK_EQ(s.world.active().queued_messages(), 0);
  s.world.check();
}

TEST_CASE("QoS 2 that was sent is nobody else's; what was not goes to another") {
  COVERS("MQTT5-4.8.2-5", "MQTT5-4.8.2-6");
  SharedScene s;
  Client& a = s.member(0, narrow(durable(10), 2));
  s.publish(1, 4, 2);
  const auto sent = a.take_publishes();
  REQUIRE_EQ(sent.size(), 2);
  s.world.ack(a, mqtt::Type::pubrec, sent[0].packet_id);
  Client& b = s.member(1, durable());
  s.world.lose(a);
  s.world.advance_ms(10'000);
  CHECK_EQ(s.world.drain(b), Payloads{"3", "4"});
  s.world.check();
}

TEST_CASE("Clean Start, and a DISCONNECT that ends the session, hand on as well") {
  COVERS("U-31");
  for (const bool by_disconnect : {true, false}) {
    SharedScene s;
    Client& a = s.member(0, durable());
    s.publish(1, 2);
    Client& b = s.member(1, durable());
    if (by_disconnect)
      s.world.disconnect(a, mqtt::Reason::success, 0);
    else
      s.world.connect(a);  // while the older connection is open: that ends first
    CHECK_EQ(s.world.drain(b), Payloads{"1", "2"});
    s.world.check();
  }
}

TEST_CASE("What a clean session leaves goes to durable and to clean members") {
  COVERS("U-31");
  for (const bool to_durable : {true, false}) {
    SharedScene s;
    Client& a = s.member(0, narrow({}, 2));
    s.publish(1, 3);
    CHECK_EQ(s.world.drain(a), Payloads{"1", "2", "3"});
    s.publish(4, 6);  // two in flight, one waits
    Client& b = s.member(1, to_durable ? durable() : ConnectOptions{});
    const std::uint64_t before = s.world.last_lsn();
    s.world.lose(a);
    CHECK_EQ(s.world.last_lsn() - before, to_durable ? 3 : 0);
    s.world.check();
    CHECK_EQ(s.world.drain(b), Payloads{"4", "5", "6"});
    CHECK_EQ(s.world.active().messages().count(), 0);
    s.world.check();
  }
}

TEST_CASE("A clean session keeps for the others no more than its queue may hold") {
  SharedScene s;
  s.world.policy.max_queue_bytes = 25;
  Client& a = s.member(0, {});
  for (int i = 0; i < 5; ++i) s.world.publish(s.publisher, "t", std::string(9, static_cast<char>('a' + i)));
  CHECK_EQ(s.world.session(a)->queue.bytes(), 20);
  Client& b = s.member(1, durable());
  s.world.lose(a);
  CHECK_EQ(s.world.drain(b), Payloads{std::string(9, 'a'), std::string(9, 'b')});
  s.world.check();
}

TEST_CASE("A durable session's messages may go to a clean one: they leave the queue on both boxes") {
  SharedScene s;
  Client& a = s.member(0, durable(10));
  s.publish(1, 2);
  Client& b = s.member(1, {});
  s.world.lose(a);
  s.world.advance_ms(10'000);
  s.world.check();
  CHECK_EQ(s.world.active().messages().count(), 0);
  CHECK_EQ(s.world.drain(b), Payloads{"1", "2"});
}

TEST_CASE("It goes to the group that gave it, with the new member's options; plain copies end with the session") {
  SharedScene s;
  Client& a = s.member(0, durable(10));
  s.world.subscribe(a, "t", {.identifier = 5});
  s.world.subscribe(a, "$share/h/+", {.identifier = 6});
  s.world.subscribe(a, "$share/k/t");
  s.publish(1, 1, 2);
  CHECK_EQ(a.take_publishes().size(), 4);
  s.world.lose(a);
  s.publish(2, 2, 1);
  Client& b = s.world.client(1);
  s.world.connect(b, durable());
  s.world.subscribe(b, "$share/h/+", {.qos = 1, .identifier = 7});
  s.world.subscribe(b, "t", {.identifier = 8});
  b.take();
  s.world.advance_ms(10'000);
  const auto events = b.take_publishes();
  REQUIRE_EQ(events.size(), 1);
  CHECK_EQ(events[0].payload, "2");
  CHECK_EQ(events[0].qos, 1);
  CHECK_FALSE(events[0].dup);
  CHECK_EQ(events[0].identifiers, std::vector<std::uint32_t>{7});
  s.world.check();
}

TEST_CASE("The time that is left goes on; what has expired goes to nobody") {
  for (const bool clean : {false, true}) {
    SharedScene s;
    Client& a = s.member(0, clean ? narrow({}) : narrow(durable(10)));
    s.publish(0, 0);
    s.world.publish(s.publisher, "t", "long", {.expiry_s = 60});
    s.world.publish(s.publisher, "t", "short", {.expiry_s = 5});
    Client& b = s.member(1, durable());
    if (!clean) s.world.lose(a);
    s.world.advance_ms(10'000);
    if (clean) s.world.lose(a);
    const auto events = b.take_publishes();
    REQUIRE_EQ(events.size(), 2);
    CHECK_EQ(events[1].payload, "long");
    CHECK_EQ(events[1].expiry_s.value_or(0), 50);
    s.world.check();
  }
}

TEST_CASE("After a takeover: who came by a log or by an image hands on, too") {
  SharedScene s;
  Client& a = s.member(0, durable(10));
  s.publish(1, 2);
  Client& b = s.member(1, durable(100));
  s.world.take_over();
  s.world.connect(b, durable(100));
  s.world.advance_ms(10'000);
  CHECK_EQ(s.world.session(a), nullptr);
  CHECK_EQ(s.world.drain(b), Payloads{"1", "2"});
  s.world.check();
}

TEST_CASE("A peer of the older release cannot read it: then only what is in no log is handed on") {
  SharedScene s;
  s.world.policy.common_level = 1;
  Client& a = s.member(0, durable(10));
  Client& c = s.member(2, {});
  s.publish(1, 2);
  Client& b = s.member(1, {});
  s.world.lose(a);
  const std::uint64_t before = s.world.last_lsn();
  s.world.advance_ms(10'000);
  CHECK_EQ(s.world.last_lsn() - before, 1);  // the session's end
  s.world.lose(c);
  CHECK_EQ(s.world.drain(b), Payloads{"2"});
  s.world.check();
}

TEST_CASE("Without another member it ends with the session") {
  SharedScene s;
  Client& a = s.member(0, durable(10));
  s.publish(1, 2);
  s.world.lose(a);
  s.world.advance_ms(10'000);
  CHECK_EQ(s.world.active().messages().count(), 0);
  s.world.check();
}

}  // namespace tandem::core::test
