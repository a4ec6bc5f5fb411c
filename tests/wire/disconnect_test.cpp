// DISCONNECT both ways, and what becomes of the session and the will.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

Client with_will(uint8_t version, const std::string& topic) {
  Client client = client_of(broker(), version, unique("leaver"));
  Will will;
  will.topic = topic;
  will.payload = "gone";
  client.options().connect.will = will;
  return client;
}

// Only what was sent before the marker may have come.
void check_no_will(Client& watcher, const std::string& topic) {
  Client other = connected(4);
  other.publish(topic, "marker", 1);
  CHECK(watcher.receive().payload == "marker");
}

}  // namespace

TEST_CASE("U-19, T-32: a DISCONNECT may stop before its code, before its properties, or have both") {
  const std::string bodies[] = {"", std::string(1, '\0'), std::string(2, '\0'),
                                '\0' + encode_properties(Properties().text(prop::reason_string, "bye").user("a", "b"))};
  std::string topic = unique("bye/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  for (const std::string& body : bodies) {
    CAPTURE(body.size());
    Client client = with_will(5, topic);
    client.connect();
    client.send(frame(Type::disconnect, 0, body));
    CHECK(client.expect_closed().empty());
    check_no_will(watcher, topic);
  }
  Client client = with_will(5, topic);
  client.connect();
  client.send(frame(Type::disconnect, 0, "\x04"));
  CHECK(client.expect_closed().empty());
  CHECK(watcher.receive().payload == "gone");
}

TEST_CASE("a DISCONNECT that is malformed ends the connection with its will") {
  COVERS("MQTT5-3.14.1-1", "MQTT5-3.14.2-1", "T-31");
  std::string topic = unique("broken/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    for (uint8_t flags = 1; flags < 16; ++flags) {
      CAPTURE(version);
      CAPTURE(int{flags});
      Client client = with_will(version, topic);
      client.connect();
      client.send(frame(Type::disconnect, flags, ""));
      CHECK(closed_with(client) == (version == 5 ? 0x81 : 0));
      CHECK(watcher.receive().payload == "gone");
    }
  }
  for (int code : {0x01, 0x03, 0x05, 0x8B, 0x8E, 0x9C, 0xFF}) {  // no code, or a server's
    CAPTURE(code);
    Client client = with_will(5, topic);
    client.connect();
    client.send(frame(Type::disconnect, 0, std::string(1, static_cast<char>(code))));
    CHECK(closed_with(client) == 0x82);
    CHECK(watcher.receive().payload == "gone");
  }
}

TEST_CASE("MQTT5-3.14.0-1: no DISCONNECT before a CONNACK, and never one for a 3.x client") {
  const std::string firsts[] = {encode_publish(message_to("a", "x", 1), 5), encode_pingreq(),
                                encode_subscribe(1, {{"a", 0}}, 5), std::string("\x30\x80\x00", 3),
                                std::string("\x00\x00", 2)};
  for (const std::string& first : firsts) {
    Client client = client_of(broker(), 5);
    client.open();
    client.send(first);
    CHECK(client.expect_closed().empty());
  }
  for (uint8_t version : {uint8_t{3}, uint8_t{4}}) {
    CAPTURE(version);
    std::string id = unique("old");
    Client taken_over = connected(version, id);
    Client newer = connected(version, id);
    CHECK(taken_over.expect_closed().empty());
    newer.send(frame(Type::publish, 6, text("t") + u16(1)));
    CHECK(newer.expect_closed().empty());
  }
}

TEST_CASE("MQTT5-3.14.4-1, -2: after DISCONNECT neither side is heard any more") {
  COVERS("MQTT5-3.14.4-2");
  std::string topic = unique("after/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    client.send(encode_disconnect(version) + encode_publish(message_to(topic, "too late", 0), version) +
                encode_pingreq());
    CHECK(client.expect_closed().empty());
    check_no_will(watcher, topic);
    // The broker's: nothing is done that came behind the fault, and nothing follows the DISCONNECT.
    Client faulty = connected(version);
    faulty.send(frame(Type::publish, 6, text("t") + u16(1)) +
                encode_publish(message_to(topic, "too late", 0), version) + encode_pingreq() + encode_pingreq());
    CHECK(faulty.expect_closed().size() == (version == 5 ? 1 : 0));
    Client again = connected(version);
    again.send(encode_pingreq() + encode_connect(again.options().connect) + encode_pingreq() +
               encode_publish(message_to(topic, "too late", 0), version));
    std::vector<Packet> answer = again.expect_closed();
    REQUIRE(!answer.empty());
    CHECK(answer.size() == (version == 5 ? 2 : 1));
    CHECK(answer.front().type == Type::pingresp);
    check_no_will(watcher, topic);
  }
}

TEST_CASE("T-30, U-09: DISCONNECT changes the session's expiry, but not from nothing to something") {
  std::string topic = unique("expiry/");
  Client watcher = connected(5);
  watcher.subscribe(topic, 1);
  Client client = with_will(5, topic);
  client.options().connect.clean = false;
  auto connect_with = [&](std::optional<uint32_t> expiry_s) {
    client.options().connect.session_expiry_s = expiry_s;
    return client.connect().session_present;
  };
  CHECK(!connect_with(100));
  client.disconnect();  // absent: CONNECT's holds
  CHECK(connect_with(100));
  client.disconnect(0, Properties().number(prop::session_expiry, 0));
  CHECK(!connect_with(100));
  client.disconnect(0, Properties().number(prop::session_expiry, 200));
  CHECK(connect_with({}));  // the session goes on; this CONNECT said 0, and that counts
  client.send(encode_disconnect(5, 0, Properties().number(prop::session_expiry, 100)));
  CHECK(closed_with(client) == 0x82);
  CHECK(watcher.receive().payload == "gone");
  CHECK(!connect_with(0));
  client.send(encode_disconnect(5, 0, Properties().number(prop::session_expiry, 0)));
  CHECK(client.expect_closed().empty());
  check_no_will(watcher, topic);
}

TEST_CASE("T-05, MQTT5-3.1.4-3: of two connections with one id the older one ends, told why, and one stays") {
  std::string id = unique("storm");
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(client_of(broker(), version, id));
      make_durable(clients.back());
      clients.back().connect();
    }
    for (int i = 0; i < 9; ++i) {
      std::vector<Packet> last = clients[static_cast<size_t>(i)].expect_closed();
      CHECK(last.size() == (version == 5 ? 1 : 0));
      for (const Packet& packet : last) CHECK(packet.code() == 0x8E);
    }
    clients.back().ping();
  }
}

TEST_CASE("T-43, MQTT5-3.2.2-22: without a server keep alive the client's own holds, for 1.5 times and not much more") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = client_of(broker(), version);
    client.options().connect.keepalive_s = 2;
    CHECK(!client.connect().properties.has(prop::server_keepalive));
    SteadyTime silent_from = std::chrono::steady_clock::now();
    CHECK(closed_with(client) == (version == 5 ? 0x8D : 0));
    Millis waited = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - silent_from);
    CHECK(waited >= Millis(2'950));
    CHECK(waited < scaled(Millis(3'900)));
  }
}

TEST_CASE("U-27: the will of a client that was connected when the broker stopped goes out after its start") {
  Folder folder("wire-will");
  NodeOptions options;
  options.name = "stopped";
  options.port = free_port();
  Node node(folder, options);
  node.start();
  Client watcher = client_of(node, 5, "watcher");
  make_durable(watcher);
  connect_any(watcher, {node.endpoint()}, scaled(Millis(10'000)));
  watcher.subscribe("will", 1);
  Client client = client_of(node, 5, "mortal");
  Will will;
  will.topic = "will";
  will.payload = "gone";
  will.qos = 1;
  client.options().connect.will = will;
  client.options().connect.keepalive_s = 1;
  client.connect();
  CHECK(node.stop() == 0);
  node.start();
  connect_any(watcher, {node.endpoint()}, scaled(Millis(10'000)));
  CHECK(watcher.receive(scaled(Millis(10'000))).payload == "gone");
}
