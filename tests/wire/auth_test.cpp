// Enhanced authentication, before the CONNACK and on a live connection, with the method WORDS (words_broker.cpp).
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t success = 0x00;
constexpr uint8_t more = 0x18;
constexpr uint8_t anew = 0x19;
constexpr uint8_t malformed = 0x81;
constexpr uint8_t protocol_error = 0x82;
constexpr uint8_t bad_name_or_password = 0x86;
constexpr uint8_t not_authorized = 0x87;
constexpr uint8_t bad_method = 0x8C;
constexpr uint8_t too_large = 0x95;

Properties words(const std::string& data, const std::string& method = "WORDS") {
  return Properties().text(prop::auth_method, method).text(prop::auth_data, data);
}

// A client that is about to send its CONNECT with `name` as the first word.
Client named(const std::string& name, const std::string& id = unique("auth")) {
  Client client = client_of(words_broker(), 5, id);
  client.options().connect.properties = words(name);
  return client;
}

std::string connect_bytes(const Client& client) {
  return encode_connect(client.options().connect);
}

void check_auth(const Packet& packet, uint8_t code, const std::string& data) {
  CHECK(packet.type == Type::auth);
  CHECK(packet.code() == code);
  CHECK(packet.properties.text(prop::auth_method) == "WORDS");
  CHECK(packet.properties.text(prop::auth_data) == data);
  CHECK(!packet.properties.has(prop::reason_string));
  CHECK(!packet.properties.has(prop::user_property));
}

// Asked who it is, and no further.
void begin(Client& client, const std::string& name) {
  client.open();
  client.send(connect_bytes(client));
  check_auth(client.read(), more, "who is " + name);
}

Client authenticated(const std::string& name, const std::string& id = unique("auth")) {
  Client client = named(name, id);
  begin(client, name);
  client.send(encode_auth(more, words("I am " + name)));
  CHECK(client.expect(Type::connack).code() == success);
  return client;
}

// The only answer is a CONNACK.
uint8_t refused_with(Client& client) {
  std::vector<Packet> answer = client.expect_closed();
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].type == Type::connack);
  CHECK(!answer[0].session_present);
  return answer[0].code();
}

// The only answer is a DISCONNECT: no CONNACK.
uint8_t ended_with(Client& client) {
  std::vector<Packet> answer = client.expect_closed();
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].type == Type::disconnect);
  return answer[0].code();
}

}  // namespace

TEST_CASE("a client proves in several steps who it is, and is connected") {
  COVERS("MQTT5-4.12.0-2", "MQTT5-4.12.0-5", "MQTT5-3.15.2-1", "MQTT5-3.15.1-1");
  Client client = named("ann");
  begin(client, "ann");
  client.send(encode_auth(more, words("I am ann")));
  Packet connack = client.expect(Type::connack);
  CHECK(connack.code() == success);
  CHECK(connack.properties.text(prop::auth_method) == "WORDS");
  CHECK(connack.properties.text(prop::auth_data) == "welcome ann");
  CHECK(connack.properties.has(prop::receive_maximum));
  std::string topic = unique("auth/");
  client.subscribe(topic, 1);
  CHECK(client.publish(topic, "hello", 1) == success);
  CHECK(client.receive().payload == "hello");
}

TEST_CASE("one step may be enough, and all steps may come in one piece, cut anywhere") {
  Client direct = named("direct");
  Packet connack = direct.connect();
  CHECK(connack.properties.text(prop::auth_data) == "welcome direct");
  Client at_once = named("ann");
  const std::string bytes = connect_bytes(at_once) + encode_auth(more, words("I am ann")) + encode_pingreq();
  for (size_t cut = 0; cut < bytes.size(); cut += 7) {
    CAPTURE(cut);
    at_once.open();
    at_once.send(bytes.substr(0, cut));
    at_once.send(bytes.substr(cut));
    check_auth(at_once.read(), more, "who is ann");
    CHECK(at_once.expect(Type::connack).code() == success);
    at_once.expect(Type::pingresp);
  }
}

TEST_CASE("the CONNECT that waits is the one that is carried out: its will, session and limits") {
  std::string topic = unique("auth/");
  Client watcher = authenticated("watcher");
  watcher.subscribe(topic, 1);
  Client client = named("ann");
  make_durable(client);
  Will will;
  will.topic = topic;
  will.payload = "the will";
  will.qos = 1;
  will.properties.user("k", "v").text(prop::content_type, "text");
  client.options().connect.will = will;
  client.options().connect.properties.number(prop::maximum_packet_size, 200);
  for (bool present : {false, true}) {
    begin(client, "ann");
    client.send(encode_auth(more, words("I am ann")));
    CHECK(client.expect(Type::connack).session_present == present);
    client.subscribe(topic + "/own", 1);
    watcher.publish(topic + "/own", std::string(300, 'x'), 1);
    watcher.publish(topic + "/own", "small", 1);
    CHECK(client.receive().payload == "small");
    client.abort();
    Packet message = watcher.receive();
    CHECK(message.payload == "the will");
    CHECK(message.properties.users() == std::vector<std::pair<std::string, std::string>>{{"k", "v"}});
  }
}

TEST_CASE(
    "MQTT5-4.12.0-1: a method that is not known is refused with 0x8C, where there is any and where there is none") {
  for (const Node* node : {&words_broker(), &broker()}) {
    Client client = client_of(*node, 5);
    client.options().connect.properties = words("ann", node == &broker() ? "WORDS" : "words");
    client.open();
    client.send(connect_bytes(client) + encode_auth(more, words("I am ann")) + encode_pingreq());
    CHECK(refused_with(client) == bad_method);
  }
}

TEST_CASE(
    "MQTT5-4.12.0-4: who fails is refused with the method's reason; until then nothing has happened to its session") {
  COVERS("MQTT5-3.1.4-6");
  std::string id = unique("auth");
  Client present = authenticated("ann", id);
  present.subscribe("kept", 1);
  Client client = named("ann", id);
  begin(client, "ann");
  present.ping();
  client.send(encode_auth(more, words("I am bob")) + encode_publish(message_to("kept", "no", 0), 5));
  CHECK(refused_with(client) == bad_name_or_password);
  present.expect_quiet_until_pingresp();
  Client nameless = named("");
  nameless.options().connect.properties = Properties().text(prop::auth_method, "WORDS");
  nameless.open();
  nameless.send(connect_bytes(nameless));
  CHECK(refused_with(nameless) == not_authorized);
}

TEST_CASE("until the CONNACK a client that authenticates may send AUTH with 0x18 and its method, and DISCONNECT") {
  COVERS("MQTT5-3.1.2-30", "MQTT5-4.12.0-3", "MQTT5-4.12.0-5", "MQTT5-3.15.1-1", "MQTT5-3.15.2-1", "U-20");
  struct Bad {
    const char* what;
    std::string bytes;
    uint8_t code;
  };
  const std::string body = std::string("\x18") + encode_properties(words("I am ann"));
  const Bad all[] = {
      {"PUBLISH", encode_publish(message_to("early", "x", 0), 5), protocol_error},
      {"SUBSCRIBE", encode_subscribe(1, {{"early", 0}}, 5), protocol_error},
      {"PINGREQ", encode_pingreq(), protocol_error},
      {"a second CONNECT", encode_connect(named("ann").options().connect), protocol_error},
      {"AUTH with another method", encode_auth(more, words("I am ann", "OTHER")), protocol_error},
      {"AUTH to authenticate anew", encode_auth(anew, words("I am ann")), protocol_error},
      {"AUTH that says success", encode_auth(success, words("I am ann")), protocol_error},
      {"AUTH of length 0, which says success", frame(Type::auth, 0, ""), protocol_error},
      {"AUTH with an unknown code", encode_auth(0x17, words("I am ann")), protocol_error},
      {"AUTH without a method", encode_auth(more, {}), protocol_error},
      {"AUTH with data only", encode_auth(more, Properties().text(prop::auth_data, "I am ann")), protocol_error},
      {"AUTH with flags", frame(Type::auth, 1, body), malformed},
      {"AUTH of one byte", frame(Type::auth, 0, "\x18"), malformed},
  };
  for (const Bad& bad : all) {
    CAPTURE(bad.what);
    Client client = named("ann");
    begin(client, "ann");
    client.send(bad.bytes + encode_auth(more, words("I am ann")));
    CHECK(refused_with(client) == bad.code);
  }
  Client leaving = named("ann");
  begin(leaving, "ann");
  leaving.send(encode_disconnect(5));
  CHECK(leaving.expect_closed().empty());
  check_serves(words_broker());
}

TEST_CASE("an exchange ends: by its number of steps, and with the connect timeout however busy it is") {
  Client client = named("endless");
  begin(client, "endless");
  const int steps_max = 16;
  for (int step = 2; step <= steps_max; ++step) {
    client.send(encode_auth(more, words("?")));
    check_auth(client.read(), more, "again");
  }
  client.send(encode_auth(more, words("?")));
  CHECK(refused_with(client) == not_authorized);
  begin(client, "endless");
  SteadyTime start = std::chrono::steady_clock::now();
  SteadyTime next = start;
  until(
      [&] {
        if (std::chrono::steady_clock::now() < next) return false;
        next += Millis(200);
        try {
          client.send(encode_auth(more, words("?")));
          client.read();
        } catch (const ClientError&) {
          return true;
        }
        return false;
      },
      "the connect timeout");
  Millis waited = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
  CHECK(waited >= words_connect_timeout - Millis(200));
  CHECK(waited < scaled(Millis(3'000)));
}

TEST_CASE("MQTT5-3.1.2-24: an AUTH that the client cannot take is not sent: it is refused with 0x95") {
  COVERS("MQTT5-3.15.2-2", "MQTT5-3.15.2-3");
  Client client = named("long");
  client.options().connect.properties.number(prop::maximum_packet_size, 2'000);
  client.open();
  client.send(connect_bytes(client));
  CHECK(refused_with(client) == too_large);
  client.options().connect.properties = words("long");
  client.open();
  client.send(connect_bytes(client));
  check_auth(client.read(), more, std::string(3'000, 'x'));
}

TEST_CASE("MQTT5-4.12.1-1: a connected client authenticates anew, and packets go on meanwhile") {
  Client client = authenticated("ann");
  std::string topic = unique("auth/");
  client.subscribe(topic, 1);
  for (int round = 0; round < 2; ++round) {
    client.send(encode_auth(anew, words("ann")));
    check_auth(client.read(), more, "who is ann");
    CHECK(client.publish(topic, "meanwhile", 1) == success);
    CHECK(client.receive().payload == "meanwhile");
    client.send(encode_auth(more, words("I am ann")));
    check_auth(client.read(), success, "welcome ann");
    client.ping();
  }
}

TEST_CASE("T-51, MQTT5-4.12.1-2: who fails to authenticate anew gets DISCONNECT 0x87 and no CONNACK; its will is due") {
  Client watcher = authenticated("watcher");
  std::string topic = unique("auth/");
  watcher.subscribe(topic, 1);
  auto with_will = [&] {
    Client client = named("ann");
    Will will;
    will.topic = topic;
    will.payload = "failed";
    client.options().connect.will = will;
    begin(client, "ann");
    client.send(encode_auth(more, words("I am ann")));
    CHECK(client.expect(Type::connack).code() == success);
    return client;
  };
  Client wrong = with_will();
  wrong.send(encode_auth(anew, words("ann")));
  check_auth(wrong.read(), more, "who is ann");
  wrong.send(encode_auth(more, words("I am bob")) + encode_pingreq());
  CHECK(ended_with(wrong) == not_authorized);
  CHECK(watcher.receive().payload == "failed");
  Client other = with_will();  // who proves to be somebody else does not keep this session
  other.send(encode_auth(anew, words("bob")));
  check_auth(other.read(), more, "who is bob");
  other.send(encode_auth(more, words("I am bob")));
  CHECK(ended_with(other) == not_authorized);
  CHECK(watcher.receive().payload == "failed");
}

TEST_CASE(
    "MQTT5-4.12.1-1, MQTT5-4.12.0-5: AUTH on a live connection begins with 0x19, goes on with 0x18, keeps the method") {
  COVERS("MQTT5-4.12.0-3", "U-20");
  const std::string begun = encode_auth(anew, words("ann"));
  const std::string bad[] = {encode_auth(more, words("I am ann")), encode_auth(anew, words("ann", "OTHER")),
                             frame(Type::auth, 0, ""), encode_connect(named("ann").options().connect)};
  for (size_t i = 0; i < std::size(bad); ++i) {
    CAPTURE(i);
    Client client = authenticated("ann");
    client.send(bad[i]);
    CHECK(ended_with(client) == protocol_error);
  }
  const std::string bad_later[] = {begun, encode_auth(more, words("I am ann", "OTHER"))};
  for (size_t i = 0; i < std::size(bad_later); ++i) {
    CAPTURE(i);
    Client client = authenticated("ann");
    client.send(begun);
    check_auth(client.read(), more, "who is ann");
    client.send(bad_later[i]);
    CHECK(ended_with(client) == protocol_error);
  }
}

TEST_CASE("MQTT5-4.12.0-6, MQTT5-4.12.0-7: without a method in CONNECT there is no AUTH, from neither side") {
  COVERS("U-20");
  for (const std::string& auth :
       {encode_auth(anew, words("ann")), encode_auth(more, words("I am ann")), frame(Type::auth, 0, "")}) {
    Client client = client_of(words_broker(), 5);
    Packet connack = client.connect();
    CHECK(!connack.properties.has(prop::auth_method));
    CHECK(!connack.properties.has(prop::auth_data));
    client.send(auth);
    CHECK(ended_with(client) == protocol_error);
  }
  for (uint8_t version : {uint8_t{3}, uint8_t{4}}) {  // a packet that these versions do not have
    Client client = client_of(words_broker(), version);
    client.connect();
    client.send(encode_auth(anew, words("ann")));
    CHECK(client.expect_closed().empty());
  }
}
