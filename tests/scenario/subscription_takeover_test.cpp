// Subscriptions after a takeover: their options, their identifiers, and the members of a group.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/covers.hpp"
#include "tests/scenario/stage.hpp"

using namespace tandem::test;

namespace {

// Options of a filter, beside its QoS (MQTT 5.0 section 3.8.3.1).
constexpr std::uint8_t no_local = 4;
constexpr std::uint8_t retain_as_published = 8;
constexpr std::uint8_t only_if_new = 16;  // retain handling 1
constexpr std::uint8_t never = 32;        // retain handling 2

Properties identifier(std::uint32_t number) {
  return Properties().number(prop::subscription_id, number);
}

std::vector<std::uint32_t> identifiers(const Packet& packet) {
  std::vector<std::uint32_t> numbers;
  for (const Property& property : packet.properties.all()) {
    if (property.id == prop::subscription_id) numbers.push_back(property.number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Publish retained(const std::string& topic, const std::string& payload) {
  Publish publish = message(topic, payload, 1);
  publish.retain = true;
  return publish;
}

// Members of the group $share/g/t.
struct Group {
  explicit Group(Stage& stage) : publisher(stage, durable("pub")) {
    for (int i = 0; i < 4; ++i) members.push_back(std::make_unique<Remote>(stage, durable("m" + std::to_string(i))));
    connect();
    for (auto& member : members) member->subscribe({{"$share/g/t", 1}});
  }

  void connect() {
    publisher.connect();
    for (auto& member : members) CHECK(member->connect().code() == 0);
  }

  // Number of the member that gets the next message; nobody else does.
  std::size_t next(Stage& stage) {
    publisher.publish(message("t", "x", 1));
    stage.run(100);
    std::vector<std::size_t> got;
    Packet packet;
    for (std::size_t i = 0; i < members.size(); ++i) {
      while (members[i]->take(packet)) {
        REQUIRE(packet.type == Type::publish);
        members[i]->send_ack(Type::puback, packet.pid);
        got.push_back(i);
      }
    }
    REQUIRE(got.size() == 1);
    stage.run(100);  // the acknowledgement
    return got.front();
  }

  Remote publisher;
  std::vector<std::unique_ptr<Remote>> members;
};

}  // namespace

TEST_CASE("takeover: overlapping subscriptions give one copy with all their identifiers, at the highest QoS") {
  COVERS("MQTT5-3.3.4-2", "MQTT5-3.3.4-3", "MQTT5-3.3.4-4", "T-26");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.connect();
    subscriber.subscribe({{"a/#", 0}}, identifier(1));
    subscriber.subscribe({{"a/+", 2}}, identifier(268'435'455));
    subscriber.subscribe({{"a/b", 1}});
    subscriber.subscribe({{"+/b", 1}}, identifier(5));
    subscriber.subscribe({{"+/b", 1}}, identifier(6));  // in its place
    subscriber.cut();
    Remote other(stage, durable("other"));
    other.connect();
    other.subscribe({{"a/b", 1}}, identifier(77));
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    publisher.publish(message("a/b", "before", 2));
    CHECK(identifiers(other.receive("before")) == std::vector<std::uint32_t>{77});
    stage.take_over();
    subscriber.connect();
    publisher.connect();
    publisher.publish(message("a/b", "after", 2));
    for (const char* payload : {"before", "after"}) {
      const Packet got = subscriber.receive(payload);
      CHECK(got.qos() == 2);
      CHECK(identifiers(got) == std::vector<std::uint32_t>{1, 6, 268'435'455});
    }
    subscriber.expect_nothing();
    publisher.publish(message("c/b", "one", 2));
    CHECK(identifiers(subscriber.receive("one")) == std::vector<std::uint32_t>{6});
  }
}

TEST_CASE("takeover: no local and retain as published hold") {
  COVERS("MQTT5-3.8.3-3", "MQTT5-3.3.1-12", "MQTT5-3.3.1-13");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote client(stage, durable("client"));
    client.connect();
    client.subscribe({{"deaf", static_cast<std::uint8_t>(1 | no_local)},
                      {"hears", 1},
                      {"as published", static_cast<std::uint8_t>(1 | retain_as_published)}});
    Remote publisher(stage, durable("pub"));
    const auto publish_all = [&] {
      client.publish(message("deaf", "own", 1));
      client.send_publish(message("hears", "own", 0));
      CHECK(client.receive("own").topic == "hears");
      publisher.connect();
      for (const char* topic : {"deaf", "as published", "hears"}) publisher.publish(retained(topic, "of another"));
    };
    const auto receive_all = [&] {
      CHECK_FALSE(client.receive("of another").retain());
      CHECK(client.receive("of another").retain());
      CHECK_FALSE(client.receive("of another").retain());
      client.expect_nothing();
    };
    publish_all();
    receive_all();
    publisher.publish(retained("as published", "queued"));
    client.expect_publish("queued");
    stage.take_over();
    client.connect();
    CHECK(client.receive("queued").retain());
    publish_all();
    receive_all();
  }
}

TEST_CASE("takeover: a subscription that exists is no new one for retain handling") {
  COVERS("MQTT5-3.3.1-9", "MQTT5-3.3.1-10", "MQTT5-3.3.1-11", "MQTT5-3.8.4-3");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote client(stage, durable("client"));
    client.connect();
    client.subscribe({{"t", 0}});
    client.publish(retained("t", "kept"));
    client.receive("kept");
    stage.take_over();
    client.connect();
    client.subscribe({{"t", only_if_new}});
    client.subscribe({{"t", never}});
    client.expect_nothing();
    client.subscribe({{"t/#", only_if_new}});
    CHECK(client.receive("kept").retain());
    client.subscribe({{"t", 0}});
    CHECK(client.receive("kept").retain());
  }
}

TEST_CASE("takeover: what was unsubscribed stays so, and a subscription that was replaced has its new QoS") {
  COVERS("MQTT5-3.10.4-2", "MQTT5-3.8.4-8");
  for (Standby standby : all_standbys) {
    for (std::uint8_t version : {std::uint8_t{4}, std::uint8_t{5}}) {
      CAPTURE(name_of(standby));
      CAPTURE(version);
      Stage stage(standby);
      Remote client(stage, durable("client", version));
      client.connect();
      client.subscribe({{"gone", 1}, {"replaced", 2}, {"stays", 2}});
      client.subscribe({{"replaced", 1}});
      client.send(encode_unsubscribe(9, {"gone"}, version));
      client.expect(Type::unsuback, 9);
      stage.take_over();
      client.connect();
      Remote publisher(stage, durable("pub"));
      publisher.connect();
      for (const char* topic : {"gone", "replaced", "stays"}) publisher.publish(message(topic, topic, 2));
      CHECK(client.receive("replaced").qos() == 1);
      CHECK(client.receive("stays").qos() == 2);
      client.expect_nothing();
    }
  }
}

TEST_CASE("takeover: the members of a group are those of before, and each has its turn") {
  COVERS("U-32", "U-33");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Group group(stage);
    Remote& leaver = *group.members[3];
    leaver.send(encode_unsubscribe(9, {"$share/g/t"}, 5));
    leaver.expect(Type::unsuback, 9);
    const auto check_round = [&] {
      std::vector<std::size_t> turns = {group.next(stage), group.next(stage), group.next(stage)};
      std::sort(turns.begin(), turns.end());
      CHECK(turns == std::vector<std::size_t>{0, 1, 2});
    };
    check_round();
    stage.take_over();
    group.connect();
    check_round();
    check_round();
  }
}

TEST_CASE("takeover: a group whose members are all away has its messages when they come back") {
  COVERS("U-32", "T-28");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Group group(stage);
    for (auto& member : group.members) member->cut();
    for (int i = 0; i < 8; ++i) group.publisher.publish(message("t", std::to_string(i), 1));
    stage.take_over();
    group.connect();
    std::vector<std::string> got;
    stage.run(100);
    Packet packet;
    for (auto& member : group.members) {
      std::string last;  // in order at each
      while (member->take(packet)) {
        CHECK(packet.payload > last);
        last = packet.payload;
        got.push_back(last);
      }
    }
    std::sort(got.begin(), got.end());
    CHECK(got == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"});
  }
}

TEST_CASE(
    "takeover: what a member has not acknowledged goes to another one when its session ends; begun QoS 2 to nobody") {
  COVERS("U-31", "T-54");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Connect mortal = durable("mortal");
    mortal.session_expiry_s = 30;
    Remote member(stage, mortal);
    member.options().properties.number(prop::receive_maximum, 2);
    member.connect();
    member.subscribe({{"$share/g/t", 2}});
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    publisher.publish(message("t", "sent", 1));
    publisher.publish(message("t", "begun", 2));
    publisher.publish(message("t", "waits", 2));
    member.expect_publish("sent");
    member.expect_publish("begun");
    Remote other(stage, durable("other"));
    other.connect();
    other.subscribe({{"$share/g/t", 2}});
    stage.take_over();
    other.connect();
    other.expect_nothing();
    stage.run(32 * second_ms);
    CHECK_FALSE(other.receive("sent").dup());
    other.receive("waits");
    other.expect_nothing();
  }
}
