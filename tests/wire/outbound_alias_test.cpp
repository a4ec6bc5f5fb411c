// Topic aliases from the broker to a client that takes them.
#include <doctest/doctest.h>

#include <map>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

Client taking_aliases(std::uint16_t maximum, const std::string& id = unique("aliased")) {
  Client client = client_of(broker(), 5, id);
  client.options().connect.properties.number(prop::topic_alias_maximum, maximum);
  client.connect();
  return client;
}

// The whole topic of a PUBLISH, as a client makes it out.
struct Reader {
  std::map<std::uint32_t, std::string> told;
  std::size_t short_ones = 0;
  std::uint32_t highest = 0;

  std::string topic(const Packet& packet) {
    const std::optional<std::uint32_t> alias = packet.properties.number(prop::topic_alias);
    if (!alias) return packet.topic;
    highest = std::max(highest, *alias);
    if (!packet.topic.empty()) return told[*alias] = packet.topic;
    ++short_ones;
    REQUIRE(told.count(*alias) == 1);
    return told[*alias];
  }
};

}  // namespace

TEST_CASE("MQTT5-3.3.2-11, MQTT5-3.1.2-26: aliases up to the client's maximum, told before they are used") {
  const std::string base = unique("plant/alias/");
  Client subscriber = taking_aliases(3);
  subscriber.subscribe(base + "/#", 1);
  Client publisher = connected(5);
  Reader reader;
  for (int round = 0; round < 3; ++round) {
    for (int topic = 0; topic < 5; ++topic) {
      for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}}) {
        const std::string name = base + "/" + std::to_string(topic);
        publisher.publish(name, std::to_string(round), qos);
        const Packet got = subscriber.receive();
        CHECK(reader.topic(got) == name);
        CHECK(got.payload == std::to_string(round));
      }
    }
  }
  CHECK(reader.highest == 3);
  CHECK(reader.short_ones >= 6);
}

TEST_CASE("MQTT5-3.3.2-11: what is told by QoS 0 serves QoS 1 and 2; a topic of six bytes is worth it") {
  const std::string topic = "TopicA";
  Client subscriber = taking_aliases(1);
  subscriber.subscribe(topic, 2);
  Client publisher = connected(5);
  for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
    publisher.publish(topic, "x", qos);
    const Packet got = subscriber.receive();
    CHECK(got.properties.number(prop::topic_alias) == 1);
    CHECK(got.topic.empty() == (qos != 0));
  }
}

TEST_CASE("MQTT5-3.1.2-27, MQTT5-3.3.2-7: no alias without the client's word, nor from a connection before") {
  const std::string topic = unique("plant/alias/once/");
  const std::string id = unique("twice");
  Client publisher = connected(5);
  for (const std::uint16_t maximum : {std::uint16_t{10}, std::uint16_t{0}}) {
    Client subscriber = maximum == 0 ? connected(5) : taking_aliases(maximum, id);
    subscriber.subscribe(topic);
    for (int i = 0; i < 2; ++i) {
      publisher.publish(topic, "x");
      const Packet got = subscriber.receive();
      CHECK(got.properties.has(prop::topic_alias) == (maximum != 0));
      CHECK(got.topic.empty() == (maximum != 0 && i == 1));
    }
  }
  Client again = taking_aliases(10, id);
  again.subscribe(topic);
  publisher.publish(topic, "x");
  CHECK(again.receive().topic == topic);
}

TEST_CASE("MQTT5-3.1.2-24: an alias that would make a packet too large for its client is not told") {
  const std::string topic = unique("plant/alias/large/");
  Client subscriber = client_of(broker(), 5);
  Properties& properties = subscriber.options().connect.properties;
  properties.number(prop::topic_alias_maximum, std::uint16_t{10});
  properties.number(prop::maximum_packet_size, std::uint32_t{100});
  subscriber.connect();
  subscriber.subscribe(topic);
  Client publisher = connected(5);
  const std::size_t head = 2 + 2 + topic.size() + 1;  // fixed header, topic, no properties
  publisher.publish(topic, std::string(100 - head, 'x'));
  const Packet got = subscriber.receive();
  CHECK(got.topic == topic);
  CHECK_FALSE(got.properties.has(prop::topic_alias));
}
