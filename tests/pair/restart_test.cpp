// Restarts in every order, and kills that meet an image on its way or a checkpoint. TANDEM_PAIR_ROUNDS: how often
// (default 1); TANDEM_PAIR_SEED: other moments.
#include <doctest/doctest.h>

#include <random>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

PairOptions on_both_disks() {
  PairOptions options;
  options.durability = "peer+disk";  // both may be down at once, and nothing may be lost
  options.takeover_lines = "boot_wait_ms = 3000\n";
  return options;
}

class RestartTest {
 public:
  RestartTest() {
    pair_.start();
    plant_ = std::make_unique<Plant>(pair_.endpoints());
  }

  // One after the other is ended (in order or by SIGKILL), then both start again in this or the other order.
  void round(bool active_first, bool killed, bool both_down, bool same_order);

 private:
  void end(Node& node, bool killed) const;
  void let_pass_some() { let_pass(Millis(std::uniform_int_distribution<int>(0, 300)(random_))); }

  Folder folder_{"restart"};
  Pair pair_{folder_, on_both_disks()};
  std::mt19937 random_{static_cast<unsigned>(rounds_of("TANDEM_PAIR_SEED", 1))};
  std::unique_ptr<Plant> plant_;
};

void RestartTest::end(Node& node, bool killed) const {
  if (killed) {
    node.kill();
  } else {
    CHECK(node.stop() == 0);
  }
}

void RestartTest::round(bool active_first, bool killed, bool both_down, bool same_order) {
  Node& active = pair_.await_active();
  Node& first = active_first ? active : pair_.other(active);
  Node& second = pair_.other(first);
  plant_->start();
  let_pass_some();
  end(first, killed);
  if (both_down) {
    let_pass_some();
    end(second, killed);
    (same_order ? first : second).start();
    let_pass_some();
    (same_order ? second : first).start();
  } else {
    let_pass_some();
    first.start();
  }
  pair_.await_protected();
  plant_->goes_on();
  REQUIRE(plant_->finish());
  std::string wrong = plant_->verdict();
  REQUIRE_MESSAGE(wrong.empty(), wrong);
  pair_.await_equal();
}

void fill_retained(const Endpoint& endpoint, uint32_t megabytes) {
  ClientOptions options;
  options.port = endpoint.port;
  options.connect.client_id = "filler";
  options.timeout = scaled(Millis(30'000));
  Client client(options);
  client.connect();
  Publish publish;
  publish.qos = 1;
  publish.retain = true;
  constexpr uint32_t in_flight = 8;
  uint32_t messages = megabytes * 10;
  for (uint32_t number = 0; number < messages + in_flight; ++number) {
    if (number >= in_flight) client.expect(Type::puback);
    if (number >= messages) continue;
    publish.topic = "filled/" + std::to_string(number);
    publish.payload = std::string(100'000, static_cast<char>('a' + number % 26));
    publish.pid = static_cast<uint16_t>(number % 60'000 + 1);
    client.send_publish(publish);
  }
  client.disconnect();
}

}  // namespace

TEST_CASE("roles: restarts in every order lose nothing that was acknowledged") {
  RestartTest test;
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 1);
  for (int round = 0; round < rounds; ++round) {
    for (bool killed : {false, true}) {
      for (bool active_first : {false, true}) {
        CAPTURE(round);
        CAPTURE(killed);
        CAPTURE(active_first);
        test.round(active_first, killed, false, false);
        test.round(active_first, killed, true, round % 2 == 0);
      }
    }
  }
}

TEST_CASE("roles REJOIN: kill -9 of either box while an image of 50 MB is on its way") {
  Folder folder("image");
  PairOptions options;
  options.store_lines = "checkpoint_mb = 4\nlog_max_mb = 8\n";
  Pair pair(folder, options);
  pair.start();
  Plant plant(pair.endpoints());
  plant.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  standby.kill();
  fill_retained(active.endpoint(), 50);
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 1);
  for (int round = 0; round < 2 * rounds; ++round) {
    CAPTURE(round);
    standby.start();
    until([&] { return standby.status() && standby.status()->self.mode == "syncing"; }, "the image is on its way");
    // The active's copy is the only one: it is killed too and must come back with everything.
    Node& victim = round % 2 == 0 ? standby : active;
    victim.kill();
    if (&victim == &active) {
      active.start();
      pair.await_protected();
      standby.kill();
    }
  }
  standby.start();
  pair.await_protected();
  plant.goes_on();
  REQUIRE(plant.finish());
  plant.check();
  pair.await_equal();
}

TEST_CASE("store: kill -9 during checkpoints loses nothing that was acknowledged") {
  Folder folder("checkpoint");
  PairOptions options;
  options.store_lines = "checkpoint_s = 1\ncheckpoint_mb = 1\nlog_max_mb = 2\n";
  Pair pair(folder, options);
  pair.start();
  PlantOptions load;
  load.payload_bytes = 2'000;
  Plant plant(pair.endpoints(), load);
  std::mt19937 random{static_cast<unsigned>(rounds_of("TANDEM_PAIR_SEED", 1))};
  plant.start();
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 1);
  for (int round = 0; round < 3 * rounds; ++round) {
    CAPTURE(round);
    plant.goes_on(500);
    let_pass(Millis(std::uniform_int_distribution<int>(0, 300)(random)));
    Node& active = pair.await_active();
    Node& victim = round % 2 == 0 ? active : pair.other(active);
    victim.kill();
    victim.start();
    pair.await_protected();
  }
  plant.goes_on();
  REQUIRE(plant.finish());
  plant.check();
  pair.await_equal();
}
