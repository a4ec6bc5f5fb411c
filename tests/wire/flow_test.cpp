// Flow control and the two kinds of delivery that are acknowledged, rule by rule.
#include <doctest/doctest.h>

#include <set>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

Client narrow(const Node& node, uint8_t version, uint32_t receive_maximum) {
  Client client = client_of(node, version);
  if (version == 5) client.options().connect.properties.number(prop::receive_maximum, receive_maximum);
  client.connect();
  return client;
}

Publish with_id(Publish publish, uint16_t pid, bool dup = false) {
  publish.pid = pid;
  publish.dup = dup;
  return publish;
}

}  // namespace

TEST_CASE("MQTT5-3.3.4-10, MQTT5-4.9.0-3: a full window holds back QoS 1 and 2 messages, and nothing else") {
  std::string topic = unique("window/");
  Client client = narrow(broker(), 5, 1);
  client.subscribe(topic, 2);
  Client publisher = connected(4);
  publisher.publish(topic, "first", 2);
  publisher.publish(topic, "held back", 1);
  Packet first = client.expect(Type::publish);
  for (int round = 0; round < 2; ++round) {  // before and after its PUBREC
    client.ping();
    client.send(encode_subscribe(8, {{topic + "/other", 0}}, 5));
    CHECK(client.expect(Type::suback).pid == 8);
    client.send(encode_unsubscribe(9, {topic + "/other"}, 5));
    CHECK(client.expect(Type::unsuback).pid == 9);
    client.send_publish(message_to(topic + "/out", "x", 1));
    client.expect(Type::puback);
    client.send_publish(with_id(message_to(topic + "/out", "x", 2), 70));
    CHECK(client.expect(Type::pubrec).pid == 70);
    client.send_ack(Type::pubrel, 70);
    CHECK(client.expect(Type::pubcomp).pid == 70);
    publisher.publish(topic, "passing", 0);
    CHECK(client.expect(Type::publish).payload == "passing");
    if (round == 0) client.send_ack(Type::pubrec, first.pid);
    if (round == 0) CHECK(client.expect(Type::pubrel).pid == first.pid);
  }
  client.send_ack(Type::pubcomp, first.pid);
  CHECK(client.expect(Type::publish).payload == "held back");
}

TEST_CASE("MQTT5-3.3.4-8: a client that has used up the broker's window is served in all else") {
  std::string topic = unique("quota/");
  Client client = client_of(small_broker(), 5);
  client.connect();
  for (int i = 0; i < small::receive_maximum; ++i) {
    client.send_publish(with_id(message_to(topic, "x", 2), static_cast<uint16_t>(i + 1)));
    client.expect(Type::pubrec);
  }
  client.ping();
  client.subscribe(topic + "/own", 1);
  client.publish(topic + "/own", "passing", 0);
  CHECK(client.receive().payload == "passing");
  client.send_ack(Type::pubrel, 3);
  CHECK(client.expect(Type::pubcomp).pid == 3);
  CHECK(client.publish(topic + "/own", "again", 1) == 0);
  CHECK(client.receive().payload == "again");
}

TEST_CASE("T-11, T-09: one QoS 2 message more than allowed ends the connection with 0x93; repeats are not more") {
  std::string topic = unique("breach/");
  Client watcher = client_of(small_broker(), 5);
  watcher.connect();
  watcher.subscribe(topic, 2);
  Client client = client_of(small_broker(), 5, unique("breach"));
  make_durable(client);
  client.connect();
  for (int dup = 0; dup < 2; ++dup) {
    for (uint16_t id = 1; id <= small::receive_maximum; ++id) {
      client.send_publish(with_id(message_to(topic, std::to_string(id), 2), id, dup != 0));
      Packet pubrec = client.expect(Type::pubrec);
      CHECK(pubrec.pid == id);
      CHECK(pubrec.code() == 0);
    }
  }
  client.send_publish(with_id(message_to(topic, "too many", 2), small::receive_maximum + 1));
  std::vector<Packet> answer = client.expect_closed();
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].type == Type::disconnect);
  CHECK(answer[0].code() == 0x93);
  CHECK(client.connect().session_present);
  for (uint16_t id = 1; id <= small::receive_maximum; ++id) {  // known however long it takes
    client.send_publish(with_id(message_to(topic, std::to_string(id), 2), id, true));
    CHECK(client.expect(Type::pubrec).code() == 0);
    client.send_ack(Type::pubrel, id);
    CHECK(client.expect(Type::pubcomp).code() == 0);
  }
  for (uint16_t id = 1; id <= small::receive_maximum; ++id) CHECK(watcher.receive().payload == std::to_string(id));
  watcher.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-4.3.2-1, MQTT5-4.3.3-1: each message in flight has an id of its own") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("ids/");
    Client client = version == 5 ? narrow(broker(), 5, 200) : connected(version);
    client.subscribe(topic, 2);
    Client publisher = connected(5);
    std::set<uint16_t> in_flight;
    for (int i = 0; i < 20; ++i) {
      publisher.publish(topic, "x", i % 2 == 0 ? 1 : 2);
      Packet message = client.expect(Type::publish);
      CHECK(!message.dup());
      CHECK(in_flight.insert(message.pid).second);
      if (i % 4 == 1) {  // a QoS 2 message gives its id back with PUBCOMP, not before
        client.send_ack(Type::pubrec, message.pid);
        client.expect(Type::pubrel);
      }
    }
  }
}

TEST_CASE("MQTT5-3.3.1-3: DUP of a publisher is not passed on") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("dup/");
    Client client = connected(5);
    client.subscribe(topic, 2);
    Client publisher = connected(version);
    for (uint8_t qos : {uint8_t{1}, uint8_t{2}}) {
      publisher.publish(with_id(message_to(topic, "again?", qos), 5, true));
      CHECK(!client.receive().dup());
    }
  }
}

TEST_CASE("MQTT5-4.3.2-5, MQTT311-4.3.2-2: after its PUBACK the same id is a new message, even with DUP") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("new/");
    Client client = connected(5);
    client.subscribe(topic, 1);
    Client publisher = connected(version);
    for (int i = 0; i < 3; ++i) {
      publisher.send_publish(with_id(message_to(topic, std::to_string(i), 1), 5, i > 0));
      CHECK(publisher.expect(Type::puback).pid == 5);
    }
    for (int i = 0; i < 3; ++i) CHECK(client.receive().payload == std::to_string(i));
  }
}

TEST_CASE("MQTT5-4.3.3-9: a QoS 2 message that was refused leaves its id free for a new one") {
  std::string topic = unique("refused/");
  Client watcher = client_of(small_broker(), 5);
  watcher.connect();
  watcher.subscribe(topic + "/#", 2);
  Client client = client_of(small_broker(), 5);
  client.connect();
  auto retained = [&](uint32_t i) {
    Publish publish = message_to(topic + "/" + std::to_string(i), "kept", 2);
    publish.retain = true;
    return publish;
  };
  for (uint32_t i = 0; i < small::max_retained; ++i) {
    CHECK(client.publish(retained(i)) == 0);
    CHECK(watcher.receive().payload == "kept");
  }
  client.send_publish(with_id(retained(small::max_retained), 5));
  CHECK(client.expect(Type::pubrec).code() == 0x97);
  client.send_publish(with_id(message_to(topic + "/new", "new", 2), 5));
  CHECK(client.expect(Type::pubrec).code() == 0);
  client.send_ack(Type::pubrel, 5);
  CHECK(client.expect(Type::pubcomp).code() == 0);
  CHECK(watcher.receive().payload == "new");
  for (uint32_t i = 0; i < small::max_retained; ++i) client.publish(topic + "/" + std::to_string(i), "", 1, true);
}

TEST_CASE("MQTT5-4.3.3-13: the handshake of a QoS 2 message is finished although the message has expired") {
  std::string topic = unique("expired/");
  Client client = narrow(broker(), 5, 1);
  client.subscribe(topic, 2);
  Client publisher = connected(5);
  Publish publish = message_to(topic, "short", 2);
  publish.properties.number(prop::message_expiry, 1);
  publisher.send_publish(with_id(publish, 5));
  publisher.expect(Type::pubrec);
  Packet message = client.expect(Type::publish);
  SteadyTime start = std::chrono::steady_clock::now();
  until([&] { return std::chrono::steady_clock::now() - start > Millis(1'300); }, "the expiry");
  publisher.send_ack(Type::pubrel, 5);
  CHECK(publisher.expect(Type::pubcomp).code() == 0);
  client.send_ack(Type::pubrec, message.pid);
  Packet pubrel = client.expect(Type::pubrel);
  CHECK(pubrel.pid == message.pid);
  CHECK(pubrel.code() == 0);
}

TEST_CASE(
    "MQTT5-4.1.0-1, MQTT311-4.1.0-1, MQTT311-4.1.0-2: a session lasts as long as its connection, a clean one too") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("lasting/");
    Client client = connected(version);  // clean, and in MQTT 5 without an expiry interval
    client.subscribe(topic, 2);
    client.send_publish(with_id(message_to(topic + "/held", "x", 2), 5));
    client.expect(Type::pubrec);
    Client publisher = connected(4);
    publisher.publish(topic, "in flight", 2);
    Packet message = client.expect(Type::publish);
    for (int i = 0; i < 20; ++i) connected(version).disconnect();
    SteadyTime start = std::chrono::steady_clock::now();
    until([&] { return std::chrono::steady_clock::now() - start > Millis(300); }, "some turns of the broker");
    client.send_ack(Type::pubrec, message.pid);
    CHECK(client.expect(Type::pubrel).code() == 0);
    client.send_ack(Type::pubrel, 5);
    CHECK(client.expect(Type::pubcomp).code() == 0);
    publisher.publish(topic, "still subscribed", 1);
    CHECK(client.receive().payload == "still subscribed");
  }
}
