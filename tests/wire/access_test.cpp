// Users and access rules over the wire: answers to what is denied, $SYS, and SCRAM-SHA-256.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"
#include "tests/wire/scram_client.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t success = 0x00;
constexpr uint8_t no_subscribers = 0x10;
constexpr uint8_t more = 0x18;
constexpr uint8_t anew = 0x19;
constexpr uint8_t not_authorized = 0x87;
constexpr uint8_t bad_method = 0x8C;

const char* const rules =
    "topic read anon/#\n"
    "user bob\n"
    "topic readwrite bob/#\n"
    "topic deny bob/hole\n"
    "topic read $SYS/broker/uptime\n"
    "pattern write in/%u/%c\n";

// A broker with these rules and two users; anonymous clients may come in.
struct Ruled {
  Folder folder{"access"};
  Node node;

  Ruled() : node(folder, options()) {
    node.start();
    Client probe = client_of(node, 4, "probe");
    connect_any(probe, {node.endpoint()}, scaled(Millis(10'000)));
    REQUIRE(node.control({"user", "add", "bob"}, "secret\n").code == 0);
    REQUIRE(node.control({"user", "add", "ann"}, "other\n").code == 0);
    write_text_file(folder.file("acl"), rules);
    const Ran imported = node.control({"acl", "import", folder.file("acl")});
    REQUIRE_MESSAGE(imported.code == 0, imported.output);
  }
  static NodeOptions options() {
    NodeOptions made;
    made.name = "ruled";
    made.port = free_port();
    return made;
  }
  Client client(uint8_t version, const std::string& user, const std::string& password,
                const std::string& id = unique("c")) const {
    Client made = client_of(node, version, id);
    if (!user.empty()) {
      made.options().connect.username = user;
      made.options().connect.password = password;
    }
    made.connect();
    return made;
  }
};

Properties scram(const std::string& data) {
  return Properties().text(prop::auth_method, "SCRAM-SHA-256").text(prop::auth_data, data);
}

}  // namespace

TEST_CASE("what is denied: 5.0 is told, 3.x is acknowledged, nobody gets it; the connection stays") {
  COVERS("MQTT5-3.3.5-2", "MQTT311-3.3.5-2");
  Ruled ruled;
  Client reader = ruled.client(5, "bob", "secret");
  reader.subscribe("#", 1);
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client bob = ruled.client(version, "bob", "secret");
    for (uint8_t qos : {uint8_t{1}, uint8_t{2}}) {
      CHECK(bob.publish("other", "x", qos) == (version == 5 ? not_authorized : success));
      CHECK(bob.publish("bob/hole", "x", qos, true) == (version == 5 ? not_authorized : success));
    }
    bob.publish("other", "x", 0);
    bob.ping();
    bob.publish("bob/a", "yes", 1);
    CHECK(reader.receive().payload == "yes");
    const auto codes = bob.subscribe({{"bob/#", 1}, {"bob/hole", 1}, {"elsewhere/#", 0}, {"$SYS/#", 0}, {"+/a", 0}});
    const uint8_t refused = version == 5 ? not_authorized : 0x80;
    CHECK(codes == std::vector<uint8_t>{1, refused, refused, 0, 0});
    Client anonymous = ruled.client(version, "", "");
    CHECK(anonymous.subscribe({{"bob/#", 1}, {"anon/x", 1}}) == std::vector<uint8_t>{refused, 1});
    CHECK(anonymous.publish("anon/x", "x", 1) == (version == 5 ? not_authorized : success));
  }
  Client own = ruled.client(5, "ann", "other", "c7");
  CHECK(own.publish("in/ann/c7", "x", 1) == no_subscribers);
  CHECK(own.publish("in/ann/c8", "x", 1) == not_authorized);
  CHECK(own.publish("in/bob/c7", "x", 1) == not_authorized);
}

TEST_CASE("$SYS is read by whom a rule lets, at once and later") {
  Ruled ruled;
  Client bob = ruled.client(5, "bob", "secret");
  bob.subscribe("$SYS/#");
  CHECK(bob.receive().topic == "$SYS/broker/uptime");
  bob.expect_quiet_until_pingresp();
  Client ann = ruled.client(5, "ann", "other");
  CHECK(ann.subscribe({{"$SYS/broker/uptime", 0}}) == std::vector<uint8_t>{not_authorized});
}

TEST_CASE("SCRAM-SHA-256: each proves to the other that it knows the password, and once more on a live connection") {
  COVERS("MQTT5-4.12.0-1", "MQTT5-4.12.0-2", "MQTT5-4.12.0-5", "MQTT5-4.12.1-1");
  Ruled ruled;
  ScramClient proof("bob", "secret");
  Client bob = client_of(ruled.node, 5);
  bob.options().connect.properties = scram(proof.first());
  bob.open();
  bob.send(encode_connect(bob.options().connect));
  Packet packet = bob.expect(Type::auth);
  CHECK(packet.code() == more);
  bob.send(encode_auth(more, scram(proof.last(*packet.properties.text(prop::auth_data)))));
  packet = bob.expect(Type::connack);
  CHECK(packet.code() == success);
  CHECK(packet.properties.text(prop::auth_data) == proof.server_final());
  CHECK(bob.publish("bob/a", "x", 1) == no_subscribers);  // it is bob
  CHECK(bob.publish("other", "x", 1) == not_authorized);

  bob.send(encode_auth(anew, scram(proof.first())));
  packet = bob.expect(Type::auth);
  bob.send(encode_auth(more, scram(proof.last(*packet.properties.text(prop::auth_data)))));
  packet = bob.expect(Type::auth);
  CHECK(packet.code() == success);
  CHECK(packet.properties.text(prop::auth_data) == proof.server_final());

  for (const char* user : {"bob", "eve"}) {
    ScramClient wrong(user, "wrong");
    Client other = client_of(ruled.node, 5);
    other.options().connect.properties = scram(wrong.first());
    other.open();
    other.send(encode_connect(other.options().connect));
    other.send(encode_auth(more, scram(wrong.last(*other.expect(Type::auth).properties.text(prop::auth_data)))));
    const std::vector<Packet> answer = other.expect_closed();
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].code() == not_authorized);
  }
  Client odd = client_of(ruled.node, 5);
  odd.options().connect.properties = Properties().text(prop::auth_method, "PLAIN").text(prop::auth_data, "x");
  CHECK(odd.try_connect().code() == bad_method);
}

TEST_CASE("a will on a topic that its client may not publish to is refused with its CONNECT") {
  Ruled ruled;
  for (uint8_t version : all_versions) {
    Client bob = client_of(ruled.node, version);
    bob.options().connect.username = "bob";
    bob.options().connect.password = "secret";
    bob.options().connect.will = Will{};
    bob.options().connect.will->topic = "other";
    CHECK(bob.try_connect().code() == (version == 5 ? not_authorized : 5));
    bob.options().connect.will->topic = "bob/gone";
    CHECK(bob.try_connect().code() == success);
  }
}
