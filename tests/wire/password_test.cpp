// User names and passwords: security.password_file.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t bad_name_or_password = 0x86;
constexpr uint8_t not_authorized = 0x87;

// Of the password "secret", as mosquitto_passwd writes it.
const std::string hash =
    "$7$101$AAECAwQFBgcICQoL$Xr99N9ym9ys8TWxis5ajETJq6EVYzmc6nb8t3pUYnPBbCAbICS4xejTltonXWCtJNBvA+By+TXUqU6qCblO00w==";
// The same with the most iterations that are taken: about a second.
const std::string slow_hash =
    "$7$1000000$AAECAwQFBgcICQoL$Xr99N9ym9ys8TWxis5ajETJq6EVYzmc6nb8t3pUYnPBbCAbICS4xejTltonXWCtJNBvA+By+"
    "TXUqU6qCblO00w==";

struct Guarded {
  Folder folder{"passwords"};
  Node node;

  explicit Guarded(const std::string& more_lines = "") : node(folder, options(folder, more_lines)) {
    write("bob:" + hash + "\nslow:" + slow_hash + "\n");
    node.start();
    Client probe = client_of(node, 4, "probe");
    name(probe, "bob", "secret");
    connect_any(probe, {node.endpoint()}, scaled(Millis(10'000)));
  }

  void write(const std::string& text) { write_text_file(folder.file("passwd"), text); }

  static NodeOptions options(const Folder& folder, const std::string& more_lines) {
    NodeOptions made;
    made.name = "guarded";
    made.port = free_port();
    made.security_lines = "password_file = \"" + folder.file("passwd") + "\"\n" + more_lines;
    return made;
  }
  static void name(Client& client, const std::string& user, const std::optional<std::string>& password) {
    client.options().connect.username = user;
    client.options().connect.password = password;
  }
  Client client(uint8_t version, const std::string& user, const std::optional<std::string>& password) const {
    Client made = client_of(node, version);
    name(made, user, password);
    return made;
  }
};

// What CONNACK says, in the words of MQTT 5.
uint8_t refusal(Client client) {
  return client.try_connect().code();
}

}  // namespace

TEST_CASE("a user with the right password comes in, nobody else does") {
  Guarded guarded;
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    const uint8_t bad = version == 5 ? bad_name_or_password : 4;
    CHECK(refusal(guarded.client(version, "bob", "secret")) == 0);
    CHECK(refusal(guarded.client(version, "bob", "Secret")) == bad);
    CHECK(refusal(guarded.client(version, "bob", "")) == bad);
    CHECK(refusal(guarded.client(version, "bob", std::string("secret\0", 7))) == bad);
    CHECK(refusal(guarded.client(version, "eve", "secret")) == bad);
    CHECK(refusal(client_of(guarded.node, version)) == (version == 5 ? not_authorized : 5));
    if (version != 3) CHECK(refusal(guarded.client(version, "bob", std::nullopt)) == bad);
  }
}

TEST_CASE("without a name a client comes in if anonymous ones may; with a name it needs the password all the same") {
  Guarded guarded("allow_anonymous = true\n");
  CHECK(refusal(client_of(guarded.node, 5)) == 0);
  CHECK(refusal(guarded.client(5, "bob", "wrong")) == bad_name_or_password);
  CHECK(refusal(guarded.client(5, "eve", "x")) == bad_name_or_password);
}

TEST_CASE("what a client sends behind its CONNECT waits until its password has been compared") {
  Guarded guarded;
  Client client = guarded.client(4, "bob", "secret");
  client.open();
  std::string all = encode_connect(client.options().connect) + encode_subscribe(1, {{"t", 1}}, 4);
  Publish publish = message_to("t", "x", 1);
  publish.pid = 2;
  client.send(all + encode_publish(publish, 4));
  CHECK(client.expect(Type::connack).code() == 0);
  client.expect(Type::suback);
  client.await(Type::puback, 2);
  CHECK(client.receive().payload == "x");
}

TEST_CASE("clients are served while a strong hash is compared; one that does not wait for it leaves nothing behind") {
  Guarded guarded;
  Client live = guarded.client(4, "bob", "secret");
  live.connect();
  Client slow = guarded.client(5, "slow", "secret");
  slow.open();
  slow.send(encode_connect(slow.options().connect));
  Client gone = guarded.client(5, "slow", "secret");
  gone.open();
  gone.send(encode_connect(gone.options().connect));
  gone.abort();
  live.subscribe("t", 1);
  CHECK(live.publish("t", "yes", 1) == 0);
  CHECK(live.receive().payload == "yes");
  CHECK(slow.expect(Type::connack, scaled(Millis(20'000))).code() == bad_name_or_password);
  slow.expect_closed();
}

TEST_CASE("SIGHUP reads the file again; a file that is gone leaves the users as they were, and is told") {
  Guarded guarded;
  guarded.write("carol:" + hash + "\nbroken\n");
  guarded.node.process().signal(SIGHUP);
  until([&] { return refusal(guarded.client(4, "carol", "secret")) == 0; }, "carol to be known");
  CHECK(refusal(guarded.client(4, "bob", "secret")) != 0);
  CHECK(guarded.node.journal().find("line 2:") != std::string::npos);
  CHECK(::remove(guarded.folder.file("passwd").c_str()) == 0);
  guarded.node.process().signal(SIGHUP);
  until([&] { return guarded.node.journal().find("the users and rules of before stay") != std::string::npos; },
        "the error");
  CHECK(refusal(guarded.client(4, "carol", "secret")) == 0);
}

TEST_CASE("a box whose password file cannot be read does not start, and says why") {
  Folder folder("passwords");
  Node node(folder, Guarded::options(folder, ""));
  node.start();
  until([&] { return !node.process().running(); }, "the end of the process");
  CHECK(node.journal().find(folder.file("passwd")) != std::string::npos);
}
