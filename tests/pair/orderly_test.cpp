// A pair's first start, orderly stops, a standby that missed much, and `promote --first`.
#include <doctest/doctest.h>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

PublisherOptions publisher_options(const std::vector<Endpoint>& endpoints, uint8_t qos) {
  PublisherOptions options;
  options.endpoints = endpoints;
  options.client_id = "publisher-q" + std::to_string(qos);
  options.topic = "t/q" + std::to_string(qos);
  options.qos = qos;
  options.rate_per_s = 1'000;
  return options;
}

SubscriberOptions subscriber_options(const std::vector<Endpoint>& endpoints) {
  SubscriberOptions options;
  options.endpoints = endpoints;
  options.client_id = "subscriber";
  options.filter = "t/#";
  return options;
}

// So long a wait before an active acknowledges alone that no test could sit it out: what goes on is proved to
// be waived.
PairOptions very_long_solo_wait() {
  PairOptions options;
  options.takeover_lines = "lease_ms = 500000\nsolo_wait_ms = 500500\nboot_wait_ms = 500500\n";
  return options;
}

// Publishers and a subscriber around a pair.
struct Plant {
  explicit Plant(const Pair& pair)
      : q1(publisher_options(pair.endpoints(), 1)),
        q2(publisher_options(pair.endpoints(), 2)),
        subscriber(subscriber_options(pair.endpoints())) {
    subscriber.make_session();
  }

  void start() {
    q1.start_endless();
    q2.start_endless();
    goes_on();
  }

  // 200 more messages of each are acknowledged.
  void goes_on() const {
    uint32_t before_q1 = q1.acked();
    uint32_t before_q2 = q2.acked();
    until([&] { return q1.acked() > before_q1 + 200 && q2.acked() > before_q2 + 200; }, "publishing goes on");
  }

  void finish() {
    CHECK(q1.finish());
    CHECK(q2.finish());
    subscriber.go_online();
    CHECK(subscriber.await_count("t/q1", q1.sent()));
    CHECK(subscriber.await_count("t/q2", q2.sent()));
    subscriber.go_offline();
    CHECK_MESSAGE(broken_promises(q1, subscriber).empty(), joined(broken_promises(q1, subscriber)));
    CHECK_MESSAGE(broken_promises(q2, subscriber).empty(), joined(broken_promises(q2, subscriber)));
  }

  Publisher q1;
  Publisher q2;
  Subscriber subscriber;
};

bool serves(const Endpoint& endpoint) {
  ClientOptions options;
  options.port = endpoint.port;
  options.connect.client_id = "probe";
  Client client(options);
  try {
    client.connect();
  } catch (const ClientError&) {
    return false;
  }
  client.disconnect();
  return true;
}

}  // namespace

TEST_CASE("roles EMPTY: two new nodes agree on an active one and are protected; both show it") {
  Folder folder("first");
  Pair pair(folder, PairOptions{});
  pair.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  until([&] { return standby.status() && standby.status()->is_protected; }, "the standby says so too");
  NodeStatus status = standby.status().value();
  CHECK(status.self.role == "standby");
  CHECK(status.self.mode == "in_sync");
  CHECK(status.peer.role == "active");
  CHECK(status.peer.name == active.name());
  CHECK(active.status()->self.mode == "mirrored");
  for (Node* node : {&active, &standby}) {
    Ran shown = node->control({"status"});
    CHECK(shown.code == 0);
    CHECK(shown.output.find(active.name()) != std::string::npos);
    CHECK(shown.output.find(standby.name()) != std::string::npos);
  }
  CHECK(serves(active.endpoint()));
}

TEST_CASE("roles RELEASE: the active goes on at once when its standby stops in order") {
  Folder folder("release");
  Pair pair(folder, very_long_solo_wait());
  pair.start();
  Plant plant(pair);
  plant.start();
  Node& standby = pair.other(pair.await_active());
  CHECK(standby.stop() == 0);
  plant.goes_on();
  CHECK(pair.other(standby).status()->self.mode == "solo");
  CHECK(!pair.other(standby).status()->is_protected);
  standby.start();
  pair.await_protected();
  plant.finish();
  pair.await_equal();
}

TEST_CASE("roles: an active that stops in order hands over, and comes back as standby") {
  Folder folder("handover");
  Pair pair(folder, very_long_solo_wait());
  pair.start();
  Plant plant(pair);
  plant.start();
  Node& first = pair.await_active();
  CHECK(first.stop() == 0);
  until([&] { return pair.other(first).is_active(); }, "the standby takes over");
  plant.goes_on();
  first.start();
  pair.await_protected();
  CHECK(&pair.await_active() == &pair.other(first));
  plant.finish();
  pair.await_equal();
}

TEST_CASE("roles REJOIN: a standby that missed more than the log holds catches up while publishing goes on") {
  Folder folder("rejoin");
  PairOptions options;
  options.store_lines = "checkpoint_mb = 1\nlog_max_mb = 2\n";
  Pair pair(folder, options);
  pair.start();
  Plant plant(pair);
  plant.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  standby.kill();
  PublisherOptions much = publisher_options(pair.endpoints(), 1);
  much.client_id = "much";
  much.topic = "t/much";
  much.rate_per_s = 0;
  much.payload_bytes = 2'000;
  Publisher publisher(much);
  publisher.start(5'000);
  CHECK(publisher.wait());
  plant.goes_on();
  standby.start();
  pair.await_protected();
  plant.goes_on();
  active.kill();
  until([&] { return standby.is_active(); }, "the standby takes over");
  plant.goes_on();
  plant.finish();
  CHECK(plant.subscriber.count("t/much") == 5'000);
  CHECK_MESSAGE(broken_promises(publisher, plant.subscriber).empty(),
                joined(broken_promises(publisher, plant.subscriber)));
  active.start();
  pair.await_equal();
}

TEST_CASE("roles R14: a lone new node serves only after promote --first, and then takes a new peer in") {
  Folder folder("lone");
  Pair pair(folder, PairOptions{});
  Node& lone = pair.a();
  lone.start();
  until([&] { return lone.status().has_value(); }, "the node answers");
  CHECK(lone.status()->self.mode == "empty");
  CHECK(!serves(lone.endpoint()));
  Ran ran = lone.control({"promote", "--first"});
  CHECK_MESSAGE(ran.code == 0, ran.output);
  until([&] { return serves(lone.endpoint()); }, "the node serves");
  Plant plant(pair);
  plant.start();
  pair.b().start();
  pair.await_protected();
  CHECK(&pair.await_active() == &lone);
  Ran refused = pair.b().control({"promote", "--first"});
  CHECK_MESSAGE(refused.code != 0, refused.output);
  plant.finish();
  pair.await_equal();
}
