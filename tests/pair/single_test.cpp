// One node without a pair: kill -9 and a new start lose nothing that was acknowledged.
#include <doctest/doctest.h>

#include <random>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

PublisherOptions publisher_options(const Node& node, uint8_t qos) {
  PublisherOptions options;
  options.endpoints = {node.endpoint()};
  options.client_id = "publisher-q" + std::to_string(qos);
  options.version = qos == 1 ? 4 : 5;
  options.topic = "t/q" + std::to_string(qos);
  options.qos = qos;
  return options;
}

SubscriberOptions subscriber_options(const Node& node) {
  SubscriberOptions options;
  options.endpoints = {node.endpoint()};
  options.client_id = "subscriber";
  options.filter = "t/#";
  return options;
}

NodeOptions single_node() {
  NodeOptions options;
  options.port = free_port();
  options.store_lines = "checkpoint_mb = 1\nlog_max_mb = 2\n";  // kills meet checkpoints, too
  return options;
}

}  // namespace

TEST_CASE("mode single: kill -9 and a new start keep everything that was acknowledged") {
  Folder folder("single");
  Node node(folder, single_node());
  node.start();
  Publisher q1(publisher_options(node, 1));
  Publisher q2(publisher_options(node, 2));
  Subscriber subscriber(subscriber_options(node));
  subscriber.make_session();
  std::optional<NodeStatus> status = node.status();
  REQUIRE(status);
  CHECK(status->self.mode == "single");
  CHECK(!status->is_protected);
  std::mt19937 random(static_cast<unsigned>(rounds_of("TANDEM_PAIR_SEED", 1)));
  int rounds = rounds_of("TANDEM_SINGLE_ROUNDS", 5);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    bool online = round % 2 == 1;
    if (online) subscriber.go_online();
    uint32_t kill_after = std::uniform_int_distribution<uint32_t>(50, 1'700)(random);
    uint32_t before = q1.acked() + q2.acked();
    q1.start(1'000);
    q2.start(1'000);
    while (q1.acked() + q2.acked() < before + kill_after) std::this_thread::yield();
    node.kill();
    node.start();
    REQUIRE(q1.wait());
    REQUIRE(q2.wait());
    if (!online) subscriber.go_online();
    REQUIRE(subscriber.await_count("t/q1", q1.sent()));
    REQUIRE(subscriber.await_count("t/q2", q2.sent()));
    REQUIRE_MESSAGE(broken_promises(q1, subscriber).empty(), joined(broken_promises(q1, subscriber)));
    REQUIRE_MESSAGE(broken_promises(q2, subscriber).empty(), joined(broken_promises(q2, subscriber)));
    subscriber.go_offline();
  }
  CHECK(node.stop() == 0);
}
