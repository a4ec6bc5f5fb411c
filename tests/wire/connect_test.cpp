// CONNECT and the life of a session, seen from the wire.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

// A CONNECT of hand-made parts, for MQTT 3.1.1 and later.
std::string raw_connect(const std::string& name, uint8_t level, uint8_t flags, const std::string& rest) {
  std::string body = text(name) + static_cast<char>(level) + static_cast<char>(flags) + u16(60) + rest;
  return frame(Type::connect, 0, body);
}

}  // namespace

TEST_CASE("MQTT311-3.1.4-4, MQTT5-3.1.4-5: 3.1, 3.1.1 and 5.0 clients are accepted and served") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = client_of(broker(), version);
    Packet connack = client.connect();
    CHECK(connack.code() == 0);
    CHECK(!connack.session_present);
    client.ping();
    client.disconnect();
  }
}

TEST_CASE("MQTT5-3.2.2.3: CONNACK tells the limits that differ from the protocol's defaults") {
  Client client = client_of(small_broker(), 5);
  Packet connack = client.connect();
  CHECK(connack.properties.number(prop::receive_maximum) == small::receive_maximum);
  CHECK(connack.properties.number(prop::maximum_packet_size) == small::max_packet_bytes);
  CHECK(connack.properties.number(prop::topic_alias_maximum) == small::topic_alias_maximum);
  CHECK(connack.properties.number(prop::maximum_qos).value_or(2) == 2);
  CHECK(connack.properties.number(prop::retain_available).value_or(1) == 1);
}

TEST_CASE("MQTT311-3.1.3-6, MQTT5-3.1.3-6: an empty client id with a clean session is accepted") {
  Client old = client_of(broker(), 4, "");
  CHECK(old.connect().code() == 0);
  Client first = client_of(broker(), 5, "");
  Client second = client_of(broker(), 5, "");
  std::optional<std::string> first_id = first.connect().properties.text(prop::assigned_client_id);
  std::optional<std::string> second_id = second.connect().properties.text(prop::assigned_client_id);
  REQUIRE(first_id);
  REQUIRE(second_id);
  CHECK(*first_id != *second_id);
}

TEST_CASE("MQTT311-3.1.3-8: an empty client id without a clean session is refused with 0x02") {
  Client client = client_of(broker(), 4, "");
  client.options().connect.clean = false;
  CHECK(client.try_connect().code() == 0x02);
  client.expect_closed();
}

TEST_CASE("MQTT311-3.1.2-2, MQTT5-3.1.2-2: an unknown protocol level is refused") {
  // In the form of the nearest version that the broker has.
  for (uint8_t level : {uint8_t{0}, uint8_t{2}, uint8_t{6}, uint8_t{0x7F}}) {
    CAPTURE(level);
    Client client = client_of(broker(), level < 5 ? 4 : 5);
    client.open();
    client.send(raw_connect("MQTT", level, 2, text("x")));
    CHECK(client.expect(Type::connack).code() == (level < 5 ? 0x01 : 0x84));
    client.expect_closed();
  }
}

TEST_CASE("MQTT5-3.1.2-1, -3, MQTT311-3.1.2-24: malformed CONNECT packets end the connection") {
  const std::string malformed[] = {
      raw_connect("MQTX", 4, 2, text("x")),                                      // protocol name
      raw_connect("MQTT", 4, 3, text("x")),                                      // reserved flag
      raw_connect("MQTT", 4, 0x1E, text("x") + text("w") + text("m")),           // will QoS 3
      raw_connect("MQTT", 4, 0x22, text("x")),                                   // will retain without will
      raw_connect("MQTT", 4, 2, ""),                                             // no client id
      raw_connect("MQTT", 4, 0x82, text("x")),                                   // no user name
      raw_connect("MQTT", 4, 2, text("x") + "more"),                             // bytes left over
      raw_connect("MQTT", 4, 2, text(std::string("a\0b", 3))),                   // MQTT311-1.5.3-2
      raw_connect("MQTT", 4, 2, text("\xFF\xFE")),                               // MQTT311-1.5.3-1
      raw_connect("MQTT", 5, 2, std::string("\x05\x11\x00\x00\x00\x00", 6)),     // properties only
      frame(Type::connect, 1, text("MQTT") + "\x04\x02" + u16(60) + text("x")),  // flags of the fixed header
  };
  const size_t new_form = 9;
  for (size_t i = 0; i < std::size(malformed); ++i) {
    CAPTURE(i);
    Client client = client_of(broker(), i == new_form ? 5 : 4);
    client.open();
    client.send(malformed[i]);
    for (const Packet& packet : client.expect_closed()) CHECK(packet.code() != 0);
  }
  check_serves(broker());
}

TEST_CASE("MQTT311-3.1.0-1, MQTT5-3.1.0-1: a first packet that is no CONNECT ends the connection") {
  Publish publish;
  publish.topic = "first";
  const std::string firsts[] = {encode_publish(publish, 4), encode_pingreq(), encode_subscribe(1, {{"a", 0}}, 4),
                                encode_disconnect(4), encode_ack(Type::puback, 1, 4)};
  for (size_t i = 0; i < std::size(firsts); ++i) {
    CAPTURE(i);
    Client client = client_of(broker(), 4);
    client.open();
    client.send(firsts[i]);
    CHECK(client.expect_closed().empty());
  }
}

TEST_CASE("MQTT311-3.1.0-2, MQTT5-3.1.0-2: a second CONNECT ends the connection") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    client.send(encode_connect(client.options().connect));
    CHECK(closed_with(client) == (version == 5 ? 0x82 : 0));
  }
}

TEST_CASE("U-29: a connection that does not complete its CONNECT in time is closed") {
  Client half = client_of(small_broker(), 4);
  Client none = client_of(small_broker(), 4);
  half.open();
  none.open();
  std::string connect = encode_connect(half.options().connect);
  half.send(connect.substr(0, connect.size() - 1));
  check_serves(small_broker());
  CHECK(half.expect_closed(scaled(small::connect_timeout * 5)).empty());
  CHECK(none.expect_closed(scaled(small::connect_timeout * 5)).empty());
}

TEST_CASE("MQTT-3.1: a CONNECT that comes byte by byte is taken, with what follows it in the same breath") {
  Client client = client_of(broker(), 5);
  client.open();
  for (char byte : encode_connect(client.options().connect) + encode_pingreq()) client.send(std::string(1, byte));
  client.expect(Type::connack);
  client.expect(Type::pingresp);
  Client eager = client_of(broker(), 4);
  eager.open();
  eager.send(encode_connect(eager.options().connect) + encode_subscribe(1, {{"eager", 1}}, 4) + encode_pingreq());
  eager.expect(Type::connack);
  eager.expect(Type::suback);
  eager.expect(Type::pingresp);
}

TEST_CASE("MQTT311-3.2.2-1 to -3, MQTT5-3.2.2-2, -3: session present says whether there was a session") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string id = unique("session");
    Client client = client_of(broker(), version, id);
    make_durable(client);
    CHECK(!client.connect().session_present);
    client.disconnect();
    CHECK(client.connect().session_present == (version != 3));  // 3.1 has no such flag
    client.close();
    client.options().connect.clean = true;
    CHECK(!client.connect().session_present);
    client.close();
  }
}

TEST_CASE("MQTT5-3.1.2-4, MQTT311-3.1.2-6: a clean start ends the old session with its subscriptions and queue") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string id = unique("clean");
    std::string topic = unique("clean/");
    Client client = connected_durable(version, id);
    client.subscribe(topic, 1);
    client.disconnect();
    Client publisher = connected(4);
    publisher.publish(topic, "queued", 1);
    client.options().connect.clean = true;
    client.connect();
    publisher.publish(topic, "later", 1);
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT5-3.1.2-23: a session ends with its connection, or its expiry interval later") {
  std::string id = unique("expiry");
  Client client = client_of(broker(), 5, id);
  client.options().connect.clean = false;
  client.connect();
  client.disconnect();
  CHECK(!client.connect().session_present);  // no expiry interval
  client.disconnect();
  client.options().connect.session_expiry_s = 1;
  client.connect();
  uint64_t with = broker().sessions();
  client.disconnect();
  until([&] { return broker().sessions() < with; }, "the session expires");
  CHECK(!client.connect().session_present);
  client.disconnect(0, Properties().number(prop::session_expiry, 100));  // DISCONNECT may change it (3.14.2.2.2)
  CHECK(client.connect().session_present);
}

TEST_CASE("MQTT311-3.1.2-5, MQTT5-4.4.0: what came for an absent client waits for it, in order") {
  COVERS("MQTT5-4.5.0-1");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string id = unique("absent");
    std::string topic = unique("absent/");
    Client client = connected_durable(version, id);
    client.subscribe(topic, 2);
    client.disconnect();
    Client publisher = connected(5);
    for (int i = 0; i < 200; ++i) publisher.publish(topic, std::to_string(i), i % 2 == 0 ? 1 : 2);
    client.connect();
    for (int i = 0; i < 200; ++i) {
      Packet message = client.receive();
      CHECK(message.payload == std::to_string(i));
      CHECK(message.qos() == (i % 2 == 0 ? 1 : 2));
      CHECK(!message.retain());
    }
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT311-3.1.4-2, MQTT5-3.1.4-3: a client id that connects again takes over the older connection") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string id = unique("twin");
    Client older = connected_durable(version, id);
    std::string topic = unique("twin/");
    older.subscribe(topic, 1);
    Client newer = client_of(broker(), version, id);
    make_durable(newer);
    CHECK(newer.connect().session_present == (version != 3));
    CHECK(closed_with(older) == (version == 5 ? 0x8E : 0));
    newer.publish(topic, "mine", 1);
    CHECK(newer.receive().payload == "mine");
  }
}

TEST_CASE("MQTT311-3.1.2-24, MQTT5-3.1.2-22: silence for 1.5 x keep alive ends the connection") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = client_of(broker(), version);
    client.options().connect.keepalive_s = 1;
    client.connect();
    SteadyTime silent_from = std::chrono::steady_clock::now();
    CHECK(closed_with(client) == (version == 5 ? 0x8D : 0));
    CHECK(std::chrono::steady_clock::now() - silent_from >= Millis(1'450));
  }
}

TEST_CASE("MQTT5-3.1.2-22: PINGREQ keeps a connection; keep alive 0 never times out") {
  COVERS("U-28");
  Client pinging = client_of(broker(), 5);
  pinging.options().connect.keepalive_s = 1;
  Client quiet = client_of(broker(), 5);
  quiet.options().connect.keepalive_s = 0;
  pinging.connect();
  quiet.connect();
  SteadyTime start = std::chrono::steady_clock::now();
  until(
      [&] {
        pinging.ping();
        return std::chrono::steady_clock::now() - start > Millis(2'500);
      },
      "two and a half keep alives");
  quiet.ping();
}

TEST_CASE(
    "MQTT5-3.1.4-3: of several CONNECTs of one client in one turn each gets its CONNACK, and all but one then 0x8E") {
  for (const bool durable : {false, true}) {
    const std::string id = unique("hasty");
    std::vector<Client> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(client_of(broker(), 5, id));
      if (durable) make_durable(clients.back());
    }
    for (Client& client : clients) client.open();
    broker().pause();
    for (Client& client : clients) client.send(encode_connect(client.options().connect));
    broker().resume();
    for (Client& client : clients) CHECK(client.expect(Type::connack).code() == 0);
    until(
        [&] {
          std::erase_if(clients, [](Client& client) {
            const std::optional<Packet> next = client.try_read(Millis(20));
            if (next) CHECK(next->type == Type::disconnect);
            if (next) CHECK(next->code() == 0x8E);
            return next.has_value();
          });
          return clients.size() == 1;
        },
        "one client is left");
    clients.front().ping();
  }
}
