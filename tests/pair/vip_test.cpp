// arbiter = "keepalived" with real addresses: this program and both boxes in a network namespace of their own, where
// the test moves the virtual IP on `lo` as keepalived would. Needs the right to make such a namespace; else skipped
// with a word.
#include <doctest/doctest.h>

#include "tests/own_network.hpp"
#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

const std::string vip_a = "127.0.9.1";  // one process sees all addresses of `lo`: each box watches one of its own
const std::string vip_b = "127.0.9.2";

bool ip(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"ip"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command, scaled(Millis(5'000))).code == 0;
}

void give(const std::string& address) {
  REQUIRE(ip({"addr", "add", address + "/32", "dev", "lo"}));
}
void take(const std::string& address) {
  REQUIRE(ip({"addr", "del", address + "/32", "dev", "lo"}));
}

std::string weight_file(const Node& node, const Folder& folder) {
  return folder.file(node.name() + ".weight");
}

void by_keepalived(Node& node, const Folder& folder, const std::string& vip) {
  node.options().arbiter = "keepalived";
  node.options().takeover_lines = "vip = \"" + vip + "\"\nweight_file = \"" + weight_file(node, folder) +
                                  "\"\nnotify_fifo = \"" + folder.file(node.name() + ".fifo") + "\"\n";
  node.write_config();
}

void address_moves() {
  Folder folder("vip");
  PairOptions options;
  options.shared_port = false;
  Pair pair(folder, options);
  by_keepalived(pair.a(), folder, vip_a);
  by_keepalived(pair.b(), folder, vip_b);
  give(vip_a);
  pair.start();
  CHECK(pair.a().is_active());
  Plant plant(pair.endpoints());
  plant.start();
  for (int round = 0; round < 2 * rounds_of("TANDEM_PAIR_ROUNDS", 1); ++round) {
    CAPTURE(round);
    bool from_a = round % 2 == 0;
    take(from_a ? vip_a : vip_b);
    give(from_a ? vip_b : vip_a);
    until([&] { return (from_a ? pair.b() : pair.a()).is_active(); }, "the box with the address serves");
    plant.goes_on();
    pair.await_protected();
    Node& serves = from_a ? pair.b() : pair.a();
    Node& follows = pair.other(serves);
    CHECK(follows.status()->self.role == "standby");
    // Each change at once, so nothing to wait for: boxa began in epoch 1, a round is an epoch.
    CHECK(read_text_file(weight_file(serves, folder)) == std::to_string(32 + round) + "\n");
    CHECK(read_text_file(weight_file(follows, folder)) == "20\n");
  }
  // Killed with its address gone, as by a power cut.
  pair.a().kill();
  take(vip_a);
  give(vip_b);
  until([&] { return pair.b().is_active(); }, "the box with the address serves");
  plant.goes_on();
  pair.a().start();
  REQUIRE(plant.finish());
  plant.check();
  pair.await_equal();
  CHECK(pair.b().stop() == 0);
  CHECK(read_text_file(weight_file(pair.b(), folder)) == "-254\n");  // stopped in order
}

}  // namespace

TEST_CASE("roles: with keepalived the box that has the virtual IP serves") {
  in_own_network(
      "virtual IP test",
      [] {
        return ip({"link", "set", "lo", "up"});
      },
      address_moves);
}
