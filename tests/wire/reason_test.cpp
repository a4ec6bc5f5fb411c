// Reason strings (MQTT 5): why something is refused, in words, for those who want to know and have room for it.
#include <doctest/doctest.h>

#include <functional>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

struct Refusal {
  const char* what;
  uint8_t code;
  std::function<Packet(Client&)> provoke;  // of a client that is not yet connected
  bool acknowledgement = true;             // CONNACK and DISCONNECT may always say why (MQTT5-3.1.2-29)
};

Packet refused_publish(Client& client, uint8_t qos) {
  client.connect();
  for (uint32_t i = 0; i <= small::max_retained; ++i) {
    Publish publish = message_to("reason/" + std::to_string(i), "kept", qos);
    publish.retain = true;
    publish.pid = static_cast<uint16_t>(i + 1);
    client.send_publish(publish);
    Packet answer = client.expect(qos == 1 ? Type::puback : Type::pubrec);
    if (answer.code() >= 0x80) return answer;
    if (qos == 2) client.send_ack(Type::pubrel, publish.pid);
    if (qos == 2) client.expect(Type::pubcomp);
  }
  return {};
}

Packet answer_to(Client& client, const std::string& bytes) {
  client.connect();
  client.send(bytes);
  return client.read();
}

const Refusal refusals[] = {
    {"CONNACK", 0x85,
     [](Client& client) {
       client.options().connect.client_id = std::string(2'000, 'i');
       return client.try_connect();
     },
     false},
    {"PUBACK", 0x97, [](Client& client) { return refused_publish(client, 1); }},
    {"PUBREC", 0x97, [](Client& client) { return refused_publish(client, 2); }},
    {"PUBREL", 0x92, [](Client& client) { return answer_to(client, encode_ack(Type::pubrec, 9, 5)); }},
    {"PUBCOMP", 0x92, [](Client& client) { return answer_to(client, encode_ack(Type::pubrel, 9, 5)); }},
    {"SUBACK", 0x8F,
     [](Client& client) {
       return answer_to(client, encode_subscribe(1, {{"a#", 1}}, 5));
     }},
    {"DISCONNECT", 0x81, [](Client& client) { return answer_to(client, frame(Type::pubrel, 0, u16(1))); }, false},
    {"DISCONNECT of the broker's own", 0x82,
     [](Client& client) { return answer_to(client, encode_connect(client.options().connect)); }, false},
};

Packet provoked(const Refusal& refusal, const Properties& connect_properties) {
  Client client = client_of(small_broker(), 5);
  client.options().connect.properties = connect_properties;
  Packet answer = refusal.provoke(client);
  CHECK(answer.code() == refusal.code);
  return answer;
}

std::string why(const Packet& packet) {
  return packet.properties.text(prop::reason_string).value_or("");
}

void remove_retained() {
  Client client = client_of(small_broker(), 5);
  client.connect();
  for (uint32_t i = 0; i <= small::max_retained; ++i) client.publish("reason/" + std::to_string(i), "", 1, true);
}

}  // namespace

TEST_CASE("what is refused is refused with a reason in words, what succeeds says nothing") {
  for (const Refusal& refusal : refusals) {
    CAPTURE(refusal.what);
    CHECK(why(provoked(refusal, {})) != "");
    CHECK(why(provoked(refusal, Properties().number(prop::request_problem_info, 1))) != "");
  }
  Client client = client_of(small_broker(), 5);
  CHECK(why(client.connect()) == "");
  client.send(encode_subscribe(1, {{"a", 1}}, 5));
  CHECK(client.expect(Type::suback).properties.empty());
  client.send(encode_unsubscribe(2, {"a", "b"}, 5));
  CHECK(client.expect(Type::unsuback).properties.empty());
  remove_retained();
}

TEST_CASE("MQTT5-3.1.2-29: a client that wants no problem information gets no reason strings in acknowledgements") {
  for (const Refusal& refusal : refusals) {
    CAPTURE(refusal.what);
    Packet answer = provoked(refusal, Properties().number(prop::request_problem_info, 0));
    if (refusal.acknowledgement) CHECK(answer.properties.empty());
  }
  remove_retained();
}

// The test's client ends at a packet beyond its maximum.
TEST_CASE("T-16: a reason string or user property is left out if the packet would be larger than the client takes") {
  COVERS("MQTT5-3.2.2-19", "MQTT5-3.4.2-2", "MQTT5-3.5.2-2", "MQTT5-3.6.2-2", "MQTT5-3.7.2-2", "MQTT5-3.9.2-1");
  COVERS("MQTT5-3.14.2-3", "MQTT5-3.2.2-20", "MQTT5-3.4.2-3", "MQTT5-3.5.2-3", "MQTT5-3.6.2-3", "MQTT5-3.7.2-3");
  COVERS("MQTT5-3.9.2-2", "MQTT5-3.14.2-4", "MQTT5-3.11.2-1", "MQTT5-3.11.2-2");
  for (const Refusal& refusal : refusals) {
    CAPTURE(refusal.what);
    auto at_most = [](size_t bytes) {
      return Properties().number(prop::maximum_packet_size, static_cast<uint32_t>(bytes));
    };
    Packet whole = provoked(refusal, {});
    CHECK(why(provoked(refusal, at_most(whole.size))) == why(whole));
    CHECK(provoked(refusal, at_most(whole.size - 1)).properties.empty());
    CHECK(provoked(refusal, at_most(20)).properties.empty());
  }
  Client client = client_of(small_broker(), 5);
  client.options().connect.properties.number(prop::maximum_packet_size, 20);
  client.connect();
  CHECK(client.unsubscribe({"never", "a/#/b"}) == std::vector<uint8_t>{0x11, 0x11});
  remove_retained();
}
