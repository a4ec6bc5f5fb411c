// Both mirror paths cut under load with the heartbeat arbiter: the standby promotes while the active goes on, each with
// clients of its own. Healed, exactly one of them stays active, the other joins, and every message that either of them
// acknowledged arrives (docs/roles.md, RECONCILE). TANDEM_PAIR_ROUNDS: how often (default 1).
#include <doctest/doctest.h>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

PairOptions two_boxes() {
  PairOptions options;
  options.shared_port = false;
  options.paths = 2;
  options.cables = true;
  return options;
}

// Its clients stay at the first endpoint as long as that one accepts them.
PlantOptions loyal(const std::string& name) {
  PlantOptions options;
  options.name = name;
  options.silence = Millis(20'000);
  options.merged_late = true;
  return options;
}

void cut_all(Pair& pair) {
  for (size_t path : {0U, 1U}) pair.cable(path).cut();
}

void restore_all(Pair& pair) {
  for (size_t path : {0U, 1U}) pair.cable(path).restore();
}

// Both serve and acknowledge for a while.
void split(Pair& pair, Plant& old_side, Plant& new_side) {
  Node& first = pair.await_active();
  Node& second = pair.other(first);
  old_side.start();
  cut_all(pair);
  until([&] { return second.is_active(); }, "the standby takes over");
  new_side.start();
  old_side.goes_on();
  new_side.goes_on();
  CHECK(first.is_active());
  CHECK(second.is_active());
  CHECK(first.status()->alone_from != 0);
  CHECK(second.status()->alone_from != 0);
}

void await_one_active(Pair& pair, Node& stays) {
  pair.await_protected();
  CHECK(stays.is_active());
  CHECK(pair.other(stays).status()->self.role == "standby");
}

void split_round(Pair& pair, int round, bool publishing_while_healed) {
  Node& first = pair.await_active();
  Node& second = pair.other(first);
  Plant old_side({first.endpoint(), second.endpoint()}, loyal("old" + std::to_string(round)));
  Plant new_side({second.endpoint(), first.endpoint()}, loyal("new" + std::to_string(round)));
  split(pair, old_side, new_side);
  if (!publishing_while_healed) {
    REQUIRE(old_side.finish());
    REQUIRE(new_side.finish());
  }
  restore_all(pair);
  await_one_active(pair, second);  // the newer epoch
  if (publishing_while_healed) {
    old_side.goes_on();
    new_side.goes_on();
    REQUIRE(old_side.finish());
    REQUIRE(new_side.finish());
  }
  std::string wrong = old_side.verdict() + new_side.verdict();
  CHECK_MESSAGE(wrong.empty(), wrong);
  pair.await_equal();
}

}  // namespace

TEST_CASE("roles RECONCILE: a healed split leaves one active, equal digests, and what both acknowledged") {
  Folder folder("split");
  Pair pair(folder, two_boxes());
  pair.start();
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 1);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    split_round(pair, 2 * round, false);
    split_round(pair, 2 * round + 1, true);
  }
}

TEST_CASE("roles RECONCILE: kill -9 of either box while the tail is on its way loses and repeats nothing") {
  Folder folder("split-kill");
  Pair pair(folder, two_boxes());
  pair.start();
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 1);
  for (int round = 0; round < 2 * rounds; ++round) {
    CAPTURE(round);
    Node& first = pair.await_active();
    Node& second = pair.other(first);
    Plant old_side({first.endpoint(), second.endpoint()}, loyal("old" + std::to_string(round)));
    Plant new_side({second.endpoint(), first.endpoint()}, loyal("new" + std::to_string(round)));
    split(pair, old_side, new_side);
    REQUIRE(old_side.finish());
    REQUIRE(new_side.finish());
    restore_all(pair);
    until([&] { return first.status() && first.status()->self.role == "standby"; }, "the older active gives way");
    Node& victim = round % 2 == 0 ? first : second;
    victim.kill();
    victim.start();
    pair.await_protected();
    std::string wrong = old_side.verdict() + new_side.verdict();
    CHECK_MESSAGE(wrong.empty(), wrong);
    pair.await_equal();
  }
}
