// PUBLISH both ways: QoS flows, repeats, retained messages, limits and properties.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

TEST_CASE("MQTT5-3.8.4-8, MQTT311-3.8.4-6: a message comes with the lower of its and the subscription's QoS") {
  COVERS("MQTT5-4.3.1-1", "MQTT5-4.3.2-2", "MQTT5-4.3.3-2");
  for (uint8_t from : all_versions) {
    for (uint8_t to : all_versions) {
      for (uint8_t granted = 0; granted <= 2; ++granted) {
        for (uint8_t qos = 0; qos <= 2; ++qos) {
          CAPTURE(from);
          CAPTURE(to);
          CAPTURE(granted);
          CAPTURE(qos);
          std::string topic = unique("matrix/");
          Client subscriber = connected(to);
          CHECK(subscriber.subscribe(topic, granted) == granted);
          Client publisher = connected(from);
          CHECK(publisher.publish(topic, "payload", qos) == 0);
          Packet message = subscriber.receive();
          CHECK(message.topic == topic);
          CHECK(message.payload == "payload");
          CHECK(message.qos() == std::min(qos, granted));
          CHECK(!message.dup());
          CHECK(!message.retain());
        }
      }
    }
  }
}

TEST_CASE("MQTT5-4.6.0-5, -6: messages of one publisher come in order, large ones too") {
  COVERS("MQTT5-4.6.0-6", "MQTT5-4.2.0-1");
  Client subscriber = connected(5);
  Client publisher = connected(4);
  std::string topic = unique("order/");
  subscriber.subscribe(topic, 2);
  for (uint8_t qos = 0; qos <= 2; ++qos) {
    for (int i = 0; i < 50; ++i) {
      size_t size = i % 10 == 0 ? 100'000 : 10;
      publisher.publish(topic, std::to_string(i) + " " + std::string(size, 'x'), qos);
    }
    for (int i = 0; i < 50; ++i) CHECK(std::stoi(subscriber.receive().payload) == i);
  }
}

TEST_CASE("MQTT5-4.3.3-10, MQTT311-4.3.3-2: a repeated QoS 2 PUBLISH is answered and not delivered again") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("twice/");
    Client subscriber = connected(5);
    subscriber.subscribe(topic, 2);
    Client publisher = connected_durable(version, unique("twice"));
    Publish publish = message_to(topic, "once", 2);
    publish.pid = 7;
    publisher.send_publish(publish);
    publisher.await(Type::pubrec, 7);
    publish.dup = true;
    publisher.send_publish(publish);
    CHECK(publisher.await(Type::pubrec, 7).code() == 0);
    publisher.abort();
    publisher.connect();  // the id is held across connections
    publisher.send_publish(publish);
    CHECK(publisher.await(Type::pubrec, 7).code() == 0);
    publisher.send_ack(Type::pubrel, 7);
    CHECK(publisher.await(Type::pubcomp, 7).code() == 0);
    publisher.send_ack(Type::pubrel, 7);
    CHECK(publisher.await(Type::pubcomp, 7).code() == (version == 5 ? 0x92 : 0));
    publish.dup = false;
    publish.payload = "anew";
    publisher.send_publish(publish);  // after PUBREL the id is free
    CHECK(publisher.await(Type::pubrec, 7).code() == 0);
    CHECK(subscriber.receive().payload == "once");
    CHECK(subscriber.receive().payload == "anew");
  }
}

TEST_CASE(
    "MQTT5-4.4.0-1, MQTT311-4.4.0-1: an unacknowledged QoS 1 message comes again with DUP on return, not "
    "before") {
  COVERS("MQTT311-4.3.2-1");
  COVERS("MQTT5-4.3.2-3", "MQTT311-2.3.1-3");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("again/");
    Client subscriber = connected_durable(version, unique("again"));
    subscriber.subscribe(topic, 1);
    Client publisher = connected(4);
    publisher.publish(topic, "first", 1);
    publisher.publish(topic, "second", 1);
    Packet first = subscriber.expect(Type::publish);
    Packet second = subscriber.expect(Type::publish);
    CHECK(!first.dup());
    subscriber.expect_quiet_until_pingresp();
    subscriber.send_ack(Type::puback, first.pid);
    subscriber.ping();  // the PUBACK has been read
    subscriber.abort();
    subscriber.connect();
    Packet again = subscriber.expect(Type::publish);
    CHECK(again.payload == "second");
    CHECK(again.pid == second.pid);
    CHECK(again.dup());
    subscriber.send_ack(Type::puback, again.pid);
    subscriber.expect_quiet_until_pingresp();
  }
}

TEST_CASE(
    "MQTT5-4.4.0-1, MQTT5-4.3.3: an interrupted QoS 2 delivery goes on where it was, by PUBLISH or by "
    "PUBREL") {
  COVERS("MQTT311-4.3.3-1");
  COVERS("MQTT5-4.3.3-3", "MQTT5-4.3.3-6");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("halfway/");
    Client subscriber = connected_durable(version, unique("halfway"));
    subscriber.subscribe(topic, 2);
    Client publisher = connected(4);
    publisher.publish(topic, "received", 2);
    publisher.publish(topic, "sent", 2);
    Packet received = subscriber.expect(Type::publish);
    Packet sent = subscriber.expect(Type::publish);
    subscriber.send_ack(Type::pubrec, received.pid);
    CHECK(subscriber.expect(Type::pubrel).pid == received.pid);
    subscriber.abort();
    subscriber.connect();
    Packet pubrel = subscriber.await(Type::pubrel);
    CHECK(pubrel.pid == received.pid);
    Packet again = subscriber.await(Type::publish);
    CHECK(again.payload == "sent");
    CHECK(again.pid == sent.pid);
    CHECK(again.dup());
    subscriber.send_ack(Type::pubcomp, pubrel.pid);
    subscriber.send_ack(Type::pubrec, again.pid);
    CHECK(subscriber.await(Type::pubrel).pid == again.pid);
    subscriber.send_ack(Type::pubcomp, again.pid);
    subscriber.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-3.3.1-5 to -8: a retained message is kept, replaced and cleared") {
  COVERS("MQTT5-3.3.1-6", "MQTT5-3.3.1-7", "MQTT5-3.3.1-8", "MQTT311-3.3.1-5");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("retained/");
    Client publisher = connected(version);
    Client online = connected(version);
    online.subscribe(topic, 1);
    publisher.publish(topic, "old", 1, true);
    publisher.publish(topic, "new", 1, true);
    CHECK(online.receive().payload == "old");
    Packet live = online.receive();
    CHECK(live.payload == "new");
    CHECK(!live.retain());  // MQTT5-3.3.1-12, MQTT311-3.3.1-9
    publisher.publish(topic, "passing", 1, false);
    CHECK(online.receive().payload == "passing");
    Client later = connected(version);
    later.subscribe(topic, 2);
    Packet kept = later.receive();
    CHECK(kept.payload == "new");
    CHECK(kept.retain());
    CHECK(kept.qos() == 1);
    publisher.publish(topic, "", 1, true);
    CHECK(online.receive().payload.empty());
    Client after = connected(version);
    after.subscribe(topic, 1);
    after.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-3.3.1-5: a QoS 0 retained message is kept, too") {
  std::string topic = unique("retained0/");
  Client publisher = connected(5);
  publisher.publish(topic, "kept", 0, true);
  publisher.ping();
  Client later = connected(4);
  later.subscribe(topic, 1);
  CHECK(later.receive().payload == "kept");
}

TEST_CASE("MQTT5-3.3.1-2, -4, MQTT5-3.3.2-2, MQTT5-2.2.1-2: malformed PUBLISH packets end the connection") {
  COVERS("MQTT5-3.3.1-4", "MQTT5-3.3.2-1", "MQTT5-4.7.3-2");
  std::string ok_topic = text(unique("malformed/"));
  struct Case {
    const char* what;
    uint8_t flags;
    std::string body;
  };
  const Case cases[] = {{"QoS 3", 0x06, ok_topic + u16(1)},
                        {"DUP with QoS 0", 0x08, ok_topic},
                        {"packet id 0", 0x02, ok_topic + u16(0)},
                        {"no packet id", 0x02, ok_topic},
                        {"wildcard + in the topic", 0x00, text("a/+/b")},
                        {"wildcard # in the topic", 0x00, text("a/#")},
                        {"NUL in the topic", 0x00, text(std::string("a\0b", 3))},
                        {"no UTF-8", 0x00, text("\xC0\x80")},
                        {"topic longer than the packet", 0x00, u16(500) + "a"}};
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    for (const Case& c : cases) {
      CAPTURE(version);
      CAPTURE(c.what);
      Client client = connected(version);
      client.send(frame(Type::publish, c.flags, version == 5 ? c.body + std::string(1, '\0') : c.body));
      uint8_t reason = closed_with(client);
      CHECK((version == 5 ? reason >= 0x80 : reason == 0));
    }
  }
}

TEST_CASE("MQTT311-4.7.3-1, MQTT5-3.3.2.1: an empty topic without an alias ends the connection") {
  Client old = connected(4);
  old.send(encode_publish(message_to("", "x", 0), 4));
  old.expect_closed();
  Client client = connected(5);
  client.send(encode_publish(message_to("", "x", 0), 5));
  CHECK(closed_with(client) >= 0x80);
}

TEST_CASE("MQTT5-3.3.2-8 to -12: topic aliases of a client hold for its connection") {
  COVERS("MQTT5-3.3.2-7", "U-11");
  std::string topic = unique("alias/");
  Client subscriber = connected(4);
  subscriber.subscribe(topic + "/#", 1);
  Client publisher = connected(5);
  Publish publish = message_to(topic + "/a", "1", 1);
  publish.properties.number(prop::topic_alias, 1);
  CHECK(publisher.publish(publish) == 0);
  publish.topic.clear();
  publish.payload = "2";
  CHECK(publisher.publish(publish) == 0);
  publish.topic = topic + "/b";
  publish.payload = "3";
  CHECK(publisher.publish(publish) == 0);
  publish.topic.clear();
  publish.payload = "4";
  CHECK(publisher.publish(publish) == 0);
  for (int i = 1; i <= 4; ++i) {
    Packet message = subscriber.receive();
    CHECK(message.payload == std::to_string(i));
    CHECK(message.topic == topic + (i <= 2 ? "/a" : "/b"));
  }
  publisher.disconnect();
  publisher.connect();
  publisher.send_publish(publish);
  CHECK(closed_with(publisher) >= 0x80);  // not known on this connection
}

TEST_CASE("MQTT5-3.3.2-8, -9: a topic alias of 0 or beyond the maximum ends the connection with 0x94") {
  COVERS("MQTT5-3.3.2-9", "MQTT5-3.2.2-17");
  for (uint32_t alias : {0U, uint32_t{small::topic_alias_maximum} + 1}) {
    CAPTURE(alias);
    Client client = client_of(small_broker(), 5);
    client.connect();
    Publish publish = message_to("alias", "x", 0);
    publish.properties.number(prop::topic_alias, alias);
    client.send_publish(publish);
    CHECK(closed_with(client) == 0x94);
  }
}

TEST_CASE("MQTT5-3.1.2-24, -25: a message larger than the client takes is left out, the next one comes") {
  std::string topic = unique("large/");
  Client subscriber = client_of(broker(), 5);
  subscriber.options().connect.properties.number(prop::maximum_packet_size, 200);
  subscriber.connect();
  subscriber.subscribe(topic, 1);
  Client publisher = connected(4);
  for (uint8_t qos : {uint8_t{0}, uint8_t{1}}) {
    publisher.publish(topic, std::string(300, 'x'), qos);
    publisher.publish(topic, "fits", qos);
    CHECK(subscriber.receive().payload == "fits");
  }
  subscriber.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-3.2.2-15: a packet larger than the broker takes ends the connection with 0x95") {
  Client client = client_of(small_broker(), 5);
  client.connect();
  Publish publish = message_to("large", std::string(small::max_packet_bytes, 'x'), 1);
  client.send_publish(publish);
  CHECK(closed_with(client) == 0x95);
  Client old = client_of(small_broker(), 4);
  old.connect();
  old.send_publish(publish);
  CHECK(old.expect_closed().empty());
  Client fitting = client_of(small_broker(), 5);
  fitting.connect();
  publish.payload = std::string(small::max_packet_bytes - 50, 'x');
  CHECK(fitting.publish(publish) < 0x80);
}

TEST_CASE("MQTT5-3.3.4-9, MQTT5-3.1.2-11: no more unacknowledged messages than the client's receive maximum") {
  std::string topic = unique("window/");
  Client subscriber = client_of(broker(), 5);
  subscriber.options().connect.properties.number(prop::receive_maximum, 2);
  subscriber.connect();
  subscriber.subscribe(topic, 2);
  Client publisher = connected(4);
  for (int i = 0; i < 4; ++i) publisher.publish(topic, std::to_string(i), i % 2 == 0 ? 1 : 2);
  Packet first = subscriber.expect(Type::publish);
  Packet second = subscriber.expect(Type::publish);
  subscriber.expect_quiet_until_pingresp();
  subscriber.send_ack(Type::puback, first.pid);
  Packet third = subscriber.expect(Type::publish);
  CHECK(third.payload == "2");
  subscriber.expect_quiet_until_pingresp();
  subscriber.send_ack(Type::pubrec, second.pid);
  subscriber.expect(Type::pubrel);
  subscriber.expect_quiet_until_pingresp();  // PUBCOMP opens the window, PUBREC does not
  subscriber.send_ack(Type::pubcomp, second.pid);
  CHECK(subscriber.expect(Type::publish).payload == "3");
  // QoS 0 is not held up by the window (MQTT5-3.3.4-9 speaks of QoS 1 and 2).
  publisher.publish(topic, "passing", 0);
  CHECK(subscriber.expect(Type::publish).payload == "passing");
}

TEST_CASE("limits.v3_in_flight: a 3.x client has no more than that many messages in flight") {
  std::string topic = unique("window/");
  Client subscriber = client_of(small_broker(), 4);
  subscriber.connect();
  subscriber.subscribe(topic, 1);
  Client publisher = client_of(small_broker(), 4);
  publisher.connect();
  for (int i = 0; i < small::v3_in_flight + 2; ++i) publisher.publish(topic, std::to_string(i), 1);
  std::vector<Packet> messages;
  for (int i = 0; i < small::v3_in_flight; ++i) messages.push_back(subscriber.expect(Type::publish));
  subscriber.expect_quiet_until_pingresp();
  subscriber.send_ack(Type::puback, messages.front().pid);
  CHECK(subscriber.expect(Type::publish).payload == std::to_string(small::v3_in_flight));
}

TEST_CASE("MQTT5-3.3.4-7, -8: a client with more unacknowledged QoS 2 messages than allowed is ended with 0x93") {
  Client client = client_of(small_broker(), 5);
  client.connect();
  for (int i = 0; i < small::receive_maximum; ++i) client.send_publish(message_to("flood", "x", 2));
  for (int i = 0; i < small::receive_maximum; ++i) CHECK(client.expect(Type::pubrec).code() < 0x80);
  client.send_publish(message_to("flood", "x", 2));
  CHECK(closed_with(client) == 0x93);
}

TEST_CASE("limits.max_queue_messages: what a full queue cannot take is dropped, the rest comes in order") {
  std::string topic = unique("full/");
  Client subscriber = client_of(small_broker(), 5, unique("full"));
  make_durable(subscriber);
  subscriber.connect();
  subscriber.subscribe(topic, 1);
  subscriber.disconnect();
  Client publisher = client_of(small_broker(), 4);
  publisher.connect();
  uint32_t sent = small::max_queue_messages + 5;
  for (uint32_t i = 0; i < sent; ++i) CHECK(publisher.publish(topic, std::to_string(i), 1) == 0);
  subscriber.connect();
  for (uint32_t i = 0; i < small::max_queue_messages; ++i) CHECK(subscriber.receive().payload == std::to_string(i));
  subscriber.expect_quiet_until_pingresp();
}

TEST_CASE("limits.queue_policy disconnect: a client that does not keep up is told why, and finds what its queue held") {
  std::string topic = unique("slow/");
  Client subscriber = client_of(impatient_broker(), 5, unique("slow"));
  make_durable(subscriber);
  subscriber.options().connect.properties.number(prop::receive_maximum, 1);
  subscriber.connect();
  subscriber.subscribe(topic, 1);
  Client publisher = client_of(impatient_broker(), 4);
  publisher.connect();
  for (uint32_t i = 0; i < 12; ++i) CHECK(publisher.publish(topic, std::to_string(i), 1) == 0);
  CHECK(closed_with(subscriber) == 0x97);
  subscriber.connect();
  for (uint32_t i = 0; i < 11; ++i) CHECK(subscriber.receive().payload == std::to_string(i));
  subscriber.expect_quiet_until_pingresp();
}

TEST_CASE(
    "MQTT5-3.3.2-5, -6: an expired message is not delivered; one that waits comes with the time that is "
    "left") {
  std::string topic = unique("expiry/");
  Client subscriber = connected_durable(5, unique("expiry"));
  subscriber.subscribe(topic, 1);
  subscriber.disconnect();
  Client publisher = connected(5);
  Publish publish = message_to(topic, "short", 1);
  publish.properties.number(prop::message_expiry, 1);
  publisher.publish(publish);
  publish = message_to(topic, "long", 1);
  publish.properties.number(prop::message_expiry, 600);
  publisher.publish(publish);
  SteadyTime start = std::chrono::steady_clock::now();
  until([&] { return std::chrono::steady_clock::now() - start > Millis(2'100); }, "the expiry");
  subscriber.connect();
  Packet message = subscriber.receive();
  CHECK(message.payload == "long");
  uint32_t left = message.properties.number(prop::message_expiry).value_or(0);
  CHECK(left > 0);
  CHECK(left <= 598);
  subscriber.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-3.3.2-4, -14, -17, -18: properties of a message go to its subscribers unchanged") {
  COVERS("MQTT5-3.3.2-15", "MQTT5-3.3.2-16", "MQTT5-3.3.2-17", "MQTT5-3.3.2-18", "MQTT5-3.3.2-20");
  std::string topic = unique("properties/");
  Client subscriber = connected(5);
  subscriber.subscribe(topic, 1);
  Client old = connected(4);
  old.subscribe(topic, 1);
  Client publisher = connected(5);
  Publish publish = message_to(topic, "body", 1);
  publish.properties.number(prop::payload_format, 1)
      .text(prop::content_type, "text/plain")
      .text(prop::response_topic, "answer/here")
      .text(prop::correlation_data, std::string("\x00\x01\xFF", 3))
      .user("b", "2")
      .user("a", "1")
      .user("b", "3");
  publisher.publish(publish);
  Packet message = subscriber.receive();
  CHECK(message.properties.number(prop::payload_format) == 1);
  CHECK(message.properties.text(prop::content_type) == "text/plain");
  CHECK(message.properties.text(prop::response_topic) == "answer/here");
  CHECK(message.properties.text(prop::correlation_data) == std::string("\x00\x01\xFF", 3));
  using Users = std::vector<std::pair<std::string, std::string>>;
  CHECK(message.properties.users() == Users{{"b", "2"}, {"a", "1"}, {"b", "3"}});
  CHECK(old.receive().payload == "body");
}

TEST_CASE("MQTT5-4.3.2: a PUBACK for a message that nobody wants says so or says success") {
  Client publisher = connected(5);
  uint8_t code = publisher.publish(unique("nobody/"), "x", 1);
  CHECK((code == 0 || code == 0x10));
}

TEST_CASE("MQTT5-4.3.2, -4.3.3: acknowledgements of unknown packet ids harm nobody") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    client.send_ack(Type::puback, 99);
    client.send_ack(Type::pubcomp, 99);
    client.send_ack(Type::pubrel, 98);
    CHECK(client.await(Type::pubcomp, 98).code() == (version == 5 ? 0x92 : 0));
    client.send_ack(Type::pubrec, 97);
    CHECK(client.await(Type::pubrel, 97).code() == (version == 5 ? 0x92 : 0));
    client.ping();
  }
}
