// CONNACK: first, once, and true.
#include <doctest/doctest.h>

#include <set>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

TEST_CASE("MQTT5-3.2.0-1, MQTT311-3.2.0-1: CONNACK comes before everything else, however much is due") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("first/");
    Client publisher = connected(4);
    publisher.publish(topic + "/kept", "retained", 1, true);
    Client client = connected_durable(version, unique("first"));
    client.subscribe(topic, 2);
    client.disconnect();
    for (int i = 0; i < 20; ++i) publisher.publish(topic, "queued", i % 2 == 0 ? 1 : 2);
    client.open();
    client.send(encode_connect(client.options().connect) + encode_pingreq() +
                encode_subscribe(1, {{topic + "/#", 0}}, version) +
                encode_publish(message_to(topic, "eager", 0), version));
    CHECK(client.read().type == Type::connack);
    client.await(Type::pingresp);
    client.await(Type::suback);
    for (int i = 0; i < 20; ++i) CHECK(client.receive().payload == "queued");
  }
}

TEST_CASE("MQTT5-3.2.0-2: a connection gets one CONNACK, whatever it sends") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    client.send(encode_connect(client.options().connect) + encode_connect(client.options().connect));
    for (const Packet& packet : client.expect_closed()) CHECK(packet.type != Type::connack);
  }
}

TEST_CASE("MQTT5-3.2.2-1: the flags of CONNACK are session present and zeros") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = client_of(broker(), version, unique("flags"));
    make_durable(client);
    // The test's own reading of CONNACK throws at any other flag (tests/client/decode.cpp).
    CHECK(!client.connect().session_present);
    client.disconnect();
    CHECK(client.connect().session_present == (version != 3));
  }
}

TEST_CASE("MQTT5-3.1.3-2: a session belongs to its client id, to the byte") {
  std::string base = unique("Same");
  const std::string ids[] = {base, "s" + base.substr(1), base + " ", base + "/", base.substr(1), "\xEF\xBB\xBF" + base};
  Client publisher = connected(4);
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    CAPTURE(version);
    std::string topic = unique("same/");
    for (const std::string& id : ids) {
      Client client = client_of(broker(), version, id);
      make_durable(client);
      CHECK(client.connect().session_present == (version == 5));  // from the round before: kept for the other version
      client.subscribe(topic + "/" + id, 1);
      client.disconnect();
    }
    for (const std::string& id : ids) publisher.publish(topic + "/" + id, "for " + id, 1);
    for (const std::string& id : ids) {
      Client client = client_of(broker(), version, id);
      make_durable(client);
      CHECK(client.connect().session_present);
      CHECK(client.receive().payload == "for " + id);
      client.expect_quiet_until_pingresp();
      client.disconnect();
    }
  }
}

TEST_CASE("MQTT5-3.2.2-16: an assigned client id is new, and the client may come back with it") {
  std::set<std::string> ids;
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(client_of(broker(), 5, ""));
    make_durable(clients.back());
    Packet connack = clients.back().connect();
    CHECK(!connack.session_present);
    ids.insert(connack.properties.text(prop::assigned_client_id).value_or(""));
  }
  CHECK(ids.size() == clients.size());
  clients.front().disconnect();
  clients.front().options().connect.client_id = *ids.begin();
  clients.front().options().connect.clean = false;
  CHECK(clients.front().connect().session_present);
}

TEST_CASE("what CONNACK leaves out is there: QoS 2, retained messages, wildcards, shared subscriptions, identifiers") {
  COVERS("U-34", "U-17", "MQTT5-3.2.2-10");
  Client client = client_of(broker(), 5);
  Packet connack = client.connect();
  CHECK(!connack.properties.has(prop::maximum_qos));  // 2 is said by silence only
  CHECK(!connack.properties.has(prop::retain_available));
  CHECK(!connack.properties.has(prop::wildcard_available));
  CHECK(!connack.properties.has(prop::subscription_id_available));
  CHECK(!connack.properties.has(prop::shared_available));
  std::string topic = unique("offered/");
  std::string shared = "$share/offered/" + topic;
  CHECK(client.subscribe({{topic + "/+", 2}, {shared, 1}, {topic, 0}}, Properties().number(prop::subscription_id, 9)) ==
        std::vector<uint8_t>{2, 1, 0});
  CHECK(client.publish(topic + "/a", "x", 2, true) == 0);
  Packet message = client.receive();
  CHECK(message.qos() == 2);
  CHECK(message.properties.number(prop::subscription_id) == 9);
}

TEST_CASE("MQTT5-3.1.2-28: no Response Information for a client that asked for none") {
  for (std::optional<uint32_t> asked : {std::optional<uint32_t>{}, std::optional<uint32_t>{0}}) {
    Client client = client_of(broker(), 5);
    if (asked) client.options().connect.properties.number(prop::request_response_info, *asked);
    CHECK(!client.connect().properties.has(prop::response_information));
  }
}

TEST_CASE("Response Information: a client that asks is told where its answers may go, if its id fits into a topic") {
  for (const char* id : {"plain", "with/level", "with#", "a+b"}) {
    CAPTURE(id);
    Client client = client_of(broker(), 5, unique(id));
    client.options().connect.properties.number(prop::request_response_info, 1);
    const Packet connack = client.connect();
    const std::string topic = "replies/" + client.options().connect.client_id;
    const bool fits = topic.find_first_of("+#") == std::string::npos;
    CHECK(connack.properties.has(prop::response_information) == fits);
    if (!fits) continue;
    CHECK(connack.properties.text(prop::response_information) == topic);
    client.subscribe(topic, 1);
    CHECK(client.publish(topic, "answer", 1) == 0);
    CHECK(client.receive().payload == "answer");
  }
}

TEST_CASE("U-08: a CONNACK without a session expiry means that the client's own holds") {
  for (uint32_t expiry_s : {uint32_t{1}, uint32_t{100}, 0xFFFFFFFFU}) {
    CAPTURE(expiry_s);
    Client client = client_of(broker(), 5, unique("expiry"));
    client.options().connect.session_expiry_s = expiry_s;
    client.options().connect.clean = false;
    CHECK(!client.connect().properties.has(prop::session_expiry));
    client.disconnect();
    SteadyTime start = std::chrono::steady_clock::now();
    if (expiry_s == 1) {
      until([&] { return std::chrono::steady_clock::now() - start > Millis(1'500); }, "the expiry");
    }
    CHECK(client.connect().session_present == (expiry_s != 1));
    client.disconnect(0, Properties().number(prop::session_expiry, 0));
  }
}

TEST_CASE("MQTT5-3.1.2-24: a client that cannot take its CONNACK is refused, and a small one still fits") {
  Client tiny = client_of(broker(), 5, "");  // the id that it is given has 37 bytes
  tiny.options().connect.properties.number(prop::maximum_packet_size, 20);
  Packet connack = tiny.try_connect();
  CHECK(connack.code() == 0x95);
  tiny.expect_closed();
  Client fitting = client_of(broker(), 5);
  fitting.options().connect.properties.number(prop::maximum_packet_size, 20);
  CHECK(fitting.connect().code() == 0);
}

TEST_CASE(
    "MQTT5-3.1.2-24: a SUBACK or UNSUBACK that the client cannot take ends its connection with 0x95, and nothing is "
    "done") {
  const uint32_t max_packet_bytes = 30;
  const size_t fits = max_packet_bytes - 5;
  std::string topic = unique("listed/");
  auto filters = [&](size_t count) {
    std::vector<Filter> out;
    for (size_t i = 0; i < count; ++i) out.push_back({topic + "/" + std::to_string(i), 1});
    return out;
  };
  auto names = [&](size_t count) {
    std::vector<std::string> out;
    for (const Filter& filter : filters(count)) out.push_back(filter.filter);
    return out;
  };
  Client client = client_of(broker(), 5, unique("listed"));
  make_durable(client);
  client.options().connect.properties.number(prop::maximum_packet_size, max_packet_bytes);
  client.connect();
  CHECK(client.subscribe(filters(fits)).size() == fits);
  CHECK(client.unsubscribe(names(fits)).size() == fits);
  client.send(encode_subscribe(7, filters(fits + 1), 5) + encode_pingreq());
  CHECK(closed_with(client) == 0x95);
  CHECK(client.connect().session_present);
  CHECK(client.unsubscribe(names(1)) == std::vector<uint8_t>{0x11});  // no subscription existed
  CHECK(client.subscribe(filters(1)) == std::vector<uint8_t>{1});
  client.send(encode_unsubscribe(8, names(fits + 1), 5));
  CHECK(closed_with(client) == 0x95);
  client.connect();
  CHECK(client.unsubscribe(names(1)) == std::vector<uint8_t>{0});
}
