// Planned work on real processes: switchover from either box under load, what MQTT 5 clients are told, maintenance over
// a restart.
#include <doctest/doctest.h>

#include "tests/client/client.hpp"
#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

void switch_over(Pair& pair, Node& ordered_at) {
  Node& active = pair.await_active();
  pair.await_protected();
  const Ran ran = ordered_at.control({"switchover"});
  CHECK_MESSAGE(ran.code == 0, ran.output);
  CHECK(ran.output.find(pair.other(active).name() + " serves now") != std::string::npos);
  CHECK(pair.other(active).is_active());
  CHECK_FALSE(active.is_active());
}

}  // namespace

TEST_CASE("roles S: switchover from either box under load loses nothing, and QoS 2 comes once") {
  Folder folder("switchover");
  Pair pair(folder, PairOptions{});
  pair.start();
  Plant plant(pair.endpoints());
  plant.start();
  Node& first = pair.await_active();
  switch_over(pair, first);  // at the active
  plant.goes_on();
  switch_over(pair, first);  // at the standby: back
  plant.goes_on();
  CHECK(plant.finish());
  plant.check();
  pair.await_equal();
}

TEST_CASE("MQTT5-4.11.0-1: a switchover tells MQTT 5 clients where to go, if configured so") {
  Folder folder("redirect");
  PairOptions options;
  options.takeover_lines = "redirect = \"use_another_server\"\nredirect_to = \"192.0.2.7:1883\"\n";
  Pair pair(folder, options);
  pair.start();
  Node& active = pair.await_active();
  ClientOptions client_options;
  client_options.port = active.port();
  client_options.connect.client_id = "modern";
  client_options.connect.version = 5;
  Client modern(client_options);
  modern.connect();
  switch_over(pair, active);
  const std::vector<Packet> last = modern.expect_closed();
  REQUIRE(last.size() == 1);
  CHECK(last[0].type == Type::disconnect);
  CHECK(last[0].code() == 0x9C);
  CHECK(last[0].properties.text(prop::server_reference) == "192.0.2.7:1883");
}

TEST_CASE("roles M: a box in maintenance does not take over, also after a restart, until it is over") {
  Folder folder("maintenance");
  PairOptions options;
  options.takeover_lines = "boot_wait_ms = 3000\n";
  Pair pair(folder, options);
  pair.start();
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  CHECK(active.control({"maintenance", "on"}).code == 1);  // it serves
  CHECK(standby.control({"maintenance", "on"}).code == 0);
  const std::string journal = standby.journal();
  const std::string told = "Maintenance begins";
  CHECK(journal.find(told) != std::string::npos);
  CHECK(journal.find(told) == journal.rfind(told));  // once
  until([&] { return active.status() && !active.status()->is_protected; },
        "the active says that nobody would take over");
  CHECK(active.control({"switchover"}).code == 1);
  CHECK(standby.stop() == 0);
  standby.start();
  until([&] { return standby.status() && standby.status()->self.mode == "in_sync"; }, "it follows all the same");
  active.kill();
  until([&] { return standby.control({"status"}).output.find("does not take over") != std::string::npos; },
        "it says why nobody serves");
  let_pass(Millis(4'000));
  CHECK_FALSE(standby.is_active());
  CHECK(standby.control({"maintenance", "off"}).code == 0);
  until([&] { return standby.is_active(); }, "it takes over now");
}
