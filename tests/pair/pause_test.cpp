// kill -STOP of the active: the other takes over; after kill -CONT the old active acknowledges nothing that
// the new one does not have, and becomes its standby. Each node has its own port and clients know both, as a
// paused process keeps its port. TANDEM_PAUSE_ROUNDS: how often, by turns.
#include <doctest/doctest.h>

#include <set>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

constexpr Millis pause_time{5'000};  // not scaled: it is the scenario, not a deadline
constexpr uint32_t rate_per_s = 1'000;

PairOptions own_ports() {
  PairOptions options;
  options.shared_port = false;
  return options;
}

PublisherOptions publisher_options(const Pair& pair, uint8_t qos) {
  PublisherOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "publisher-q" + std::to_string(qos);
  options.version = qos == 1 ? 5 : 4;
  options.topic = "t/q" + std::to_string(qos);
  options.qos = qos;
  options.rate_per_s = rate_per_s;
  return options;
}

SubscriberOptions subscriber_options(const Pair& pair) {
  SubscriberOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "subscriber";
  options.filter = "t/#";
  return options;
}

// Holds on to one node, whatever happens to it, and notes which of its numbered messages were acknowledged.
class LoyalClient {
 public:
  LoyalClient(const Node& node, int round) : topic_("t/loyal/" + std::to_string(round)), client_(options(node, round)) {
    client_.connect();
  }

  void publish_acked(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      CHECK(client_.publish(topic_, std::to_string(next_), 1) == 0);
      acked_.insert(next_++);
    }
  }

  // Into the socket of a node that does not read now.
  void send(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      Publish publish;
      publish.topic = topic_;
      publish.payload = std::to_string(next_);
      publish.qos = 1;
      numbers_[client_.send_publish(publish)] = next_++;
    }
  }

  // What the node still acknowledges until it ends the connection.
  void read_to_the_end() {
    for (const Packet& packet : client_.expect_closed()) {
      if (packet.type == Type::puback) acked_.insert(numbers_.at(packet.pid));
    }
  }

  const std::string& topic() const { return topic_; }
  const std::set<uint32_t>& acked() const { return acked_; }

 private:
  static ClientOptions options(const Node& node, int round) {
    ClientOptions options;
    options.port = node.port();
    options.connect.client_id = "loyal-" + std::to_string(round);
    options.timeout = scaled(Millis(10'000));
    return options;
  }

  std::string topic_;
  Client client_;
  uint32_t next_ = 0;
  std::map<uint16_t, uint32_t> numbers_;  // of messages in flight, by packet id
  std::set<uint32_t> acked_;
};

// The node has just been stopped: leaves it so for the time of the scenario. Publishing goes on at the other
// one meanwhile.
void sit_out_pause(Pair& pair, Node& active, const Publisher& q1, const Publisher& q2) {
  SteadyTime paused_at = std::chrono::steady_clock::now();
  until([&] { return pair.other(active).is_active(); }, "the other node takes over");
  uint32_t before_q1 = q1.acked();
  uint32_t before_q2 = q2.acked();
  until([&] { return q1.acked() > before_q1 + 200 && q2.acked() > before_q2 + 200; }, "publishing goes on");
  until([&] { return std::chrono::steady_clock::now() - paused_at > pause_time; }, "the pause");
  active.resume();
}

void pause_round(Pair& pair, Publisher& q1, Publisher& q2, Subscriber& subscriber, int round) {
  Node& active = pair.await_active();
  LoyalClient loyal(active, round);
  loyal.publish_acked(100);
  q1.start_endless();
  q2.start_endless();
  uint32_t before_q1 = q1.acked();
  uint32_t before_q2 = q2.acked();
  until([&] { return q1.acked() > before_q1 + 200 && q2.acked() > before_q2 + 200; }, "publishing");
  active.pause();
  loyal.send(100);
  sit_out_pause(pair, active, q1, q2);
  loyal.read_to_the_end();
  pair.await_protected();
  REQUIRE(q1.finish());
  REQUIRE(q2.finish());
  pair.await_equal();
  CHECK(&pair.await_active() == &pair.other(active));
  REQUIRE(subscriber.await_count("t/q1", q1.sent()));
  REQUIRE(subscriber.await_count("t/q2", q2.sent()));
  REQUIRE(subscriber.await_count(loyal.topic(), loyal.acked().size()));
  std::map<uint32_t, Received> received = subscriber.received(loyal.topic());
  for (uint32_t number : loyal.acked()) CHECK_MESSAGE(received.contains(number), "lost: " << number);
  REQUIRE_MESSAGE(broken_promises(q1, subscriber).empty(), joined(broken_promises(q1, subscriber)));
  REQUIRE_MESSAGE(broken_promises(q2, subscriber).empty(), joined(broken_promises(q2, subscriber)));
}

}  // namespace

TEST_CASE("roles A0: an active that was paused for 5 s acknowledges nothing that the new active does not have") {
  Folder folder("pause");
  Pair pair(folder, own_ports());
  pair.start();
  Publisher q1(publisher_options(pair, 1));
  Publisher q2(publisher_options(pair, 2));
  Subscriber subscriber(subscriber_options(pair));
  subscriber.make_session();
  subscriber.go_online();
  int rounds = rounds_of("TANDEM_PAUSE_ROUNDS", 2);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    pause_round(pair, q1, q2, subscriber, round);
  }
  subscriber.go_offline();
  CHECK_MESSAGE(subscriber.violations().empty(), joined(subscriber.violations()));
}
