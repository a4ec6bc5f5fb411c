// Topic aliases (MQTT 5), from a client to the broker.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

Publish aliased(const std::string& topic, uint32_t alias, const std::string& payload, uint8_t qos = 1) {
  Publish publish = message_to(topic, payload, qos);
  publish.properties.number(prop::topic_alias, alias);
  return publish;
}

}  // namespace

TEST_CASE(
    "MQTT5-3.3.2-12, U-11: every alias up to the announced maximum is taken, and may mean something else any time") {
  std::string topic = unique("alias/");
  Client subscriber = connected(5);
  subscriber.subscribe(topic + "/#", 2);
  Client publisher = client_of(broker(), 5);
  uint32_t maximum = publisher.connect().properties.number(prop::topic_alias_maximum).value_or(0);
  REQUIRE(maximum > 0);
  for (int round = 0; round < 3; ++round) {
    auto topic_of = [&](uint32_t alias) { return topic + "/" + std::to_string((alias * 7 + round) % maximum); };
    for (uint32_t alias = 1; alias <= maximum; ++alias) publisher.publish(aliased(topic_of(alias), alias, "named", 2));
    for (uint32_t alias = maximum; alias >= 1; --alias)
      publisher.publish(aliased("", alias, "by alias", static_cast<uint8_t>(alias % 3)));
    for (uint32_t alias = 1; alias <= maximum; ++alias) CHECK(subscriber.receive().topic == topic_of(alias));
    for (uint32_t alias = maximum; alias >= 1; --alias) {
      Packet message = subscriber.receive();
      CHECK(message.topic == topic_of(alias));
      CHECK(message.payload == "by alias");
      CHECK(!message.properties.has(prop::topic_alias));  // MQTT5-3.1.2-27: this subscriber has allowed none
    }
  }
}

TEST_CASE(
    "T-37, U-10, MQTT5-3.3.2-7: an alias that this connection has not given ends it with 0x82, also a resumed one") {
  Client client = connected_durable(5, unique("alias"));
  std::string topic = unique("alias/");
  CHECK(client.publish(aliased(topic, 1, "known")) < 0x80);
  CHECK(client.publish(aliased("", 1, "known")) < 0x80);
  client.disconnect();
  CHECK(client.connect().session_present);
  client.send_publish(aliased("", 1, "unknown"));
  CHECK(closed_with(client) == 0x82);
  client.connect();
  client.publish(aliased(topic, 2, "another"));
  client.send_publish(aliased("", 1, "unknown"));
  CHECK(closed_with(client) == 0x82);
  client.connect();
  client.send_publish(message_to("", "neither topic nor alias", 1));
  CHECK(closed_with(client) == 0x82);
}

TEST_CASE("MQTT5-3.2.2-18: a broker that announces no alias maximum takes none") {
  Node& node = bare_broker();
  Client client = client_of(node, 5);
  CHECK(client.connect().properties.number(prop::topic_alias_maximum).value_or(0) == 0);
  client.send_publish(aliased("alias", 1, "x"));
  CHECK(closed_with(client) == 0x94);
}

TEST_CASE("an alias of a retained message, of a QoS 2 repeat and of an expiring one means the whole topic") {
  std::string topic = unique("alias/");
  Client publisher = connected(5);
  Publish publish = aliased(topic, 3, "kept", 2);
  publish.retain = true;
  publisher.publish(publish);
  publish = aliased("", 3, "repeated", 2);
  publish.properties.number(prop::message_expiry, 60);
  publish.retain = true;
  publish.pid = 9;
  publisher.send_publish(publish);
  publisher.expect(Type::pubrec);
  publish.dup = true;
  publisher.send_publish(publish);
  publisher.expect(Type::pubrec);
  publisher.send_ack(Type::pubrel, 9);
  publisher.expect(Type::pubcomp);
  Client later = connected(5);
  later.subscribe(topic, 2);
  Packet message = later.receive();
  CHECK(message.topic == topic);
  CHECK(message.payload == "repeated");
  later.expect_quiet_until_pingresp();
}
