// Acknowledgements both ways: their ids, codes and order, and every short form that MQTT 5 allows.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t not_found = 0x92;
constexpr uint8_t no_subscription_existed = 0x11;

const std::string no_properties(1, '\0');

bool one_of(uint8_t code, std::initializer_list<int> table) {
  return std::find(table.begin(), table.end(), int{code}) != table.end();
}

Publish with_id(Publish publish, uint16_t pid) {
  publish.pid = pid;
  return publish;
}

}  // namespace

TEST_CASE("every PUBLISH, SUBSCRIBE and UNSUBSCRIBE is answered once, with its own id, in order") {
  COVERS("MQTT5-2.2.1-5", "MQTT5-2.2.1-6", "MQTT5-3.8.4-1", "MQTT5-3.8.4-2", "MQTT5-3.10.4-4", "MQTT5-3.10.4-5");
  COVERS("MQTT5-4.6.0-2", "MQTT5-4.6.0-3", "MQTT5-3.12.4-1", "MQTT311-3.10.4-5");
  const uint16_t ids[] = {7, 3, 65'535, 1, 256, 2};
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("answers/");
    Client client = connected(version);
    std::string bytes;
    for (uint16_t id : ids) {
      bytes += encode_publish(with_id(message_to(topic, "x", 1), id), version);
      bytes += encode_publish(with_id(message_to(topic, "x", 2), static_cast<uint16_t>(id - 1 + 300)), version);
      bytes += encode_subscribe(id, {{topic + "/sub", 1}}, version);
      bytes += encode_unsubscribe(id, {topic + "/never"}, version);
    }
    client.send(bytes);
    for (uint16_t id : ids) {
      CAPTURE(id);
      CHECK(client.expect(Type::puback).pid == id);
      CHECK(client.expect(Type::pubrec).pid == static_cast<uint16_t>(id - 1 + 300));
      CHECK(client.expect(Type::suback).pid == id);
      CHECK(client.expect(Type::unsuback).pid == id);
    }
    client.expect_quiet_until_pingresp();
    for (int i = 0; i < 3; ++i) client.send(encode_pingreq());
    for (int i = 0; i < 3; ++i) client.expect(Type::pingresp);
  }
}

TEST_CASE("SUBACK and UNSUBACK have one code a filter, in the order of the filters") {
  COVERS("MQTT5-3.8.4-5", "MQTT5-3.8.4-6", "MQTT5-3.9.3-1", "MQTT5-3.9.3-2", "MQTT5-3.10.4-6", "MQTT5-3.11.3-1");
  COVERS("MQTT5-3.11.3-2", "MQTT311-3.9.3-2", "T-41");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    uint8_t refused = version == 5 ? 0x8F : 0x80;
    std::string topic = unique("codes/");
    Client client = connected(version);
    CHECK(client.subscribe({{topic + "/0", 0}, {"a/#/b", 1}, {topic + "/1", 1}, {topic + "/2", 2}, {"+a", 0}}) ==
          std::vector<uint8_t>{0, refused, 1, 2, refused});
    // As if they came one by one: the last one of a filter holds.
    CHECK(client.subscribe({{topic + "/0", 2}, {topic + "/0", 1}}) == std::vector<uint8_t>{2, 1});
    Client publisher = connected(4);
    publisher.publish(topic + "/0", "once", 2);
    CHECK(client.receive().qos() == 1);
    client.expect_quiet_until_pingresp();
    std::vector<uint8_t> codes =
        client.unsubscribe({topic + "/1", topic + "/none", topic + "/1", topic + "/0", "a/#/b"});
    if (version == 5) {
      CHECK(codes ==
            std::vector<uint8_t>{0, no_subscription_existed, no_subscription_existed, 0, no_subscription_existed});
    }
    publisher.publish(topic + "/1", "gone", 1);
    publisher.publish(topic + "/2", "stays", 1);
    CHECK(client.receive().payload == "stays");
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("T-32, U-18: acknowledgements of a client may stop at the id, at the code, or have properties") {
  const Properties told = Properties().text(prop::reason_string, "why").user("a", "1").user("a", "2");
  const std::string rests[] = {"", std::string(1, '\0'), std::string(2, '\0'), '\0' + encode_properties(told)};
  std::string topic = unique("short/");
  Client client = connected(5);
  client.subscribe(topic, 2);
  Client publisher = connected(4);
  for (const std::string& rest : rests) {
    CAPTURE(rest.size());
    publisher.publish(topic, "one", 1);
    client.send(frame(Type::puback, 0, u16(client.expect(Type::publish).pid) + rest));
    publisher.publish(topic, "two", 2);
    uint16_t pid = client.expect(Type::publish).pid;
    client.send(frame(Type::pubrec, 0, u16(pid) + rest));
    CHECK(client.expect(Type::pubrel).pid == pid);
    client.send(frame(Type::pubcomp, 0, u16(pid) + rest));
    client.send_publish(with_id(message_to(unique("other/"), "x", 2), 9));
    client.expect(Type::pubrec);
    client.send(frame(Type::pubrel, 2, u16(9) + rest));
    CHECK(client.expect(Type::pubcomp).code() == 0);
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-3.6.1-1, T-33: PUBREL, SUBSCRIBE and UNSUBSCRIBE have the flags 0010") {
  COVERS("MQTT5-3.10.1-1");
  struct Case {
    Type type;
    std::string body;
  };
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    std::string properties = version == 5 ? no_properties : "";
    const Case cases[] = {{Type::pubrel, u16(1)},
                          {Type::subscribe, u16(1) + properties + text("a") + '\0'},
                          {Type::unsubscribe, u16(1) + properties + text("a")}};
    for (const Case& c : cases) {
      for (uint8_t flags = 0; flags < 16; ++flags) {
        CAPTURE(version);
        CAPTURE(name_of(c.type));
        CAPTURE(int{flags});
        Client client = connected(version);
        client.send(frame(c.type, flags, c.body));
        if (flags == 2) {
          client.read();
          client.ping();
        } else {
          CHECK(closed_with(client) == (version == 5 ? 0x81 : 0));
        }
      }
    }
  }
}

TEST_CASE("acknowledgements carry codes of their tables only") {
  COVERS("MQTT5-3.5.2-1", "MQTT5-3.6.2-1", "MQTT5-3.7.2-1");
  struct Case {
    Type type;
    uint8_t flags;
    std::initializer_list<int> table;
  };
  const std::initializer_list<int> publish_codes = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
  const std::initializer_list<int> release_codes = {0x00, 0x92};
  const Case cases[] = {{Type::puback, 0, publish_codes},
                        {Type::pubrec, 0, publish_codes},
                        {Type::pubrel, 2, release_codes},
                        {Type::pubcomp, 0, release_codes}};
  for (const Case& c : cases) {
    for (int code : {0x00, 0x01, 0x10, 0x11, 0x80, 0x81, 0x83, 0x87, 0x90, 0x91, 0x92, 0x97, 0x99, 0x9A, 0xFF}) {
      CAPTURE(name_of(c.type));
      CAPTURE(code);
      Client client = connected(5);
      client.send(frame(c.type, c.flags, u16(77) + static_cast<char>(code)));
      if (one_of(static_cast<uint8_t>(code), c.table)) {
        client.ping();
      } else {
        CHECK(closed_with(client) == 0x82);
      }
    }
  }
  // And the broker's own: known and unknown ids.
  Client client = connected(5);
  CHECK(one_of(client.publish(unique("nobody/"), "x", 1), publish_codes));
  client.send_publish(with_id(message_to(unique("nobody/"), "x", 2), 5));
  CHECK(one_of(client.expect(Type::pubrec).code(), publish_codes));
  client.send_ack(Type::pubrel, 5);
  CHECK(client.expect(Type::pubcomp).code() == 0);
}

TEST_CASE("T-52: acknowledgements for ids that are not known are answered with 0x92, and nothing ends") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    uint8_t unknown = version == 5 ? not_found : 0;
    std::string topic = unique("unknown/");
    Client client = connected(version);
    client.subscribe(topic, 1);
    Client publisher = connected(4);
    publisher.publish(topic, "in flight", 1);
    Packet message = client.expect(Type::publish);
    client.send_ack(Type::pubrel, 40);
    Packet pubcomp = client.expect(Type::pubcomp);
    CHECK(pubcomp.pid == 40);
    CHECK(pubcomp.code() == unknown);
    client.send_ack(Type::pubrec, 41);
    Packet pubrel = client.expect(Type::pubrel);
    CHECK(pubrel.pid == 41);
    CHECK(pubrel.code() == unknown);
    client.send_ack(Type::puback, 42);
    client.send_ack(Type::pubcomp, message.pid);  // no QoS 2 message
    client.expect_quiet_until_pingresp();
    client.send_ack(Type::puback, message.pid);
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-4.6.0-4: PUBRELs leave in the order of the PUBRECs") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("releases/");
    Client client = connected(version);
    client.subscribe(topic, 2);
    Client publisher = connected(4);
    for (int i = 0; i < 4; ++i) publisher.publish(topic, "x", 2);
    std::vector<uint16_t> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(client.expect(Type::publish).pid);
    CHECK(std::set<uint16_t>(ids.begin(), ids.end()).size() == 4);
    std::swap(ids[0], ids[2]);
    for (uint16_t id : ids) client.send_ack(Type::pubrec, id);
    for (uint16_t id : ids) CHECK(client.expect(Type::pubrel).pid == id);
  }
}

TEST_CASE("U-24: an id that another kind of exchange uses is answered, and harms none of them") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("reuse/");
    Client watcher = connected(5);
    watcher.subscribe(topic, 2);
    Client client = connected(version);
    client.send_publish(with_id(message_to(topic, "two", 2), 5));
    client.expect(Type::pubrec);
    client.send_publish(with_id(message_to(topic, "one", 1), 5));
    Packet puback = client.expect(Type::puback);
    CHECK(puback.pid == 5);
    client.send(encode_subscribe(5, {{topic + "/sub", 0}}, version));
    CHECK(client.expect(Type::suback).pid == 5);
    client.send_ack(Type::pubrel, 5);
    CHECK(client.expect(Type::pubcomp).code() == 0);
    CHECK(watcher.receive().payload == "two");
    if (puback.code() == 0) CHECK(watcher.receive().payload == "one");
    watcher.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-2.2.1-3: packet id 0 ends the connection") {
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    std::string properties = version == 5 ? no_properties : "";
    const std::string packets[] = {frame(Type::publish, 2, text("t") + u16(0) + properties),
                                   frame(Type::publish, 4, text("t") + u16(0) + properties),
                                   frame(Type::subscribe, 2, u16(0) + properties + text("a") + '\0'),
                                   frame(Type::unsubscribe, 2, u16(0) + properties + text("a")),
                                   frame(Type::puback, 0, u16(0)),
                                   frame(Type::pubrel, 2, u16(0))};
    for (const std::string& packet : packets) {
      CAPTURE(version);
      Client client = connected(version);
      client.send(packet);
      CHECK(closed_with(client) == (version == 5 ? 0x82 : 0));
    }
  }
}
