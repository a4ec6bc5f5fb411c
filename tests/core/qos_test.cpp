// QoS 1 and 2 flows: acks, windows, packet ids, resending, order.
#include <set>

#include "doctest.hpp"
#include "world.hpp"

namespace tandem::core::test {

namespace {

using Payloads = std::vector<std::string>;

struct Scene {
  World world;
  Client& subscriber = world.client(0);
  Client& publisher = world.client(1);

  explicit Scene(ConnectOptions options = durable(), unsigned qos = 2) {
    world.connect(subscriber, options);
    world.connect(publisher, durable());
    world.subscribe(subscriber, "t", {.qos = qos});
    subscriber.take();
  }
  void publish(int from, int to, unsigned qos = 1) {
    for (int i = from; i <= to; ++i) world.publish(publisher, "t", std::to_string(i), {.qos = qos});
  }
  std::uint16_t only_id() {
    const auto events = subscriber.take_publishes();
    REQUIRE_EQ(events.size(), 1);
    return events[0].packet_id;
  }
};

ConnectOptions with_window(std::uint16_t receive_maximum) {
  ConnectOptions options = durable();
  options.receive_maximum = receive_maximum;
  return options;
}

}  // namespace

TEST_CASE("MQTT5-3.3.4-1 MQTT5-4.3.2-4 MQTT5-4.3.3-8: QoS 1 gets a PUBACK, QoS 2 a PUBREC, with the packet's id") {
  Scene s;
  s.publisher.take();
  s.world.publish(s.publisher, "t", "x", {.qos = 0});
  CHECK(s.publisher.take().empty());
  s.world.publish(s.publisher, "t", "x", {.qos = 1, .packet_id = 77});
  const Event puback = s.publisher.take().front();
  CHECK_EQ(puback.ack, mqtt::Type::puback);
  CHECK_EQ(puback.packet_id, 77);
  s.world.publish(s.publisher, "t", "x", {.qos = 2, .packet_id = 78});
  const Event pubrec = s.publisher.take().front();
  CHECK_EQ(pubrec.ack, mqtt::Type::pubrec);
  CHECK_EQ(pubrec.packet_id, 78);
  s.world.check();
}

TEST_CASE(
    "T-08 MQTT5-4.3.3-10 MQTT5-4.3.3-12: a QoS 2 id is one message until PUBREL, across connections and takeovers") {
  Scene s;
  CHECK_FALSE(s.world.publish(s.publisher, "t", "once", {.qos = 2, .packet_id = 5}).duplicate);
  for (int i = 0; i < 3; ++i) CHECK(s.world.publish(s.publisher, "t", "once", {.qos = 2, .packet_id = 5}).duplicate);
  s.world.lose(s.publisher);
  s.world.connect(s.publisher, durable());
  CHECK(s.world.publish(s.publisher, "t", "once", {.qos = 2, .packet_id = 5}).duplicate);
  s.world.take_over();
  s.world.connect(s.publisher, durable());
  CHECK(s.world.publish(s.publisher, "t", "once", {.qos = 2, .packet_id = 5}).duplicate);
  s.world.pubrel(s.publisher, 5);
  CHECK_FALSE(s.world.publish(s.publisher, "t", "twice", {.qos = 2, .packet_id = 5}).duplicate);
  s.world.connect(s.subscriber, durable());
  CHECK_EQ(s.world.drain(s.subscriber), Payloads{"once", "twice"});
  s.world.check();
}

TEST_CASE("T-08: for a transient publisher as well, while it is connected") {
  World world;
  Client& a = world.client(0);
  world.connect(a);
  CHECK_FALSE(world.publish(a, "t", "x", {.qos = 2, .packet_id = 5}).duplicate);
  CHECK(world.publish(a, "t", "x", {.qos = 2, .packet_id = 5}).duplicate);
  world.pubrel(a, 5);
  CHECK_FALSE(world.publish(a, "t", "x", {.qos = 2, .packet_id = 5}).duplicate);
  world.lose(a);
  world.connect(a);
  CHECK_FALSE(world.publish(a, "t", "x", {.qos = 2, .packet_id = 5}).duplicate);
}

TEST_CASE("U-21 MQTT5-4.3.3-11: PUBREL gets a PUBCOMP, for an unknown id with 0x92") {
  Scene s;
  s.world.publish(s.publisher, "t", "x", {.qos = 2, .packet_id = 5});
  s.publisher.take();
  s.world.pubrel(s.publisher, 5);
  CHECK_EQ(s.publisher.take().front().reason, mqtt::Reason::success);
  const std::uint64_t before = s.world.last_lsn();
  s.world.pubrel(s.publisher, 5);
  const Event answer = s.publisher.take().front();
  CHECK_EQ(answer.ack, mqtt::Type::pubcomp);
  CHECK_EQ(answer.reason, mqtt::Reason::packet_identifier_not_found);
  // RECONCILE must know that the client is done with the id.
  CHECK_EQ(s.world.last_lsn(), before + (s.world.session(s.publisher)->durable ? 1 : 0));
}

TEST_CASE("MQTT5-4.3.3-4 MQTT5-4.3.3-5 U-22: PUBREC, PUBREL, PUBCOMP; a repeated or unknown PUBREC") {
  Scene s;
  s.publish(1, 1, 2);
  const std::uint16_t id = s.only_id();
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubcomp, id), AckMeaning::nothing);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::puback, id), AckMeaning::nothing);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubrec, id), AckMeaning::progress);
  CHECK_EQ(s.subscriber.take().front().ack, mqtt::Type::pubrel);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubrec, id), AckMeaning::repeat_pubrel);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubcomp, id), AckMeaning::progress);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubcomp, id), AckMeaning::nothing);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubrec, id), AckMeaning::unknown_pubrec);
  CHECK_EQ(s.world.ack(s.subscriber, mqtt::Type::pubrec, id, true), AckMeaning::nothing);
  CHECK_EQ(s.world.session(s.subscriber)->queue.size(), 0);
  s.world.check();
}

TEST_CASE("T-10 MQTT5-4.4.0-2: a PUBREC with an error ends the flow and frees its place") {
  Scene s(with_window(1));
  s.publish(1, 2, 2);
  s.world.ack(s.subscriber, mqtt::Type::pubrec, s.only_id(), true);
  const auto events = s.subscriber.take();
  REQUIRE_EQ(events.size(), 1);  // no PUBREL, the next message
  CHECK_EQ(events[0].payload, "2");
  s.world.connect(s.subscriber, with_window(1));
  CHECK_EQ(s.world.drain(s.subscriber), Payloads{"2"});
  s.world.check();
}

TEST_CASE("MQTT5-3.3.4-9 MQTT5-4.9.0-2 T-13: never more in flight than the receive maximum, QoS 2 until PUBCOMP") {
  Scene s(with_window(2));
  s.publish(1, 5, 2);
  auto events = s.subscriber.take_publishes();
  REQUIRE_EQ(events.size(), 2);
  s.world.ack(s.subscriber, mqtt::Type::pubrec, events[0].packet_id);
  CHECK(s.subscriber.take_publishes().empty());
  s.world.ack(s.subscriber, mqtt::Type::pubcomp, events[0].packet_id);
  CHECK_EQ(s.subscriber.take_payloads(), Payloads{"3"});
  s.world.check();
}

TEST_CASE(
    "T-38 MQTT5-3.3.1-1 MQTT5-4.4.0-1: after a return unacknowledged messages come again, DUP 1, old ids, old order") {
  Scene s(with_window(10));
  s.publish(1, 4, 2);
  auto events = s.subscriber.take_publishes();
  for (const Event& event : events) CHECK_FALSE(event.dup);
  s.world.ack(s.subscriber, mqtt::Type::pubrec, events[1].packet_id);  // 2 waits for PUBCOMP
  s.world.ack(s.subscriber, mqtt::Type::pubrec, events[3].packet_id);  // 4 is finished
  s.world.ack(s.subscriber, mqtt::Type::pubcomp, events[3].packet_id);
  s.world.lose(s.subscriber);
  s.publish(5, 5, 1);
  s.world.connect(s.subscriber, with_window(10));
  s.subscriber.events.pop_front();
  const auto again = s.subscriber.take();
  REQUIRE_EQ(again.size(), 4);
  CHECK_EQ(again[0].payload, "1");
  CHECK(again[0].dup);
  CHECK_EQ(again[0].packet_id, events[0].packet_id);
  CHECK_EQ(again[1].ack, mqtt::Type::pubrel);  // [MQTT5-4.3.3-6]: no PUBLISH after PUBREL
  CHECK_EQ(again[1].packet_id, events[1].packet_id);
  CHECK_EQ(again[2].payload, "3");
  CHECK(again[2].dup);
  CHECK_EQ(again[3].payload, "5");
  CHECK_FALSE(again[3].dup);
  s.world.check();
}

TEST_CASE("T-12 MQTT5-4.9.0-1: the window starts anew with each connection, also a smaller one") {
  Scene s(with_window(4));
  s.publish(1, 6);
  CHECK_EQ(s.subscriber.take_publishes().size(), 4);
  s.world.connect(s.subscriber, with_window(2));
  auto events = s.subscriber.take_publishes();
  REQUIRE_EQ(events.size(), 2);
  s.world.ack(s.subscriber, mqtt::Type::puback, events[1].packet_id);
  events = s.subscriber.take_publishes();
  REQUIRE_EQ(events.size(), 1);
  CHECK_EQ(events[0].payload, "3");
  CHECK(events[0].dup);
  s.world.connect(s.subscriber, with_window(100));
  CHECK_EQ(s.world.drain(s.subscriber), Payloads{"1", "3", "4", "5", "6"});
  s.world.check();
}

TEST_CASE("A finished message behind an open one counts neither as waiting nor again, on both boxes and in an image") {
  Scene s(with_window(3));
  s.publish(1, 3);
  const auto events = s.subscriber.take_publishes();
  s.world.ack(s.subscriber, mqtt::Type::puback, events[1].packet_id);
  s.world.connect(s.subscriber, with_window(1));
  const Queue& queue = s.world.session(s.subscriber)->queue;
  CHECK_EQ(queue.waiting(), 1);
  CHECK_EQ(queue.cursor(), 2);  // past the finished one, though the window is closed
  s.world.check();
}

TEST_CASE("MQTT5-4.6.0-1 MQTT5-4.6.0-5: messages come in the order in which they were published") {
  Scene s(with_window(3));
  for (int i = 0; i < 50; ++i) s.world.publish(s.publisher, "t", std::to_string(i), {.qos = 1U + (i % 2U)});
  const Payloads got = s.world.drain(s.subscriber);
  REQUIRE_EQ(got.size(), 50);
  for (int i = 0; i < 50; ++i) CHECK_EQ(got[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_CASE("T-39 T-40 MQTT5-2.2.1-4: packet ids wrap past 65,535 without meeting a flow that is stuck") {
  Scene s(with_window(100));
  s.publish(0, 0, 2);
  const std::uint16_t stuck = s.only_id();
  std::set<std::uint16_t> ids{stuck};
  std::size_t acked = 0;
  for (int i = 1; i <= 70'000; ++i) {
    s.world.publish(s.publisher, "t", "x");
    for (const Event& event : s.subscriber.take_publishes()) {
      REQUIRE_NE(event.packet_id, stuck);
      s.world.ack(s.subscriber, mqtt::Type::puback, event.packet_id);
      ids.insert(event.packet_id);
      ++acked;
    }
    if (i % 10'000 == 0) s.world.end_turn();
  }
  CHECK_EQ(acked, 65'533);  // ids are unique from the stuck one on; the rest waits for it
  CHECK_EQ(ids.size(), 65'534);
  CHECK_EQ(ids.count(0), 0);
  s.world.check(false);
  s.world.ack(s.subscriber, mqtt::Type::pubrec, stuck);
  s.world.ack(s.subscriber, mqtt::Type::pubcomp, stuck);
  CHECK_EQ(s.world.drain(s.subscriber).size(), 70'000 - 65'533);
  CHECK_EQ(s.world.session(s.subscriber)->queue.size(), 0);
  s.world.check();
}

TEST_CASE("T-18 MQTT5-4.3.3-7 MQTT5-3.3.2-5: what was sent never expires, what waits does") {
  Scene s(with_window(1));
  s.world.publish(s.publisher, "t", "sent", {.qos = 2, .expiry_s = 5});
  s.world.publish(s.publisher, "t", "late", {.qos = 2, .expiry_s = 5});
  s.world.publish(s.publisher, "t", "kept", {.qos = 2, .expiry_s = 100});
  CHECK_EQ(s.subscriber.take_payloads(), Payloads{"sent"});
  s.world.lose(s.subscriber);
  s.world.advance_ms(10'000);
  s.world.connect(s.subscriber, with_window(1));
  s.subscriber.events.pop_front();
  CHECK_EQ(s.subscriber.events.front().expiry_s, 0);
  CHECK(s.subscriber.events.front().dup);
  std::vector<std::string> got;
  got = s.world.drain(s.subscriber);
  CHECK_EQ(got, Payloads{"sent", "kept"});
  s.world.check();
}

TEST_CASE("MQTT5-3.3.2-6: the expiry goes down by the time that a message waited") {
  Scene s;
  s.world.lose(s.subscriber);
  s.world.publish(s.publisher, "t", "x", {.qos = 1, .expiry_s = 100});
  s.world.advance_ms(29'999);
  s.world.connect(s.subscriber, durable());
  CHECK_EQ(s.subscriber.take_publishes().front().expiry_s, 71);
}

TEST_CASE(
    "T-14 T-15 MQTT5-3.1.2-24 MQTT5-3.1.2-25: a packet over the client's maximum counts as delivered, to the byte") {
  for (const bool stored : {false, true}) {
    for (unsigned qos = 0; qos <= 2; ++qos) {
      // fixed header 2, topic 2 + 1, id 2 if QoS > 0, property length 1, identifier 1 + 2, payload
      const std::uint32_t overhead = 2 + 3 + (qos == 0 ? 0U : 2U) + 1 + 3;
      ConnectOptions options = stored ? durable() : ConnectOptions{};
      options.max_packet_bytes = overhead + 10;
      World world;
      Client& a = world.client(0);
      world.connect(a, options);
      world.connect(world.client(1));
      world.subscribe(a, "t", {.qos = qos, .identifier = 200});
      world.publish(world.client(1), "t", std::string(11, 'x'), {.qos = 2});
      CHECK(a.take_publishes().empty());
      world.publish(world.client(1), "t", std::string(10, 'y'), {.qos = 2});
      const auto events = a.take_publishes();
      REQUIRE_EQ(events.size(), 1);
      CHECK_EQ(events[0].payload, std::string(10, 'y'));
      world.check();
    }
  }
}

TEST_CASE("T-15: a waiting message that a smaller client cannot take does not block the queue") {
  Scene s;
  s.world.lose(s.subscriber);
  s.world.publish(s.publisher, "t", std::string(500, 'x'));
  s.world.publish(s.publisher, "t", "small");
  ConnectOptions options = durable();
  options.max_packet_bytes = 100;
  s.world.connect(s.subscriber, options);
  CHECK_EQ(s.world.drain(s.subscriber), Payloads{"small"});
  CHECK_EQ(s.world.session(s.subscriber)->queue.size(), 0);
  s.world.check();
}

TEST_CASE("Acks of another lineage that fit nothing here change nothing") {
  Scene s;
  s.publish(1, 3, 1);
  s.world.ack(s.subscriber, mqtt::Type::puback, 2);
  s.world.end_turn();
  const std::string before = describe(s.world.active());
  Effects effects;
  Applying to{s.world.active(), 900, s.world.now(), effects};
  for (const mqtt::Type type : {mqtt::Type::puback, mqtt::Type::pubrec, mqtt::Type::pubcomp}) {
    apply(to, Acked{s.subscriber.session, 4711, type, false});
    apply(to, Acked{s.subscriber.session, 2, type, false});  // finished, behind an open one
    apply(to, Acked{999, 1, type, false});
  }
  apply(to, Acked{s.subscriber.session, 1, mqtt::Type::pubrec, false});  // PUBREC of a QoS 1 flow
  apply(to, Released{s.subscriber.session, 3});
  CHECK_EQ(describe(s.world.active()), before);
  Published held;
  held.publisher = s.publisher.session;
  held.held_id = 9;
  held.message.topic = "u";
  held.message.qos = mqtt::Qos::exactly_once;
  for (int i = 0; i < 2; ++i) apply(to, held, 0);
  CHECK_EQ(s.world.session(s.publisher)->held_ids.size(), 1);
  CHECK(recompute_digest(s.world.active()) == s.world.active().digest());
}

}  // namespace tandem::core::test
