// The short way of a message that nobody keeps: each receiver gets what the long way would give it.
#include <string>
#include <vector>

#include "tests/broker/sent_packets.hpp"

namespace tandem::broker {

namespace {

constexpr std::string_view topic = "plant/line/7/temperature";
constexpr std::uint16_t window = 2;

struct Wanted {
  std::string_view id;
  mqtt::Version version = mqtt::Version::v311;
  mqtt::Qos qos = mqtt::Qos::at_least_once;
  std::uint32_t max_packet_bytes = 0;  // MQTT 5; 0: any
  bool durable = false;
};

// What of a PUBLISH the tests look at.
struct Got {
  std::string payload;
  mqtt::Qos qos;
  std::uint16_t packet_id;
  friend bool operator==(const Got&, const Got&) = default;
};

core::Policy small_window() {
  core::Policy policy = test::open_policy();
  policy.v3_in_flight = window;
  return policy;
}

class House : public test::ActiveHouse {
 public:
  House() : ActiveHouse(small_window()) {}

  test::FakeClient& client(const Wanted& wanted) {
    mqtt::Connect connect_packet;
    connect_packet.version = wanted.version;
    connect_packet.client_id = wanted.id;
    connect_packet.clean_start = !wanted.durable;
    if (wanted.max_packet_bytes != 0) connect_packet.properties.maximum_packet_bytes = wanted.max_packet_bytes;
    return connect(connect_packet);
  }
  test::FakeClient& subscriber(const Wanted& wanted) {
    test::FakeClient& one = client(wanted);
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.requests.push_back({topic, {.qos = wanted.qos}});
    REQUIRE(one.say(active(), subscribe));
    turn();
    one.written();
    return one;
  }
  void publish(test::FakeClient& from, std::string_view payload, mqtt::Qos qos = mqtt::Qos::at_least_once) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = qos;
    packet.packet_id = qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : std::uint16_t{9};
    REQUIRE(from.say(active(), packet));
  }
  void acknowledge(test::FakeClient& from, std::uint16_t packet_id) {
    REQUIRE(from.say(active(), mqtt::Ack{mqtt::Type::puback, packet_id, mqtt::Reason::success, {}}));
  }
};

std::vector<Got> messages(test::FakeClient& client) {
  std::vector<Got> got;
  test::each_sent<mqtt::Publish>(client, [&](const mqtt::Publish& packet) {
    CHECK(packet.topic == topic);
    got.push_back({std::string(packet.payload), packet.qos, packet.packet_id});
  });
  return got;
}

std::vector<mqtt::Reason> answers(test::FakeClient& client) {
  std::vector<mqtt::Reason> reasons;
  test::each_sent<mqtt::Ack>(client, [&](const mqtt::Ack& packet) { reasons.push_back(packet.reason); });
  return reasons;
}

constexpr mqtt::Qos qos0 = mqtt::Qos::at_most_once;
constexpr mqtt::Qos qos1 = mqtt::Qos::at_least_once;
constexpr mqtt::Version v5 = mqtt::Version::v5;

}  // namespace

TEST_CASE("MQTT5-3.8.4-8: what is not kept reaches each receiver in its own version and QoS, and makes no record") {
  House house;
  test::FakeClient& plain = house.subscriber({.id = "plain"});
  test::FakeClient& lower = house.subscriber({.id = "lower", .qos = qos0});
  test::FakeClient& newer = house.subscriber({.id = "newer", .version = v5});
  test::FakeClient& publisher = house.client({.id = "publisher"});
  const Lsn last = house.active().last();
  house.publish(publisher, "one");
  house.publish(publisher, "two", qos0);
  CHECK(messages(plain) == std::vector<Got>{{"one", qos1, 1}, {"two", qos0, 0}});
  CHECK(messages(lower) == std::vector<Got>{{"one", qos0, 0}, {"two", qos0, 0}});
  CHECK(messages(newer) == std::vector<Got>{{"one", qos1, 1}, {"two", qos0, 0}});
  CHECK(answers(publisher) == std::vector<mqtt::Reason>{mqtt::Reason::success});
  CHECK(house.active().last() == last);
  CHECK(house.active().delivered() == 6);
}

TEST_CASE("a payload that is sent from where it was read to is the one that came") {
  const std::string payload = std::string(limits::shared_packet_bytes, 'a') + std::string(1'000, 'b');
  House house;
  test::FakeClient& shares = house.subscriber({.id = "shares"});
  test::FakeClient& newer = house.subscriber({.id = "newer", .version = v5});
  test::FakeClient& copies = house.subscriber({.id = "copies"});
  test::FakeClient& publisher = house.client({.id = "publisher"});
  shares.writes_from_what_came();
  newer.writes_from_what_came();
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = payload;
  std::string came;
  for (const mqtt::Qos qos : {qos0, qos1, qos1}) {
    packet.qos = qos;
    packet.packet_id = qos == qos0 ? std::uint16_t{0} : std::uint16_t{9};
    mqtt::encode(packet, mqtt::Version::v311, came);
  }
  REQUIRE(publisher.send(house.active(), came).empty());
  CHECK(shares.out().size() < 3 * 40);
  CHECK(copies.out().size() > 3 * payload.size());
  for (test::FakeClient* const each : {&shares, &newer, &copies}) {
    CHECK(messages(*each) == std::vector<Got>{{payload, qos0, 0}, {payload, qos1, 1}, {payload, qos1, 2}});
  }
}

TEST_CASE("MQTT5-4.9.0-2: a full window makes what is not kept wait in order, and each PUBACK lets one more out") {
  House house;
  test::FakeClient& slow = house.subscriber({.id = "slow"});
  test::FakeClient& publisher = house.client({.id = "publisher"});
  for (const char* payload : {"1", "2", "3", "4"}) house.publish(publisher, payload);
  CHECK(messages(slow) == std::vector<Got>{{"1", qos1, 1}, {"2", qos1, 2}});
  house.acknowledge(slow, 2);  // not in order
  CHECK(messages(slow) == std::vector<Got>{{"3", qos1, 3}});
  house.acknowledge(slow, 1);
  CHECK(messages(slow) == std::vector<Got>{{"4", qos1, 4}});
  house.acknowledge(slow, 1);  // once more: means nothing
  house.publish(publisher, "5");
  CHECK(messages(slow).empty());
  house.acknowledge(slow, 3);
  CHECK(messages(slow) == std::vector<Got>{{"5", qos1, 5}});
  house.acknowledge(slow, 4);
  house.acknowledge(slow, 5);
  house.publish(publisher, "6");
  CHECK(messages(slow) == std::vector<Got>{{"6", qos1, 6}});
}

TEST_CASE("MQTT5-3.1.2-24: what is not kept is not sent to a client for which it is too large") {
  House house;
  test::FakeClient& small = house.subscriber({.id = "small", .version = v5, .max_packet_bytes = 60});
  test::FakeClient& publisher = house.client({.id = "publisher", .version = v5});
  house.publish(publisher, std::string(60, 'x'));
  CHECK(messages(small).empty());
  house.publish(publisher, "fits");
  CHECK(messages(small) == std::vector<Got>{{"fits", qos1, 2}});
}

TEST_CASE("the PUBACK of a message for nobody says so to an MQTT 5 client") {
  House house;
  test::FakeClient& publisher = house.client({.id = "publisher", .version = v5});
  house.publish(publisher, "for nobody");
  CHECK(answers(publisher) == std::vector<mqtt::Reason>{mqtt::Reason::no_matching_subscribers});
}

TEST_CASE("a durable receiver's message takes the long way, and everybody else's with it") {
  House house;
  test::FakeClient& plain = house.subscriber({.id = "plain"});
  test::FakeClient& durable = house.subscriber({.id = "durable", .durable = true});
  test::FakeClient& publisher = house.client({.id = "publisher"});
  const Lsn last = house.active().last();
  house.publish(publisher, "kept");
  CHECK(house.active().last() == last.next());
  CHECK(plain.out().empty());  // the gate: not before the record is safe
  CHECK(publisher.out().empty());
  house.turn();
  CHECK(messages(plain) == std::vector<Got>{{"kept", qos1, 1}});
  CHECK(messages(durable) == std::vector<Got>{{"kept", qos1, 1}});
  CHECK(answers(publisher) == std::vector<mqtt::Reason>{mqtt::Reason::success});
}

TEST_CASE("MQTT5-4.6.0-6: what is not kept stays behind what waits at the gate for the same client") {
  House house;
  test::FakeClient& plain = house.subscriber({.id = "plain"});
  test::FakeClient& publisher = house.client({.id = "publisher"});
  test::FakeClient& durable = house.subscriber({.id = "durable", .durable = true});
  house.publish(publisher, "kept");
  mqtt::Unsubscribe unsubscribe;
  unsubscribe.packet_id = 2;
  unsubscribe.filters.push_back(topic);
  REQUIRE(durable.say(house.active(), unsubscribe));
  house.publish(publisher, "not kept");
  CHECK(plain.out().empty());
  house.turn();
  CHECK(messages(plain) == std::vector<Got>{{"kept", qos1, 1}, {"not kept", qos1, 2}});
}

TEST_CASE("a turn's first packet waits for the node's word, whatever came between two turns") {
  House house;
  test::FakeClient& stays = house.client({.id = "stays"});
  test::FakeClient& goes = house.client({.id = "goes"});
  house.turn();
  house.leave(goes);  // as the node's flush at the end of a turn may make it
  house.turns_may_begin(false);
  stays.say(house.active(), mqtt::Pingreq{});
  CHECK(stays.closed());
  CHECK(stays.out().empty());
}

}  // namespace tandem::broker
