// The short way of a message that nobody keeps: each receiver gets what the long way would give it.
#include <memory>
#include <string>
#include <vector>

#include "broker/active.hpp"
#include "tests/broker/fake_client.hpp"

#undef CHECK  // base/check.hpp's; in tests it is doctest's
#include <doctest/doctest.h>

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

class House {
 public:
  House() {
    active_.attach(connections_, [this] { return ++dice_; });
    active_.on_turn_begin([] { return true; });
    active_.begin(state_, Epoch{1, NodeId{1}, 1}, Lsn{}, Instant{1});
  }
  ~House() { active_.end(); }

  test::FakeClient& connect(const Wanted& wanted) {
    clients_.push_back(
        std::make_unique<test::FakeClient>(ConnectionId{static_cast<std::uint32_t>(clients_.size()), 1}));
    test::FakeClient& client = *clients_.back();
    connections_.add(client);
    mqtt::Connect connect;
    connect.version = wanted.version;
    connect.client_id = wanted.id;
    connect.clean_start = !wanted.durable;
    if (wanted.max_packet_bytes != 0) connect.properties.maximum_packet_bytes = wanted.max_packet_bytes;
    REQUIRE(client.say(active_, connect));
    turn();
    client.out().clear();
    return client;
  }
  test::FakeClient& subscribe(const Wanted& wanted) {
    test::FakeClient& client = connect(wanted);
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.requests.push_back({topic, {.qos = wanted.qos}});
    REQUIRE(client.say(active_, subscribe));
    turn();
    client.out().clear();
    return client;
  }
  void publish(test::FakeClient& client, std::string_view payload, mqtt::Qos qos = mqtt::Qos::at_least_once) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = qos;
    packet.packet_id = qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : std::uint16_t{9};
    REQUIRE(client.say(active_, packet));
  }
  void acknowledge(test::FakeClient& client, std::uint16_t packet_id) {
    REQUIRE(client.say(active_, mqtt::Ack{mqtt::Type::puback, packet_id, mqtt::Reason::success, {}}));
  }
  void turn() {
    active_.do_what_is_due();
    active_.take_batches();
    active_.end_turn();
    active_.release(active_.last());
  }
  Active& active() { return active_; }

 private:
  static core::Policy policy() {
    core::Policy policy;
    policy.allow_anonymous = true;
    policy.v3_in_flight = window;
    return policy;
  }

  core::State state_;
  edge::Connections connections_;
  Active active_{policy(), {}, nullptr};
  std::vector<std::unique_ptr<test::FakeClient>> clients_;
  std::uint64_t dice_ = 0;
};

// Takes what a client was sent: packets of one kind.
template <class Kind, class See>
void each_sent(test::FakeClient& client, See see) {
  mqtt::DecodeOptions options;
  options.version = client.version();
  options.from_client = false;
  mqtt::Packet packet;
  for (ByteView rest = client.out(); !rest.empty();) {
    const mqtt::Decoded decoded = mqtt::decode(rest, options, packet);
    REQUIRE(decoded.status == mqtt::DecodeStatus::packet);
    REQUIRE(std::holds_alternative<Kind>(packet));
    see(std::get<Kind>(packet));
    rest.remove_prefix(decoded.used);
  }
  client.out().clear();
}

std::vector<Got> messages(test::FakeClient& client) {
  std::vector<Got> got;
  each_sent<mqtt::Publish>(client, [&](const mqtt::Publish& packet) {
    CHECK(packet.topic == topic);
    got.push_back({std::string(packet.payload), packet.qos, packet.packet_id});
  });
  return got;
}

std::vector<mqtt::Reason> answers(test::FakeClient& client) {
  std::vector<mqtt::Reason> reasons;
  each_sent<mqtt::Ack>(client, [&](const mqtt::Ack& packet) { reasons.push_back(packet.reason); });
  return reasons;
}

constexpr mqtt::Qos qos0 = mqtt::Qos::at_most_once;
constexpr mqtt::Qos qos1 = mqtt::Qos::at_least_once;
constexpr mqtt::Version v5 = mqtt::Version::v5;

}  // namespace

TEST_CASE("MQTT5-3.8.4-8: what is not kept reaches each receiver in its own version and QoS, and makes no record") {
  House house;
  test::FakeClient& plain = house.subscribe({.id = "plain"});
  test::FakeClient& lower = house.subscribe({.id = "lower", .qos = qos0});
  test::FakeClient& newer = house.subscribe({.id = "newer", .version = v5});
  test::FakeClient& publisher = house.connect({.id = "publisher"});
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

TEST_CASE("MQTT5-4.9.0-2: a full window makes what is not kept wait in order, and each PUBACK lets one more out") {
  House house;
  test::FakeClient& slow = house.subscribe({.id = "slow"});
  test::FakeClient& publisher = house.connect({.id = "publisher"});
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
  test::FakeClient& small = house.subscribe({.id = "small", .version = v5, .max_packet_bytes = 60});
  test::FakeClient& publisher = house.connect({.id = "publisher", .version = v5});
  house.publish(publisher, std::string(60, 'x'));
  CHECK(messages(small).empty());
  house.publish(publisher, "fits");
  CHECK(messages(small) == std::vector<Got>{{"fits", qos1, 2}});
}

TEST_CASE("the PUBACK of a message for nobody says so to an MQTT 5 client") {
  House house;
  test::FakeClient& publisher = house.connect({.id = "publisher", .version = v5});
  house.publish(publisher, "for nobody");
  CHECK(answers(publisher) == std::vector<mqtt::Reason>{mqtt::Reason::no_matching_subscribers});
}

TEST_CASE("a durable receiver's message takes the long way, and everybody else's with it") {
  House house;
  test::FakeClient& plain = house.subscribe({.id = "plain"});
  test::FakeClient& durable = house.subscribe({.id = "durable", .durable = true});
  test::FakeClient& publisher = house.connect({.id = "publisher"});
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
  test::FakeClient& plain = house.subscribe({.id = "plain"});
  test::FakeClient& publisher = house.connect({.id = "publisher"});
  test::FakeClient& durable = house.subscribe({.id = "durable", .durable = true});
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

}  // namespace tandem::broker
