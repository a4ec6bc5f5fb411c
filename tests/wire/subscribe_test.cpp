// SUBSCRIBE and UNSUBSCRIBE: filters, options, shared subscriptions.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t no_local = 4;
constexpr uint8_t retain_as_published = 8;
constexpr uint8_t retain_if_new = 16;
constexpr uint8_t retain_never = 32;
constexpr uint8_t no_subscription_existed = 0x11;

}  // namespace

TEST_CASE("MQTT5-4.7.1-1 to -3, MQTT5-4.7.2-1, MQTT5-4.7.3-4: which topics a filter matches") {
  COVERS("MQTT5-3.3.2-3", "MQTT311-3.8.3-2");
  std::string base = unique("wild");
  struct Case {
    const char* filter;
    const char* topic;
    bool matches;
  };
  const Case cases[] = {{"/#", "", true},
                        {"/#", "/a", true},
                        {"/#", "/a/b/c", true},
                        {"/+", "/a", true},
                        {"/+", "/a/b", false},
                        {"/+", "", false},
                        {"/+", "/", true},
                        {"/+/c", "/b/c", true},
                        {"/+/c", "//c", true},
                        {"/a/+", "/a", false},
                        {"/a/+", "/a/", true},
                        {"/A", "/a", false},
                        {"/a", "/a", true},
                        {"/a", "/a/", false},
                        {"/+/+", "/a/b", true},
                        {"/+/#", "/a", true},
                        {"/+/#", "", false},
                        {"/a b", "/a b", true},
                        {"/\xC3\xA4", "/\xC3\xA4", true}};
  Client publisher = connected(4);
  for (const Case& c : cases) {
    CAPTURE(c.filter);
    CAPTURE(c.topic);
    Client subscriber = connected(4);
    subscriber.subscribe(base + c.filter, 0);
    publisher.publish(base + c.topic, "hit", 1);  // once acknowledged, it was routed
    if (c.matches) {
      CHECK(subscriber.receive().topic == base + c.topic);
    } else {
      subscriber.expect_quiet_until_pingresp();
    }
  }
}

TEST_CASE("MQTT5-4.7.2-1: filters that begin with a wildcard do not match topics that begin with $") {
  Client subscriber = connected(4);
  subscriber.subscribe("#", 0);
  subscriber.subscribe("+/dollar", 0);
  Client named = connected(4);
  named.subscribe("$test/dollar", 0);
  Client publisher = connected(4);
  publisher.publish("$test/dollar", "hidden", 1);
  CHECK(named.receive().payload == "hidden");
  subscriber.send(encode_pingreq());
  for (Packet packet = subscriber.read(); packet.type != Type::pingresp; packet = subscriber.read()) {
    CHECK(packet.topic.substr(0, 1) != "$");  // retained messages of other tests come
  }
}

TEST_CASE("MQTT5-4.7.1-1, -2, MQTT311-4.7.1: invalid filters are refused") {
  COVERS("MQTT5-4.7.1-2");
  for (const char* filter : {"a/#/b", "a#", "a+/b", "a/b+", "##", "+a"}) {
    for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
      CAPTURE(filter);
      CAPTURE(version);
      Client client = connected(version);
      std::vector<uint8_t> codes = client.subscribe(std::vector<Filter>{{filter, 0}, {"good", 1}});
      CHECK(codes[0] == (version == 5 ? 0x8F : 0x80));
      CHECK(codes[1] == 1);
    }
  }
}

TEST_CASE("MQTT5-3.8.1-1, MQTT5-3.8.3-2, -3, -5: malformed SUBSCRIBE and UNSUBSCRIBE packets end the connection") {
  COVERS("MQTT5-3.8.3-5", "MQTT5-3.10.3-2");
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    std::string properties = version == 5 ? std::string(1, '\0') : "";
    std::string zero(1, '\0');
    std::string one = u16(1) + properties + text("a");
    const std::string malformed[] = {frame(Type::subscribe, 0, one + zero),
                                     frame(Type::subscribe, 2, u16(1) + properties),
                                     frame(Type::subscribe, 2, u16(0) + properties + text("a") + zero),
                                     frame(Type::subscribe, 2, one),
                                     frame(Type::subscribe, 2, one + "\x03"),
                                     frame(Type::subscribe, 2, one + "\xC0"),
                                     frame(Type::unsubscribe, 0, one),
                                     frame(Type::unsubscribe, 2, u16(1) + properties),
                                     frame(Type::unsubscribe, 2, u16(0) + properties + text("a"))};
    for (size_t i = 0; i < std::size(malformed); ++i) {
      CAPTURE(version);
      CAPTURE(i);
      Client client = connected(version);
      client.send(malformed[i]);
      CHECK((closed_with(client) >= 0x80) == (version == 5));
    }
  }
}

TEST_CASE(
    "MQTT5-3.8.4-3: a subscription that is made again replaces the old one and sends retained messages "
    "again") {
  std::string topic = unique("replace/");
  Client publisher = connected(4);
  publisher.publish(topic, "kept", 2, true);
  Client client = connected(4);
  client.subscribe(topic, 2);
  CHECK(client.receive().qos() == 2);
  client.subscribe(topic, 0);
  CHECK(client.receive().qos() == 0);
  publisher.publish(topic, "live", 2);
  CHECK(client.receive().qos() == 0);
  client.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-3.8.3-3: no local keeps a client's own messages from it") {
  std::string topic = unique("own/");
  Client client = connected(5);
  client.subscribe(std::vector<Filter>{{topic, 1 | no_local}});
  Client other = connected(5);
  client.publish(topic, "mine", 1);
  other.publish(topic, "yours", 1);
  CHECK(client.receive().payload == "yours");
  client.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-3.3.1-12, -13: retain as published") {
  std::string topic = unique("rap/");
  Client as_published = connected(5);
  as_published.subscribe(std::vector<Filter>{{topic, 1 | retain_as_published}});
  Client plain = connected(5);
  plain.subscribe(topic, 1);
  Client publisher = connected(5);
  publisher.publish(topic, "kept", 1, true);
  publisher.publish(topic, "passing", 1, false);
  CHECK(as_published.receive().retain());
  CHECK(!as_published.receive().retain());
  CHECK(!plain.receive().retain());
}

TEST_CASE("MQTT5-3.3.1-9 to -11: retain handling") {
  COVERS("MQTT5-3.3.1-10", "MQTT5-3.3.1-11");
  std::string topic = unique("handling/");
  Client publisher = connected(5);
  publisher.publish(topic, "kept", 1, true);
  Client client = connected(5);
  client.subscribe(std::vector<Filter>{{topic, 1 | retain_never}});
  client.expect_quiet_until_pingresp();
  client.subscribe(std::vector<Filter>{{topic, 1 | retain_if_new}});
  client.expect_quiet_until_pingresp();  // it existed
  client.subscribe(topic, 1);
  CHECK(client.receive().retain());
  client.unsubscribe({topic});
  client.subscribe(std::vector<Filter>{{topic, 1 | retain_if_new}});
  CHECK(client.receive().retain());
}

TEST_CASE("MQTT5-3.3.4-3 to -5: subscription identifiers of every matching subscription come with a message") {
  std::string topic = unique("ids/");
  Client client = connected(5);
  client.subscribe(std::vector<Filter>{{topic, 1}}, Properties().number(prop::subscription_id, 1));
  client.subscribe(std::vector<Filter>{{topic + "/#", 1}}, Properties().number(prop::subscription_id, 268'435'455));
  client.subscribe(std::vector<Filter>{{topic + "/other", 1}}, Properties().number(prop::subscription_id, 3));
  Client publisher = connected(4);
  publisher.publish(topic, "x", 1);
  std::multiset<uint32_t> ids;
  while (ids.size() < 2) {
    Packet message = client.receive();
    CHECK(message.properties.has(prop::subscription_id));
    for (const Property& property : message.properties.all()) {
      if (property.id == prop::subscription_id) ids.insert(property.number);
    }
  }
  CHECK(ids == std::multiset<uint32_t>{1, 268'435'455});
  client.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-3.8.2.1.2: a subscription identifier of 0 ends the connection") {
  Client client = connected(5);
  client.send(encode_subscribe(1, {{"a", 0}}, 5, Properties().number(prop::subscription_id, 0)));
  CHECK(closed_with(client) == 0x82);
}

TEST_CASE("MQTT5-3.10.4-1 to -6, MQTT311-3.10.4: UNSUBSCRIBE ends a subscription, other filters stay") {
  COVERS("MQTT5-3.10.4-2");
  for (uint8_t version : {uint8_t{3}, uint8_t{4}, uint8_t{5}}) {
    CAPTURE(version);
    std::string topic = unique("leave/");
    Client client = connected(version);
    client.subscribe(topic + "/a", 1);
    client.subscribe(topic + "/b", 1);
    std::vector<uint8_t> codes = client.unsubscribe({topic + "/a", topic + "/never"});
    if (version == 5) CHECK(codes == std::vector<uint8_t>{0, no_subscription_existed});
    Client publisher = connected(4);
    publisher.publish(topic + "/a", "left", 1);
    publisher.publish(topic + "/b", "stayed", 1);
    CHECK(client.receive().payload == "stayed");
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-4.8.2-3 to -6: each message of a shared subscription goes to one member, by turns") {
  std::string topic = unique("shared/");
  std::string filter = "$share/" + unique("group") + "/" + topic;
  Client first = connected(5);
  Client second = connected(4);
  Client alone = connected(4);
  first.subscribe(filter, 1);
  second.subscribe(filter, 1);
  alone.subscribe(topic, 1);
  Client publisher = connected(4);
  constexpr size_t count = 20;
  for (size_t i = 0; i < count; ++i) publisher.publish(topic, std::to_string(i), 1);
  std::map<std::string, int> times;
  size_t share_of_first = 0;
  for (Client* member : {&first, &second}) {
    member->send(encode_pingreq());  // may overtake nothing: all messages are on their way already
    for (;;) {
      Packet packet = member->read();
      if (packet.type == Type::pingresp) break;
      member->send_ack(Type::puback, packet.pid);
      ++times[packet.payload];
      if (member == &first) ++share_of_first;
    }
    while (std::optional<Packet> late = member->try_receive(Millis(50))) ++times[late->payload];
  }
  CHECK(times.size() == count);
  for (const auto& [payload, received] : times) CHECK_MESSAGE(received == 1, payload);
  CHECK(share_of_first > 0);
  CHECK(share_of_first < count);
  for (size_t i = 0; i < count; ++i) CHECK(alone.receive().payload == std::to_string(i));
}

TEST_CASE(
    "MQTT5-4.8.2-5: the messages of a member that leaves go to the others; absent durable members keep "
    "theirs") {
  std::string topic = unique("shared/");
  std::string filter = "$share/" + unique("group") + "/" + topic;
  Client leaving = connected(5);
  Client staying = connected(5);
  leaving.subscribe(filter, 1);
  staying.subscribe(filter, 1);
  CHECK(leaving.unsubscribe({filter}) == std::vector<uint8_t>{0});
  Client publisher = connected(4);
  for (int i = 0; i < 10; ++i) publisher.publish(topic, std::to_string(i), 1);
  for (int i = 0; i < 10; ++i) CHECK(staying.receive().payload == std::to_string(i));
}

TEST_CASE("MQTT5-3.8.3-4: no local on a shared subscription ends the connection") {
  Client client = connected(5);
  client.send(encode_subscribe(1, {{"$share/g/a", 1 | no_local}}, 5));
  CHECK(closed_with(client) == 0x82);
}

TEST_CASE("MQTT5-4.8.2-1, -2: shared filters without a name or a filter are refused") {
  COVERS("MQTT5-4.8.2-2");
  for (const char* filter : {"$share/g", "$share//a", "$share/g+/a", "$share/g/"}) {
    CAPTURE(filter);
    Client client = connected(5);
    CHECK(client.subscribe(std::vector<Filter>{{filter, 1}})[0] >= 0x80);
  }
}

TEST_CASE("MQTT5-4.8.2: retained messages are not sent to a shared subscription") {
  std::string topic = unique("shared/");
  Client publisher = connected(5);
  publisher.publish(topic, "kept", 1, true);
  Client client = connected(5);
  client.subscribe("$share/g/" + topic, 1);
  client.expect_quiet_until_pingresp();
}

TEST_CASE("limits.max_subscriptions_per_session: one more is refused with 0x97, an old one may be made again") {
  Client client = client_of(small_broker(), 5);
  client.connect();
  for (uint32_t i = 0; i < small::max_subscriptions; ++i) client.subscribe("s/" + std::to_string(i), 1);
  CHECK(client.subscribe(std::vector<Filter>{{"s/more", 1}})[0] == 0x97);
  CHECK(client.subscribe("s/0", 2) == 2);
}
