// What the settings promise: durability "disk", solo = "refuse", takeover.unsure = "wait", and promote --force.
#include <doctest/doctest.h>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

Client client_of(const Endpoint& endpoint, const std::string& id) {
  ClientOptions options;
  options.port = endpoint.port;
  options.connect.client_id = id;
  options.timeout = scaled(Millis(10'000));
  Client client(options);
  connect_any(client, {endpoint}, scaled(Millis(10'000)));
  return client;
}

}  // namespace

TEST_CASE("durability disk: what was acknowledged alone on the active's disk or at the peer is there after kills") {
  Folder folder("disk");
  PairOptions options;
  options.durability = "disk";
  Pair pair(folder, options);
  pair.start();
  CHECK(pair.await_active().status()->text.find("\"durability\":\"disk\"") != std::string::npos);
  Plant plant(pair.endpoints());
  plant.start();
  // The active alone comes back, then takes the other one in again.
  Node& first = pair.await_active();
  Node& second = pair.other(first);
  second.kill();
  plant.goes_on();
  first.kill();
  first.start();
  until([&] { return first.is_active(); }, "it serves again");
  plant.goes_on();
  second.start();
  pair.await_protected();
  first.kill();
  until([&] { return second.is_active(); }, "the other takes over");
  plant.goes_on();
  REQUIRE(plant.finish());
  plant.check();
  first.start();
  pair.await_equal();
}

TEST_CASE("solo refuse: without a peer QoS 1 waits, pings and QoS 0 go on, and everything continues with the peer") {
  Folder folder("refuse");
  PairOptions options;
  options.mirror_lines = "solo = \"refuse\"";
  Pair pair(folder, options);
  pair.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  Client listener = client_of(active.endpoint(), "listener");
  listener.subscribe("live/#", 0);
  Client publisher = client_of(active.endpoint(), "publisher");
  Client durable(ClientOptions{});
  durable.options().port = active.port();
  durable.options().connect.client_id = "durable";
  durable.options().connect.clean = false;
  durable.options().timeout = scaled(Millis(10'000));
  durable.connect();
  durable.subscribe("kept/#", 1);
  CHECK(publisher.publish("kept/1", "before", 1) == 0);
  CHECK(durable.receive().payload == "before");
  CHECK(standby.stop() == 0);
  until([&] { return active.status() && active.status()->self.mode == "solo"; }, "the active is alone");
  Publish kept;
  kept.topic = "kept/1";
  kept.payload = "alone";
  kept.qos = 1;
  uint16_t pid = publisher.send_publish(kept);
  for (int i = 0; i < 20; ++i) {
    CHECK(publisher.publish("live/1", std::to_string(i), 0) == 0);
    CHECK(listener.receive().payload == std::to_string(i));
    publisher.expect_quiet_until_pingresp();
  }
  CHECK(active.is_active());
  standby.start();
  publisher.await(Type::puback, pid, scaled(Millis(20'000)));
  CHECK(durable.receive().payload == "alone");
  pair.await_protected();
  CHECK(publisher.publish("kept/1", "after", 1) == 0);
  CHECK(durable.receive().payload == "after");
}

TEST_CASE("takeover.unsure wait: a box that may lack something waits for a person; promote --force serves") {
  Folder folder("wait");
  PairOptions options;
  options.durability = "peer+disk";  // both are killed at once
  options.takeover_lines = "unsure = \"wait\"\nboot_wait_ms = 3000\n";
  Pair pair(folder, options);
  pair.start();
  Plant plant(pair.endpoints());
  plant.start();
  REQUIRE(plant.finish());
  pair.await_equal();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  active.kill();
  standby.kill();
  standby.start();
  until([&] { return standby.status() && standby.status()->text.find("takeover.unsure") != std::string::npos; },
        "it says that it waits");
  CHECK(!standby.is_active());
  Ran forced = standby.control({"promote", "--force", "--yes"});
  CHECK_MESSAGE(forced.code == 0, forced.output);
  until([&] { return standby.is_active(); }, "it serves");
  active.start();
  pair.await_protected();
  CHECK(standby.is_active());
  plant.check();
  pair.await_equal();
}
