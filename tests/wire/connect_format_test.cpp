// The form of CONNECT, field by field: what is refused, and that a refusal does nothing.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t v4 = 4;
constexpr uint8_t v5 = 5;

// Connect flags.
constexpr uint8_t reserved = 0x01;
constexpr uint8_t clean = 0x02;
constexpr uint8_t will = 0x04;
constexpr uint8_t will_qos3 = 0x18;
constexpr uint8_t will_retain = 0x20;
constexpr uint8_t password = 0x40;
constexpr uint8_t user = 0x80;

const std::string no_properties(1, '\0');

std::string connect_bytes(const std::string& name, uint8_t level, uint8_t flags, const std::string& rest,
                          uint8_t header_flags = 0) {
  return frame(Type::connect, header_flags,
               text(name) + static_cast<char>(level) + static_cast<char>(flags) + u16(60) + rest);
}

// `payload` stands behind the properties, which only MQTT 5 has.
std::string connect_bytes(uint8_t version, uint8_t flags, const std::string& payload) {
  return connect_bytes("MQTT", version, flags, (version == v5 ? no_properties : "") + payload);
}

Client sent(uint8_t version, const std::string& bytes) {
  Client client = client_of(broker(), version);
  client.open();
  client.send(bytes);
  return client;
}

// 3.x: closed without a word. 5: a CONNACK says why first, and no DISCONNECT follows (T-36).
void check_refused(uint8_t version, const std::string& bytes, uint8_t code = 0) {
  Client client = sent(version, bytes);
  std::vector<Packet> answer = client.expect_closed();
  REQUIRE(answer.size() == (version == v5 ? 1 : 0));
  for (const Packet& packet : answer) {
    CHECK(packet.type == Type::connack);
    CHECK(packet.code() >= 0x80);
    CHECK(packet.code() != 0x95);
    if (code != 0) CHECK(packet.code() == code);
  }
}

void check_accepted(uint8_t version, const std::string& bytes) {
  Client client = sent(version, bytes);
  CHECK(client.expect(Type::connack).code() == 0);
  client.ping();
}

struct Bad {
  const char* what;
  uint8_t flags;
  std::string payload;
};

std::string with_nul() {
  return {"a\0b", 3};
}

const std::string not_utf8[] = {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", with_nul()};

}  // namespace

TEST_CASE("a CONNECT whose flags and fields do not agree is refused") {
  COVERS("MQTT5-3.1.2-3", "MQTT5-3.1.2-9", "MQTT5-3.1.2-11", "MQTT5-3.1.2-12", "MQTT5-3.1.2-13", "MQTT5-3.1.2-16");
  COVERS("MQTT5-3.1.2-17", "MQTT5-3.1.2-18", "MQTT5-3.1.2-19", "MQTT5-3.1.3-3", "MQTT5-3.1.4-1", "MQTT311-3.1.4-1");
  COVERS("MQTT311-3.1.2-11", "T-35", "T-36");
  const std::string id = text("form");
  for (uint8_t version : {v4, v5}) {
    const std::string will_properties = version == v5 ? no_properties : "";
    const std::string whole_will = will_properties + text("topic") + text("payload");
    check_accepted(version, connect_bytes(version, clean, id));
    check_accepted(version, connect_bytes(version, clean | will, id + whole_will));
    const Bad all[] = {
        {"reserved flag", clean | reserved, id},
        {"no client id", clean, ""},
        {"client id cut short", clean, u16(5) + "form"},
        {"a will that is not there", clean | will, id},
        {"a will without a payload", clean | will, id + will_properties + text("topic")},
        {"will QoS 3", clean | will | will_qos3, id + whole_will},
        {"will QoS without a will", clean | 0x08, id},
        {"will QoS 3 without a will", clean | will_qos3, id},
        {"will retain without a will", clean | will_retain, id},
        {"a will without its flag", clean, id + whole_will},
        {"a user name without its flag", clean, id + text("u")},
        {"a user name that is not there", clean | user, id},
        {"a password without its flag", clean | user, id + text("u") + text("p")},
        {"a password that is not there", clean | user | password, id + text("u")},
    };
    for (const Bad& bad : all) {
      CAPTURE(version);
      CAPTURE(bad.what);
      check_refused(version, connect_bytes(version, bad.flags, bad.payload), 0x81);
    }
  }
  check_refused(v5, connect_bytes(v5, clean | will, id + text("topic") + text("payload")));  // no will properties
  check_serves(broker());
}

TEST_CASE("strings of a CONNECT that are no UTF-8, or hold a NUL, are refused") {
  COVERS("MQTT5-3.1.3-4", "MQTT5-3.1.3-11", "MQTT5-3.1.3-12", "MQTT5-1.5.4-2");
  const std::string id = text("form");
  for (uint8_t version : {v4, v5}) {
    const std::string will_properties = version == v5 ? no_properties : "";
    for (const std::string& bad : not_utf8) {
      CAPTURE(version);
      CAPTURE(bad);
      check_refused(version, connect_bytes(version, clean, text(bad)));
      check_refused(version, connect_bytes(version, clean | will, id + will_properties + text(bad) + text("payload")));
      check_refused(version, connect_bytes(version, clean | user, id + text(bad)));
    }
    for (const char* topic : {"", "a/+", "#"}) {
      CAPTURE(topic);
      check_refused(version,
                    connect_bytes(version, clean | will, id + will_properties + text(topic) + text("payload")));
    }
    // A password is binary.
    check_accepted(version, connect_bytes(version, clean | user | password, id + text("u") + text(not_utf8[0])));
  }
}

TEST_CASE("MQTT311-3.1.2-22, T-44: a password without a user name is for MQTT 5 only") {
  const std::string payload = text("form") + text("secret");
  check_accepted(v5, connect_bytes(v5, clean | password, payload));
  check_refused(v4, connect_bytes(v4, clean | password, payload));
  Client client = client_of(broker(), v5, "");
  client.options().connect.clean = false;
  CHECK(client.connect().properties.has(prop::assigned_client_id));
}

TEST_CASE("MQTT5-3.1.3-1: client id, will, user name and password are read in this order") {
  for (uint8_t version : {v4, v5}) {
    CAPTURE(version);
    std::string topic = unique("ordered/");
    std::string id = unique("ordered");
    Client watcher = connected(v5);
    watcher.subscribe(topic, 0);
    std::string will_properties = version == v5 ? encode_properties(Properties().user("k", "v")) : "";
    Client client = sent(version, connect_bytes(version, clean | will | user | password,
                                                text(id) + will_properties + text(topic) + text("the will") +
                                                    text("a user") + text("a password")));
    client.expect(Type::connack);
    Client twin = connected(version, id);  // the client id is the first of them: taken over
    client.expect_closed();
    Packet message = watcher.receive();
    CHECK(message.topic == topic);
    CHECK(message.payload == "the will");
  }
}

TEST_CASE("MQTT5-3.1.3-5, U-42: ids of 1 to 23 letters and digits are accepted, and longer ones") {
  const std::string alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (uint8_t version : all_versions) {
    for (size_t at = 0; at < alphabet.size(); at += 10) {
      for (size_t size : {size_t{1}, size_t{10}, size_t{23}, size_t{30}}) {
        CAPTURE(version);
        std::string id = (alphabet + alphabet).substr(at, size);
        CAPTURE(id);
        Client client = client_of(broker(), version, id);
        Packet connack = client.connect();
        CHECK(!connack.properties.has(prop::assigned_client_id));
        client.disconnect();
      }
    }
  }
}

TEST_CASE("U-42, MQTT311-3.1.2-1: MQIsdp with level 3, MQTT with 4 and 5, and nothing else") {
  check_accepted(3, connect_bytes("MQIsdp", 3, clean, text("old")));
  check_accepted(3, connect_bytes("MQIsdp", 0x83, clean, text("old")));  // Mosquitto's bridges
  check_accepted(v4, connect_bytes("MQTT", 0x84, clean, text("bridge")));
  struct Case {
    const char* name;
    uint8_t level;
  };
  const Case cases[] = {{"MQTX", 4}, {"mqtt", 4}, {"MQTT", 3}, {"MQIsdp", 4}, {"MQIsdp", 5}, {"", 4}, {"HTTP", 5}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.level);
    const bool new_form = c.level >= 5;
    Client client = sent(new_form ? v5 : v4, connect_bytes(c.name, c.level, clean, text("x")));
    std::vector<Packet> answer = client.expect_closed();
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].code() == (new_form ? 0x84 : 0x01));
  }
}

TEST_CASE("properties of a CONNECT that have a value they must not have are refused") {
  COVERS("U-03", "U-04", "U-05", "U-06", "T-56");
  auto with = [](const std::string& properties) {
    return connect_bytes("MQTT", v5, clean, properties + text("property"));
  };
  check_accepted(v5, with(encode_properties(Properties()
                                                .number(prop::receive_maximum, 1)
                                                .number(prop::maximum_packet_size, 100)
                                                .number(prop::request_problem_info, 1)
                                                .number(prop::request_response_info, 1))));
  const Properties bad[] = {
      Properties().number(prop::receive_maximum, 0),      Properties().number(prop::maximum_packet_size, 0),
      Properties().number(prop::request_problem_info, 2), Properties().number(prop::request_response_info, 2),
      Properties().text(prop::auth_data, "data"),         Properties().number(prop::topic_alias, 1),
  };
  for (const Properties& properties : bad) {
    CAPTURE(int{properties.all().front().id});
    check_refused(v5, with(encode_properties(properties)));
  }
  check_refused(v5, connect_bytes("MQTT", v5, clean, text("property")));  // no property length
  check_refused(v5, with("\x7F"));                                        // longer than the packet
}

TEST_CASE(
    "MQTT5-4.13.1-1, MQTT5-3.1.4-1: the CONNACK to a malformed 5.0 CONNECT says why, in words where the client takes "
    "them") {
  auto with = [](const Properties& properties, const std::string& id) {
    return sent(v5, connect_bytes("MQTT", v5, clean, encode_properties(properties) + id));
  };
  struct Case {
    Properties properties;
    std::string id;
    uint8_t code;
    bool in_words;
  };
  const Case cases[] = {
      {Properties(), text("\xFF"), 0x81, true},
      {Properties().number(prop::maximum_packet_size, 20), text("\xFF"), 0x81, false},
      {Properties().number(prop::maximum_packet_size, 200), text("\xFF"), 0x81, true},
      // What it takes is not known as long as the properties cannot be read.
      {Properties().number(prop::receive_maximum, 0), text("id"), 0x82, false},
      {Properties().number(prop::session_expiry, 1).number(prop::session_expiry, 1), text("id"), 0x82, false},
      {Properties().number(prop::topic_alias, 1), text("id"), 0x81, false},
  };
  for (size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(i);
    Client client = with(cases[i].properties, cases[i].id);
    std::vector<Packet> answer = client.expect_closed();
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].type == Type::connack);
    CHECK(!answer[0].session_present);
    CHECK(answer[0].code() == cases[i].code);
    CHECK(answer[0].properties.has(prop::reason_string) == cases[i].in_words);
  }
}

TEST_CASE("T-33, MQTT5-2.1.3-1: a CONNECT with flags in its fixed header is refused") {
  for (uint8_t flags = 1; flags < 16; ++flags) {
    CAPTURE(int{flags});
    check_refused(v4, connect_bytes("MQTT", v4, clean, text("flags"), flags));
  }
}

TEST_CASE("T-34: what comes before a CONNECT is not kept: one of a megabyte is refused at its length") {
  Client client = client_of(broker(), v4);
  client.open();
  client.send("\x10" + varint(1'000'000));
  CHECK(client.expect_closed().empty());
}

TEST_CASE("MQTT5-3.1.4-4: a CONNECT that is refused ends no session and no connection") {
  for (uint8_t version : {v4, v5}) {
    CAPTURE(version);
    std::string id = unique("kept");
    Client client = connected_durable(version, id);
    client.subscribe("kept", 1);
    check_refused(version, connect_bytes(version, clean, text(id) + "left over"));
    client.ping();
    client.disconnect();
    CHECK(client.connect().session_present);
  }
}

TEST_CASE("a CONNACK that refuses says no session, and nothing behind the CONNECT is done") {
  COVERS("MQTT5-3.1.3-8", "MQTT5-3.1.4-6", "MQTT5-3.2.2-6", "MQTT5-3.2.2-7", "MQTT5-4.13.2-1");
  COVERS("MQTT311-3.1.3-7", "MQTT311-3.1.3-9", "MQTT311-3.1.4-5", "MQTT311-3.2.2-5");
  std::string topic = unique("refused/");
  Client watcher = connected(v5);
  watcher.subscribe(topic, 1);
  Client late = connected(v5);
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Connect connect;
    connect.version = version;
    connect.clean = version == v5;
    if (version == v5) connect.client_id = std::string(60'000, 'i');  // more than any broker must accept
    Client client =
        sent(version, encode_connect(connect) + encode_publish(message_to(topic, "behind a refusal", 0), version) +
                          encode_subscribe(1, {{topic, 1}}, version) + encode_pingreq());
    std::vector<Packet> answer = client.expect_closed();
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].type == Type::connack);
    CHECK(answer[0].code() == (version == v5 ? 0x85 : 0x02));
    CHECK(!answer[0].session_present);
    late.publish(topic, "later", 1);
    CHECK(watcher.receive().payload == "later");
  }
}
