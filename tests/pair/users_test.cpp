// Users and access rules as an operator changes them on real processes: on both boxes when the command returns.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t bad_name_or_password = 0x86;
constexpr uint8_t not_authorized = 0x87;
constexpr uint8_t administrative_action = 0x98;

Client client_of(const Node& node, const std::string& user, const std::string& password) {
  ClientOptions options;
  options.port = node.port();
  options.connect.version = 5;
  options.connect.client_id = "client-of-" + user;
  options.connect.username = user;
  options.connect.password = password;
  return Client(options);
}

uint8_t connack(const Node& node, const std::string& user, const std::string& password) {
  return client_of(node, user, password).try_connect().code();
}

void check_done(const Ran& ran, const char* said) {
  CHECK_MESSAGE(ran.code == 0, ran.output);
  CHECK_MESSAGE(ran.output.find(said) != std::string::npos, ran.output);
}

void check_refused(const Ran& ran, const std::string& said) {
  CHECK_MESSAGE(ran.code == 1, ran.output);
  CHECK_MESSAGE(ran.output.find(said) != std::string::npos, ran.output);
}

}  // namespace

TEST_CASE("users and rules set at the active are on both boxes, and hold after it was killed") {
  COVERS("T-47", "T-48");
  Folder folder("users");
  PairOptions options;
  options.security_lines = "allow_anonymous = false\n";
  Pair pair(folder, options);
  pair.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);

  check_done(active.control({"user", "add", "bob"}, "secret\n"), "It is on both boxes.");
  check_done(active.control({"user", "add", "plc", "--client-id", "plc-*"}, "p\n"), "It is on both boxes.");
  const Ran generated = active.control({"user", "add", "made", "--generate"});
  check_done(generated, "Password: ");
  check_refused(active.control({"user", "add", "bob"}, "other\n"), "there is a user bob");
  check_refused(active.control({"user", "add", "a:b"}, "x\n"), "colon");
  check_refused(active.control({"user", "add", "eve"}, "\n"), "not empty");
  check_refused(standby.control({"user", "add", "eve"}, "x\n"), "at the active, " + active.name());
  check_refused(standby.control({"acl", "clear"}), "at the active, " + active.name());
  const Ran list = standby.control({"user", "list"});
  check_done(list, "bob   password and SCRAM\n");
  check_done(list, "plc   password and SCRAM  clients: plc-*\n");

  write_text_file(folder.file("acl"),
                  "user bob\ntopic readwrite t/#\ntopic deny t/secret\nuser plc\ntopic write t/%c\n");
  check_refused(active.control({"acl", "import", folder.file("acl")}),
                "line 5: %c and %u mean something in patterns only");
  CHECK(active.control({"acl", "show"}).output == "# There are no rules.\n");
  write_text_file(folder.file("acl"), "user bob\ntopic readwrite t/#\ntopic deny t/secret\n");
  check_done(active.control({"acl", "import", folder.file("acl")}), "It is on both boxes.");
  check_done(standby.control({"acl", "test", "bob", "t/secret"}), "topic \"t/secret\": publish no, read no");
  check_done(standby.control({"acl", "test", "bob", "t/a"}), "topic \"t/a\": publish yes, read yes");
  check_done(standby.control({"acl", "test", "bob", "t/+"}), "filter \"t/+\": subscribe yes");
  check_refused(standby.control({"acl", "test", "bob", "#/t"}), "neither a topic nor a topic filter");
  CHECK(standby.control({"acl", "show"}).output == "user bob\ntopic deny t/secret\ntopic readwrite t/#\n");

  CHECK(connack(active, "bob", "secret") == 0);
  CHECK(connack(active, "bob", "wrong") == bad_name_or_password);
  CHECK(connack(active, "plc", "p") == not_authorized);  // its client id is client-of-plc
  pair.await_equal();

  active.kill();
  Node& second = pair.await_active();
  CHECK(&second == &standby);
  Client bob = client_of(second, "bob", "secret");
  bob.connect();
  CHECK(bob.publish("t/a", "x", 1) == 0x10);
  CHECK(bob.publish("t/secret", "x", 1) == not_authorized);
  CHECK(connack(second, "bob", "wrong") == bad_name_or_password);
  const std::string made = generated.output.substr(generated.output.find("Password: ") + 10, 24);
  CHECK(connack(second, "made", made) == 0);
  check_done(second.control({"user", "passwd", "bob"}, "new\n"), "It is on this box's disk; the other box gets it");
  CHECK(connack(second, "bob", "secret") == bad_name_or_password);
  active.start();
  pair.await_equal();
  pair.await_protected();
  bob = client_of(second, "bob", "new");
  bob.connect();
  check_done(second.control({"user", "remove", "bob"}), "It is on both boxes.");
  const std::vector<Packet> last = bob.expect_closed();
  REQUIRE(last.size() == 1);
  CHECK(last[0].code() == administrative_action);
  CHECK(connack(second, "bob", "new") == bad_name_or_password);
  pair.await_equal();
}

TEST_CASE("without any user the listeners are open to this machine only, and status says why") {
  Folder folder("nobody");
  NodeOptions options;
  options.address = "0.0.0.0";
  options.port = free_port();
  options.security_lines = "allow_anonymous = false\n";
  Node node(folder, options);
  node.start();
  const Endpoint elsewhere{"127.0.0.2", options.port};  // stands for an address of this box in the plant
  const auto alarmed = [&] {
    const auto status = node.status();
    return status && status->text.find("there are no users, and anonymous clients are refused") != std::string::npos;
  };
  until(alarmed, "the alarm");
  CHECK(connack(node, "bob", "secret") == bad_name_or_password);
  Client far = client_of(node, "bob", "secret");
  far.options().host = elsewhere.host;
  CHECK_THROWS_AS(far.open(), ClientError);
  check_done(node.control({"user", "add", "bob"}, "secret\n"), "It is on this box's disk.");
  connect_any(far, {elsewhere}, scaled(Millis(5'000)));
  far.ping();
  until([&] { return !alarmed(); }, "the end of the alarm");
  check_done(node.control({"user", "remove", "bob"}), "bob is removed");
  until(alarmed, "the alarm again");
  CHECK_THROWS_AS(far.open(), ClientError);
}

TEST_CASE("files that are followed enter as records: the standby knows what the active's files say") {
  Folder folder("followed");
  // Of the password "secret", as mosquitto_passwd writes it.
  const std::string hash =
      "$7$101$AAECAwQFBgcICQoL$Xr99N9ym9ys8TWxis5ajETJq6EVYzmc6nb8t3pUYnPBbCAbICS4xejTltonXWCtJNBvA+By+"
      "TXUqU6qCblO00w==";
  write_text_file(folder.file("passwd"), "bob:" + hash + "\n");
  write_text_file(folder.file("acl"), "user bob\ntopic readwrite t/#\n");
  PairOptions options;
  options.security_lines =
      "password_file = \"" + folder.file("passwd") + "\"\nacl_file = \"" + folder.file("acl") + "\"\n";
  Pair pair(folder, options);
  pair.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  pair.await_equal();
  check_done(standby.control({"user", "list"}), "bob   password\n");
  check_refused(active.control({"user", "add", "eve"}, "x\n"), "followed from the file " + folder.file("passwd"));
  Client bob = client_of(active, "bob", "secret");
  bob.connect();
  CHECK(bob.publish("t/a", "x", 1) == 0x10);
  CHECK(bob.publish("u", "x", 1) == not_authorized);

  write_text_file(folder.file("acl"), "user bob\ntopic readwrite u\n");
  active.process().signal(SIGHUP);
  until([&] { return standby.control({"acl", "show"}).output == "user bob\ntopic readwrite u\n"; }, "the new rules");
  CHECK(bob.publish("u", "x", 1) == 0x10);
  write_text_file(folder.file("acl"), "user bob\ntopik readwrite #\n");
  active.process().signal(SIGHUP);
  until([&] { return active.journal().find("the users and rules of before stay") != std::string::npos; }, "the error");
  CHECK(bob.publish("u", "x", 1) == 0x10);
  CHECK(bob.publish("v", "x", 1) == not_authorized);
  pair.await_equal();
}
