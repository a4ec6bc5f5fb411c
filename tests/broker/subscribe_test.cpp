// A SUBSCRIBE with many wildcards over many retained messages: one filter a turn, and none while a switchover needs
// silence.
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "tests/broker/active_house.hpp"

#undef CHECK  // base/check.hpp's; in tests it is doctest's
#include <doctest/doctest.h>

namespace tandem::broker {

namespace {

constexpr std::size_t filters = 30;
constexpr std::size_t retained = limits::turn_work_per_connection / filters + 1;

mqtt::Connect connect_of(std::string_view id) {
  mqtt::Connect connect;
  connect.client_id = id;
  connect.clean_start = false;  // 3.1.1: a durable session
  return connect;
}

class House : public test::ActiveHouse {
 public:
  House() : subscriber_(connect(connect_of("subscriber"))) {
    test::FakeClient& publisher = connect(connect_of("publisher"));
    for (std::size_t i = 0; i < retained; ++i) {
      const std::string topic = "kept/" + std::to_string(i);
      mqtt::Publish publish;
      publish.topic = topic;
      publish.payload = "x";
      publish.retain = true;
      REQUIRE(publisher.say(active(), publish));
      turn();
    }
    REQUIRE(state().retained().size() == retained);
    leave(publisher);
  }

  // None of the filters matches anything.
  void subscribe() {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < filters; ++i) texts.push_back("none/" + std::to_string(i) + "/+");
    mqtt::Subscribe packet;
    packet.packet_id = 7;
    for (const std::string& text : texts) packet.requests.push_back({text, {.qos = mqtt::Qos::at_least_once}});
    REQUIRE(subscriber_.say(active(), packet));
  }
  std::size_t subscribed() const { return state().session_of("subscriber")->subscriptions.size(); }
  test::FakeClient& subscriber() { return subscriber_; }

 private:
  test::FakeClient& subscriber_;
};

const std::string suback = std::string("\x90\x20\x00\x07", 4) + std::string(filters, '\x01');

}  // namespace

TEST_CASE("MQTT5-3.8.4-1: a SUBSCRIBE that makes much work is done one filter a turn, and answered with the last") {
  House house;
  house.subscribe();
  CHECK(house.subscribed() == 0);
  for (std::size_t done = 1; done <= filters; ++done) {
    REQUIRE(house.active().wants_turn());
    REQUIRE(house.subscriber().paused());
    REQUIRE(house.subscriber().out().empty());
    house.turn();
    REQUIRE(house.subscribed() == done);
  }
  CHECK(house.subscriber().out() == suback);
  CHECK_FALSE(house.subscriber().paused());
  CHECK_FALSE(house.active().wants_turn());
}

TEST_CASE("a SUBSCRIBE that is done by turns records nothing while publishers are held, and goes on afterwards") {
  House house;
  house.subscribe();
  constexpr std::size_t before = 3;
  for (std::size_t i = 0; i < before; ++i) house.turn();
  house.active().hold_publishers(true);
  const Lsn last = house.active().last();
  CHECK_FALSE(house.active().wants_turn());  // or the loop would turn without a rest
  for (std::size_t i = 0; i < filters; ++i) house.turn();
  CHECK(house.active().last() == last);
  CHECK(house.subscribed() == before);
  CHECK(house.subscriber().paused());

  house.active().hold_publishers(false);
  CHECK(house.active().wants_turn());
  for (std::size_t done = before; done < filters; ++done) house.turn();
  CHECK(house.subscribed() == filters);
  CHECK(house.subscriber().out() == suback);
  CHECK_FALSE(house.subscriber().paused());
}

}  // namespace tandem::broker
