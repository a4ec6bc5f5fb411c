// Shared subscriptions beside plain ones, and members that come and go.
#include <doctest/doctest.h>

#include <set>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

TEST_CASE("MQTT5-3.3.4-5, U-30: of several copies each has the identifier of its own subscription, if it has one") {
  std::string topic = unique("copies/");
  Client client = connected(5);
  client.subscribe(std::vector<Filter>{{topic, 1}}, Properties().number(prop::subscription_id, 1));
  client.subscribe(std::vector<Filter>{{"$share/a/" + topic, 1}}, Properties().number(prop::subscription_id, 2));
  client.subscribe("$share/b/" + topic, 1);
  Client publisher = connected(5);
  publisher.publish(topic, "x", 1);
  std::multiset<uint32_t> ids;
  for (int i = 0; i < 3; ++i) {
    Packet message = client.receive();
    CHECK(message.properties.count(prop::subscription_id) <= 1);
    ids.insert(message.properties.number(prop::subscription_id).value_or(0));
  }
  CHECK(ids == std::multiset<uint32_t>{0, 1, 2});
  client.expect_quiet_until_pingresp();
}

TEST_CASE(
    "U-31, T-54: a member that goes without a PUBACK, and its session with it, leaves its messages to the others") {
  std::string topic = unique("left/");
  std::string filter = "$share/left/" + topic;
  for (const bool durable : {false, true}) {
    Client first = client_of(broker(), 5, unique("left"));
    if (durable) make_durable(first);
    first.connect();
    first.subscribe(filter, 1);
    Client publisher = connected(5);
    for (int i = 0; i < 3; ++i) CHECK(publisher.publish(topic, std::to_string(i), 1) == 0);
    for (int i = 0; i < 3; ++i) CHECK(first.expect(Type::publish).payload == std::to_string(i));
    Client second = connected(5);
    second.subscribe(filter, 1);
    if (durable)
      first.disconnect(0, Properties().number(prop::session_expiry, 0));  // ends its session
    else
      first.abort();
    for (int i = 0; i < 3; ++i) CHECK(second.receive().payload == std::to_string(i));
    second.expect_quiet_until_pingresp();
  }
}

TEST_CASE("T-28, MQTT5-4.5.0-1: a group whose members are all away keeps its messages for one of them") {
  std::string topic = unique("away/");
  std::string filter = "$share/away/" + topic;
  Client first = connected_durable(5, unique("away"));
  Client second = connected_durable(4, unique("away"));
  first.subscribe(filter, 1);
  second.subscribe(filter, 1);
  first.disconnect();
  second.disconnect();
  Client publisher = connected(5);
  constexpr size_t count = 10;
  for (size_t i = 0; i < count; ++i) CHECK(publisher.publish(topic, std::to_string(i), 1) == 0);
  first.connect();
  second.connect();
  std::multiset<std::string> came;
  for (Client* member : {&first, &second}) {
    while (std::optional<Packet> message = member->try_receive(Millis(300))) came.insert(message->payload);
  }
  CHECK(came.size() == count);
  CHECK(std::set<std::string>(came.begin(), came.end()).size() == count);
}
