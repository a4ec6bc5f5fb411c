// Access rules: what they say about topics and filters, and what they mean for publishing, subscribing and reading.
#include "core/access_rules.hpp"

#include "core/acl_text.hpp"
#include "core/image.hpp"
#include "disk.hpp"
#include "doctest.hpp"
#include "tests/covers.hpp"
#include "world.hpp"

namespace tandem::core::test {

namespace {

constexpr Right read = Right::read;
constexpr Right write = Right::write;

// The rules of a text, in a State.
struct Rules {
  World world{1};
  explicit Rules(const std::string& text) { world.order_rules(text); }
  const AccessRules& access() { return world.active().access(); }
  bool may(Right right, const char* user, const char* topic, const char* client = "c1") {
    return access().may(right, {user, client}, topic);
  }
};

using Payloads = std::vector<std::string>;

ConnectOptions as(const std::string& user, ConnectOptions options = {}) {
  options.username = user;
  return options;
}

}  // namespace

TEST_CASE("Without any set of rules everything is allowed; with an empty one nothing is") {
  World world(1);
  CHECK(world.active().access().may(write, {"", "c"}, "t"));
  Rules none("");
  CHECK_FALSE(none.may(write, "", "t"));
  CHECK_FALSE(none.may(read, "bob", "t"));
}

TEST_CASE("Own rules, and everyone's behind them: denials first, wherever they stand (Mosquitto's variants)") {
  Rules rules(
      "topic readwrite anon/#\n"
      "topic deny anon/hole\n"
      "pattern readwrite pattern/%u/#\n"
      "pattern deny pattern/%u/hole\n"
      "user bob\n"
      "topic user/#\n"
      "topic deny user/hole\n"
      "topic read only/read\n"
      "topic write only/write\n"
      "topic read $SYS/#\n"
      "topic deny wide/+/x\n"
      "topic read wide/#\n");
  CHECK(rules.may(write, "", "anon/a/b"));
  CHECK_FALSE(rules.may(write, "", "anon/hole"));
  CHECK_FALSE(rules.may(write, "bob", "anon/a"));
  CHECK(rules.may(read, "bob", "user"));
  CHECK(rules.may(read, "bob", "user/a"));
  CHECK_FALSE(rules.may(read, "bob", "user/hole"));
  CHECK_FALSE(rules.may(write, "", "user/a"));
  CHECK(rules.may(write, "bob", "pattern/bob/a"));
  CHECK_FALSE(rules.may(write, "bob", "pattern/bob/hole"));
  CHECK_FALSE(rules.may(write, "bob", "pattern/eve/a"));
  CHECK(rules.may(write, "eve", "pattern/eve/a"));
  CHECK(rules.may(read, "bob", "only/read"));
  CHECK_FALSE(rules.may(write, "bob", "only/read"));
  CHECK(rules.may(write, "bob", "only/write"));
  CHECK_FALSE(rules.may(read, "bob", "only/write"));
  CHECK(rules.may(read, "bob", "$SYS/broker/uptime"));
  CHECK_FALSE(rules.may(read, "eve", "$SYS/broker/uptime"));
  CHECK(rules.may(read, "bob", "wide/a/y"));
  CHECK_FALSE(rules.may(read, "bob", "wide/a/x"));
}

TEST_CASE("A wildcard covers no $SYS, and names with wildcards or slashes open nothing") {
  Rules rules("pattern readwrite #\npattern readwrite c/%c/#\npattern readwrite u/%u\n");
  CHECK_FALSE(rules.may(read, "bob", "$SYS/broker/uptime"));
  CHECK(rules.may(write, "bob", "x"));
  CHECK_FALSE(rules.may(write, "#", "x"));
  CHECK_FALSE(rules.may(write, "bob", "x", "a+"));
  Rules narrow("pattern readwrite c/%c/#\npattern readwrite u/%u\n");
  CHECK(narrow.may(write, "bob", "c/c1/t"));
  CHECK_FALSE(narrow.may(write, "bob", "c/a/b/t", "a/b"));
  CHECK_FALSE(narrow.may(write, "", "u/"));
  CHECK_FALSE(narrow.may(write, "", "u"));
}

TEST_CASE("A filter is refused only if nothing that it matches could ever be read") {
  Rules rules(
      "user bob\ntopic read a/+/c\ntopic deny secret/#\ntopic read secret/x\ntopic read wide/#\ntopic write out/#\n");
  const auto may = [&](const char* filter) { return rules.may(read, "bob", filter); };
  for (const char* yes : {"#", "a/#", "a/b/c", "+/+/c", "a/b/+", "wide", "wide/+/x", "wide/#", "+"}) {
    CAPTURE(yes);
    CHECK(may(yes));
  }
  for (const char* no : {"a/b/d", "a", "b/#", "secret/x", "secret/#", "secret", "$SYS/#", "a/b/c/d", "out/#"}) {
    CAPTURE(no);
    CHECK_FALSE(may(no));
  }
}

TEST_CASE("A user's clients: exact, or with stars") {
  World world(1);
  world.order(UserSet{"bob", "", "", {"plc-*-x", "hmi"}});
  world.order(UserSet{"eve", "", "", {}});
  const AccessRules& access = world.active().access();
  for (const char* yes : {"hmi", "plc--x", "plc-7-x", "plc-x-x"}) CHECK(access.may_use("bob", yes));
  for (const char* no : {"", "hmi2", "plc-7", "plc-x", "xplc-7-x"}) CHECK_FALSE(access.may_use("bob", no));
  CHECK(access.may_use("eve", "anything"));
  CHECK(access.may_use("nobody", "anything"));
}

TEST_CASE("A file of rules: what Mosquitto reads, and the line of what is wrong") {
  const AclText good = parse_acl(
      "# comment\n\ntopic a b\r\nuser two words \ntopic read\ntopic deny  x/#\t\ntopic read with blank\n"
      "pattern write %c/in\n");
  CHECK(good.problems ==
        std::vector<std::string>{"line 3: the right is none of the words read, write, readwrite, deny"});
  const auto& own = good.sets.at({RuleOwner::user, "two words"});
  REQUIRE_EQ(own.size(), 3);
  CHECK(own[0] == Rule{Right::read_write, "read"});
  CHECK(own[1] == Rule{Right::none, "x/#"});
  CHECK(own[2] == Rule{Right::read, "with blank"});
  CHECK(good.sets.at({RuleOwner::everyone, ""}) == std::vector<Rule>{{Right::write, "%c/in"}});
  for (const char* bad : {"topics a", "topic", "topic read a/#/b", "topic read %c/a", "user", "pattern read $share/g/t",
                          "topic grant a", "user a:b", "topic read a\x01"}) {
    CAPTURE(bad);
    const AclText acl = parse_acl(bad);
    REQUIRE_EQ(acl.problems.size(), 1);
    CHECK(acl.problems[0].starts_with("line 1: "));
  }
  std::string many = "user bob\n";
  for (int i = 0; i < 1000; ++i) many += "topic read " + std::string(100, 'x') + "\n";
  CHECK_FALSE(parse_acl(many).problems.empty());
}

TEST_CASE("Rules as text come back as the same rules") {
  const std::string text = "topic read anon/#\n\nuser bob\ntopic deny x\ntopic readwrite x/#\n\npattern write %u/in\n";
  Rules rules(text);
  CHECK_EQ(to_acl_text(rules.access().sets()), text);
}

TEST_CASE("A denied PUBLISH is refused, reaches nobody and is held by nobody, also on a resumed session") {
  COVERS("MQTT5-3.3.5-2", "T-48");
  World world(2);
  Client& bob = world.client(0);
  Client& reader = world.client(1);
  world.connect(bob, as("bob", durable()));
  world.connect(reader, as("reader"));
  world.subscribe(reader, "#");
  CHECK(world.publish(bob, "a", "before", {.qos = 2}).refusal == mqtt::Reason::success);
  world.order_rules("user bob\ntopic write b\nuser reader\ntopic read #\n");
  CHECK(world.publish(bob, "a", "x", {.qos = 1}).refusal == mqtt::Reason::not_authorized);
  CHECK(world.publish(bob, "b", "ok", {.qos = 1}).refusal == mqtt::Reason::success);
  world.lose(bob);
  world.connect(bob, as("bob", durable()));
  CHECK(world.publish(bob, "a", "x", {.qos = 2, .packet_id = 77}).refusal == mqtt::Reason::not_authorized);
  CHECK_FALSE(world.session(bob)->holds(77));
  CHECK(world.publish(bob, "a", "x", {.retain = true}).refusal == mqtt::Reason::not_authorized);
  CHECK(world.active().retained().empty());
  CHECK_EQ(world.drain(reader), Payloads{"before", "ok"});
  world.check();
}

TEST_CASE("Rights that are withdrawn count at once: for subscriptions that stand, and for retained messages") {
  COVERS("T-47");
  World world(3);
  Client& writer = world.client(0);
  Client& bob = world.client(1);
  Client& away = world.client(2);
  world.connect(writer, as("writer"));
  world.connect(bob, as("bob"));
  world.connect(away, as("bob", durable()));
  world.subscribe(bob, "t/#");
  world.subscribe(away, "t/a");
  world.lose(away);
  world.publish(writer, "t/a", "1", {.retain = true});
  CHECK_EQ(world.drain(bob), Payloads{"1"});
  world.order_rules("user writer\ntopic write #\nuser bob\ntopic deny t/a\ntopic read t/#\n");
  world.publish(writer, "t/a", "2");
  world.publish(writer, "t/b", "3");
  CHECK_EQ(world.drain(bob), Payloads{"3"});
  CHECK_EQ(world.subscribe(bob, "t/+"), std::vector{mqtt::Reason::granted_qos2});
  CHECK(world.drain(bob).empty());
  CHECK_EQ(world.subscribe(bob, "t/a"), std::vector{mqtt::Reason::not_authorized});
  world.connect(away, as("bob", durable()));
  CHECK_EQ(world.drain(away), Payloads{"1"});  // it was queued while it was allowed
  world.order_rules("user writer\ntopic write #\nuser bob\ntopic read t/#\n");
  world.publish(writer, "t/a", "4");
  CHECK_EQ(world.drain(away), Payloads{"4"});
  world.check();
}

TEST_CASE("A session that is resumed under another user name has that user's rights, for publishing and for reading") {
  World world(2);
  Client& writer = world.client(0);
  Client& reader = world.client(1);
  world.order_rules("user bob\ntopic readwrite t\nuser eve\ntopic read other\n");
  world.connect(writer, as("bob", durable()));
  world.connect(reader, as("bob", durable()));
  world.subscribe(reader, "t");
  CHECK(world.publish(writer, "t", "1").refusal == mqtt::Reason::success);
  CHECK_EQ(world.drain(reader), Payloads{"1"});
  world.connect(reader, as("eve", durable()));
  CHECK(world.publish(writer, "t", "2").refusal == mqtt::Reason::success);
  CHECK(world.drain(reader).empty());
  world.connect(reader, as("bob", durable()));
  CHECK(world.publish(writer, "t", "3").refusal == mqtt::Reason::success);
  CHECK_EQ(world.drain(reader), Payloads{"3"});
  world.connect(writer, as("eve", durable()));
  CHECK(world.publish(writer, "t", "4").refusal == mqtt::Reason::not_authorized);
  world.check();
}

TEST_CASE("A shared subscription goes to a member that may read; without one to nobody") {
  World world(3);
  Client& writer = world.client(0);
  world.connect(writer, as("writer"));
  world.order_rules("user writer\ntopic write #\nuser yes\ntopic read t\n");
  world.connect(world.client(1), as("yes", durable()));
  world.connect(world.client(2), as("yes", durable()));
  world.subscribe(world.client(1), "$share/g/t");
  world.subscribe(world.client(2), "$share/g/t");
  world.connect(world.client(2), as("no", durable()));
  for (const char* payload : {"1", "2", "3"}) world.publish(writer, "t", payload);
  CHECK_EQ(world.drain(world.client(1)), Payloads{"1", "2", "3"});
  CHECK(world.drain(world.client(2)).empty());
  world.connect(world.client(1), as("no", durable()));
  CHECK(world.publish(writer, "t", "4").picks.empty());
  world.check();
}

TEST_CASE("limits.max_connections_per_user: others and the client itself are not concerned") {
  World world(4);
  world.policy.max_connections_per_user = 2;
  CHECK(world.connect(world.client(0), as("bob")) == mqtt::Reason::success);
  CHECK(world.connect(world.client(1), as("bob")) == mqtt::Reason::success);
  CHECK(world.connect(world.client(2), as("bob")) == mqtt::Reason::quota_exceeded);
  CHECK(world.connect(world.client(1), as("bob")) == mqtt::Reason::success);
  CHECK(world.connect(world.client(2), as("eve")) == mqtt::Reason::success);
  CHECK(world.connect(world.client(3)) == mqtt::Reason::success);
  world.lose(world.client(0));
  CHECK(world.connect(world.client(0), as("bob")) == mqtt::Reason::success);
  world.check();
}

TEST_CASE("CONNECT: the user's clients, and the topic of the will") {
  World world(1);
  world.order(UserSet{"bob", "", "", {"client*"}});
  world.order(UserSet{"eve", "", "", {"other"}});
  world.order_rules("user bob\ntopic write ok\n");
  CHECK(world.connect(world.client(0), as("eve")) == mqtt::Reason::not_authorized);
  ConnectOptions with_will = as("bob");
  with_will.will = WillOptions{.topic = "no"};
  CHECK(world.connect(world.client(0), with_will) == mqtt::Reason::not_authorized);
  with_will.will = WillOptions{.topic = "ok"};
  CHECK(world.connect(world.client(0), with_will) == mqtt::Reason::success);
  world.check();
}

TEST_CASE("Users and rules survive a takeover and an image, whatever changes beside a checkpoint") {
  World world(2);
  Disk disk;
  world.order(UserSet{"bob", "$7$x", "scram", {"a*", "b"}});
  world.order(UserSet{"eve", "", "", {}});
  world.order_rules("topic read a\nuser bob\ntopic write b\n");
  world.end_turn();
  disk.begin(world.active(), world.log().size());
  world.order(UserSet{"bob", "$7$y", "", {}});
  world.order(UserRemoved{"eve"});
  world.order(RulesSet{RuleOwner::anonymous, "", true, {}});
  world.order_rules("user bob\ntopic write c\nuser new\ntopic read d\n");
  while (!disk.step(1)) {
  }
  world.end_turn();
  std::unique_ptr<State> restored = disk.load();
  CHECK_EQ(describe(*restored), disk.described());
  CHECK(restored->digest() == recompute_digest(*restored));
  disk.begin(world.active(), world.log().size());
  while (!disk.step(100)) {
  }
  restored = disk.load();
  CHECK_EQ(describe(*restored), describe(world.active()));
  world.check();
  world.take_over();
  CHECK_EQ(world.active().access().user("bob")->password_hash, "$7$y");
  CHECK_EQ(world.active().access().user("eve"), nullptr);
  CHECK_FALSE(world.active().access().may(write, {"bob", "c"}, "b"));
  CHECK(world.active().access().may(write, {"bob", "c"}, "c"));
  world.check();
}

}  // namespace tandem::core::test
