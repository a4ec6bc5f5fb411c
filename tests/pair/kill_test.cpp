// kill -9 of the active in the middle of a stream, again and again: nothing acknowledged is lost, QoS 2 comes
// once, order holds, sessions and retained messages are there, and no will of a client that returned fires.
// TANDEM_PAIR_ROUNDS: how many rounds; TANDEM_PAIR_SEED: other moments.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"
#include "tests/pair/will_client.hpp"

using namespace tandem::test;

namespace {

constexpr uint32_t messages_a_round = 1'000;
constexpr uint32_t earliest_kill = 50;  // messages acknowledged in the round
constexpr uint32_t latest_kill = 1'700;

PublisherOptions publisher_options(const Pair& pair, uint8_t qos) {
  PublisherOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "publisher-q" + std::to_string(qos);
  options.version = qos == 1 ? 4 : 5;
  options.topic = "t/q" + std::to_string(qos);
  options.qos = qos;
  return options;
}

SubscriberOptions subscriber_options(const Pair& pair) {
  SubscriberOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "subscriber";
  options.version = 5;
  options.filter = "t/#";
  return options;
}

Client plain_client(const Pair& pair, const std::string& id) {
  ClientOptions options;
  options.port = pair.endpoints().front().port;
  options.connect.client_id = id;
  options.timeout = scaled(Millis(5'000));
  return Client(options);
}

class KillTest {
 public:
  KillTest() : random_(static_cast<unsigned>(rounds_of("TANDEM_PAIR_SEED", 1))) {
    pair_.start();
    subscriber_.make_session();
    returning_.start();
  }

  void round(int number);
  void end();

 private:
  Node& kill_mid_stream();
  void take_over(int number);
  WillClientOptions will_options(const std::string& id, const std::string& topic, int number) const;

  Folder folder_{"kill"};
  Pair pair_{folder_, PairOptions{}};
  std::mt19937 random_;
  Publisher q1_{publisher_options(pair_, 1)};
  Publisher q2_{publisher_options(pair_, 2)};
  Subscriber subscriber_{subscriber_options(pair_)};
  WillClient returning_{will_options("returning", "t/will/returned", 0)};
  std::vector<SteadyTime> killed_at_;
  std::vector<double> takeover_ms_;
};

WillClientOptions KillTest::will_options(const std::string& id, const std::string& topic, int number) const {
  WillClientOptions options;
  options.endpoints = pair_.endpoints();
  options.client_id = id;
  options.topic = topic;
  options.payload = std::to_string(number);
  return options;
}

// Returns the node that was killed.
Node& KillTest::kill_mid_stream() {
  Node& active = pair_.await_active();
  uint32_t kill_after = std::uniform_int_distribution<uint32_t>(earliest_kill, latest_kill)(random_);
  uint32_t before = q1_.acked() + q2_.acked();
  q1_.start(messages_a_round);
  q2_.start(messages_a_round);
  while (q1_.acked() + q2_.acked() < before + kill_after) std::this_thread::yield();
  killed_at_.push_back(std::chrono::steady_clock::now());
  active.kill();
  return active;
}

// The first client that the new active serves also finds the retained message.
void KillTest::take_over(int number) {
  Client probe = plain_client(pair_, "probe");
  connect_any(probe, pair_.endpoints(), scaled(Millis(10'000)));
  std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - killed_at_.back();
  takeover_ms_.push_back(took.count());
  probe.subscribe("t/retained", 1);
  Packet retained = probe.receive();
  CHECK(retained.payload == std::to_string(number));
  CHECK(retained.retain());
  probe.disconnect();
}

void KillTest::round(int number) {
  Client client = plain_client(pair_, "retainer");
  client.connect();
  REQUIRE(client.publish("t/retained", std::to_string(number), 1, true) == 0);
  client.disconnect();
  WillClient leaving(will_options("leaving-" + std::to_string(number), "t/will/left", number));
  leaving.connect();
  bool online = number % 2 == 0;
  if (online) subscriber_.go_online();

  Node& killed = kill_mid_stream();
  take_over(number);
  killed.start();
  REQUIRE(q1_.wait());
  REQUIRE(q2_.wait());
  if (!online) subscriber_.go_online();
  REQUIRE(subscriber_.await_count("t/q1", q1_.sent()));
  REQUIRE(subscriber_.await_count("t/q2", q2_.sent()));
  REQUIRE_MESSAGE(broken_promises(q1_, subscriber_).empty(), joined(broken_promises(q1_, subscriber_)));
  REQUIRE_MESSAGE(broken_promises(q2_, subscriber_).empty(), joined(broken_promises(q2_, subscriber_)));
  pair_.await_equal();
  CHECK(&pair_.await_active() == &pair_.other(killed));
  subscriber_.go_offline();
}

// The will of the last round fires no earlier than a wrong one of the client that returned would.
void KillTest::end() {
  subscriber_.go_online();
  REQUIRE(subscriber_.await_count("t/will/left", killed_at_.size()));
  subscriber_.go_offline();
  CHECK(returning_.violations().empty());
  CHECK_MESSAGE(subscriber_.count("t/will/returned") == 0, "the will of a client that returned has fired");
  for (const auto& [number, will] : subscriber_.received("t/will/left")) {
    CAPTURE(number);
    CHECK(will.times == 1);
    CHECK(will.first_at - killed_at_.at(number) > returning_.grace() - Millis(100));
  }
  for (Node* node : {&pair_.a(), &pair_.b()}) {
    CHECK_MESSAGE(node->journal().find(" error ") == std::string::npos, node->journal());
  }
  std::sort(takeover_ms_.begin(), takeover_ms_.end());
  std::printf("kill -9 to the first CONNACK, %zu rounds: median %.0f ms, max %.0f ms\n", takeover_ms_.size(),
              takeover_ms_[takeover_ms_.size() / 2], takeover_ms_.back());
}

}  // namespace

TEST_CASE("roles: kill -9 of the active in the middle of a stream loses nothing that was acknowledged") {
  KillTest test;
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 20);
  for (int number = 0; number < rounds; ++number) {
    CAPTURE(number);
    test.round(number);
  }
  test.end();
}
