// Properties of messages and wills (MQTT 5): what is forwarded, what is refused.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

using Users = std::vector<std::pair<std::string, std::string>>;

constexpr uint8_t retain_as_published = 8;

const std::string no_properties(1, '\0');

Client with_will(const std::string& topic, const Properties& properties) {
  Client client = client_of(broker(), 5);
  Will will;
  will.topic = topic;
  will.payload = "gone";
  will.qos = 1;
  will.properties = properties;
  client.options().connect.will = will;
  return client;
}

}  // namespace

TEST_CASE("MQTT5-3.3.2-14, T-45: a response topic with a wildcard is refused, in a PUBLISH and in a will") {
  for (const char* topic : {"a/+", "#", "a/#", "+"}) {
    CAPTURE(topic);
    Client client = connected(5);
    Publish publish = message_to(unique("response/"), "x", 1);
    publish.properties.text(prop::response_topic, topic);
    client.send_publish(publish);
    uint8_t reason = closed_with(client);
    CHECK((reason == 0x82 || reason == 0x90));
    Client mortal = with_will("will", publish.properties);
    mortal.open();
    mortal.send(encode_connect(mortal.options().connect));
    for (const Packet& packet : mortal.expect_closed()) CHECK(packet.code() >= 0x80);
  }
}

TEST_CASE("MQTT5-3.3.4-6, T-23: a subscription identifier from a publisher ends its connection and goes nowhere") {
  std::string topic = unique("identifier/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  Client client = connected(5);
  Publish publish = message_to(topic, "never", 1);
  publish.properties.number(prop::subscription_id, 5);
  client.send_publish(publish);
  CHECK(closed_with(client) == 0x82);
  Client other = connected(5);
  other.publish(topic, "marker", 1);
  Packet message = watcher.receive();
  CHECK(message.payload == "marker");
  CHECK(!message.properties.has(prop::subscription_id));
}

TEST_CASE("U-12: the payload format is 0 or 1, and comes as it was given or not at all") {
  std::string topic = unique("format/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  Client client = connected(5);
  for (uint32_t format : {0U, 1U}) {
    Publish publish = message_to(topic, "\xC3\xA4", 1);
    publish.properties.number(prop::payload_format, format);
    CHECK(client.publish(publish) == 0);
    CHECK(watcher.receive().properties.number(prop::payload_format) == format);
  }
  client.publish(topic, "plain", 1);
  CHECK(!watcher.receive().properties.has(prop::payload_format));
  Publish publish = message_to(topic, "x", 1);
  publish.properties.number(prop::payload_format, 2);
  client.send_publish(publish);
  uint8_t reason = closed_with(client);
  CHECK((reason == 0x81 || reason == 0x82));
}

TEST_CASE("MQTT5-3.1.3-10, T-07: a will keeps its user properties in order, and its delay is not forwarded") {
  std::string topic = unique("will/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  Client client = with_will(topic, Properties()
                                       .user("b", "1")
                                       .number(prop::will_delay, 1)
                                       .user("a", "2")
                                       .text(prop::response_topic, "answer")
                                       .user("b", "1")
                                       .text(prop::correlation_data, "")
                                       .user("", ""));
  client.options().connect.session_expiry_s = 60;
  client.connect();
  client.abort();
  Packet will = watcher.receive();
  CHECK(will.properties.users() == Users{{"b", "1"}, {"a", "2"}, {"b", "1"}, {"", ""}});
  CHECK(!will.properties.has(prop::will_delay));
  CHECK(will.properties.text(prop::response_topic) == "answer");
  CHECK(will.properties.text(prop::correlation_data) == "");
}

TEST_CASE("MQTT5-3.3.2-16 to -20: properties come unchanged from a queue, from the retained store and in a session") {
  Properties properties;
  properties.text(prop::correlation_data, "").user("z", "1").text(prop::content_type, "").user("a", "2").user("z", "1");
  std::string topic = unique("unchanged/");
  Client absent = connected_durable(5, unique("unchanged"));
  absent.subscribe(topic, 2);
  absent.disconnect();
  Client publisher = connected(5);
  Publish publish = message_to(topic, "body", 2);
  publish.properties = properties;
  publish.retain = true;
  publisher.publish(publish);
  absent.connect();
  Client later = connected(5);
  later.subscribe(topic, 2);
  for (Client* client : {&absent, &later}) {
    Packet message = client->receive();
    CHECK(message.payload == "body");
    CHECK(message.properties.users() == Users{{"z", "1"}, {"a", "2"}, {"z", "1"}});
    CHECK(message.properties.text(prop::correlation_data) == "");
    CHECK(message.properties.text(prop::content_type) == "");
    CHECK(message.properties.all().size() == 5);
  }
}

TEST_CASE("T-22: retain as published holds for a shared subscription, too") {
  for (uint8_t option : {uint8_t{0}, retain_as_published}) {
    CAPTURE(int{option});
    std::string topic = unique("shared/");
    Client member = connected(5);
    member.subscribe(std::vector<Filter>{{"$share/rap/" + topic, static_cast<uint8_t>(1 | option)}});
    Client publisher = connected(5);
    publisher.publish(topic, "kept", 1, true);
    CHECK(member.receive().retain() == (option != 0));
    publisher.publish(topic, "passing", 1, false);
    CHECK(!member.receive().retain());
  }
}

TEST_CASE("MQTT5-2.2.2-1: packets without properties say so with a length of 0") {
  std::string topic = unique("bare/");
  Client client = connected(5);
  client.send(encode_subscribe(1, {{topic, 1}}, 5));
  CHECK(client.expect(Type::suback).size == 2 + 2 + 1 + 1);
  client.publish(topic, "body", 0);
  CHECK(client.receive().size == 2 + 2 + topic.size() + 1 + 4);
  client.publish(topic, "body", 1);
  CHECK(client.receive().size == 2 + 2 + topic.size() + 2 + 1 + 4);
  client.send(encode_unsubscribe(2, {topic}, 5));
  CHECK(client.expect(Type::unsuback).size == 2 + 2 + 1 + 1);
}

TEST_CASE("T-56: a property length that is missing or goes beyond its packet ends the connection with 0x81") {
  struct Case {
    const char* what;
    Type type;
    uint8_t flags;
    std::string before;  // the properties
    std::string behind;
  };
  const Case cases[] = {{"PUBLISH", Type::publish, 0, text("t"), "payload"},
                        {"PUBLISH, QoS 1", Type::publish, 2, text("t") + u16(1), "payload"},
                        {"PUBACK", Type::puback, 0, u16(1) + '\0', ""},
                        {"PUBREL", Type::pubrel, 2, u16(1) + '\0', ""},
                        {"SUBSCRIBE", Type::subscribe, 2, u16(1), text("f") + '\0'},
                        {"UNSUBSCRIBE", Type::unsubscribe, 2, u16(1), text("f")},
                        {"DISCONNECT", Type::disconnect, 0, no_properties, ""}};
  for (const Case& c : cases) {
    const std::string lengths[] = {"\x20", std::string("\x80\x00", 2), "\xFF\xFF\xFF\xFF\x7F"};
    for (const std::string& length : lengths) {
      CAPTURE(c.what);
      CAPTURE(length);
      Client client = connected(5);
      client.send(frame(c.type, c.flags, c.before + length + c.behind));
      CHECK(closed_with(client) == 0x81);
    }
  }
  Client client = connected(5);
  client.send(frame(Type::publish, 0, text("t")));
  CHECK(closed_with(client) == 0x81);
}
