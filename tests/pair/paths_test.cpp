// Two mirror paths, cut or stalled one after the other under load: no role change, nothing lost, and status shows which
// path works. TANDEM_PAIR_ROUNDS: how often (default 1).
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

PairOptions two_paths() {
  PairOptions options;
  options.paths = 2;
  options.cables = true;
  return options;
}

// What both boxes say of their paths.
void await_paths(Pair& pair, const std::vector<bool>& up) {
  for (Node* node : {&pair.a(), &pair.b()}) {
    until([&] { return node->status() && node->status()->paths_up == up; }, node->name() + " shows its paths");
  }
}

// Leaves out one path in the middle of a stream and takes it in again; the pair is protected all the while.
void lose_path(Pair& pair, const Plant& plant, size_t path, void (Cable::*how)()) {
  Node& active = pair.await_active();
  std::vector<bool> up = {true, true};
  await_paths(pair, up);
  plant.goes_on(50);
  (pair.cable(path).*how)();
  up[path] = false;
  await_paths(pair, up);
  plant.goes_on();
  CHECK(active.status()->is_protected);
  pair.cable(path).restore();
  up[path] = true;
  await_paths(pair, up);
  plant.goes_on(50);
  CHECK(active.is_active());
  CHECK(active.status()->is_protected);
}

// The longest time between two acknowledgements.
double longest_gap_ms(const Publisher& publisher) {
  double longest = 0;
  const std::vector<SteadyTime>& times = publisher.acked_at();
  for (size_t i = 1; i < times.size(); ++i) {
    longest = std::max(longest, std::chrono::duration<double, std::milli>(times[i] - times[i - 1]).count());
  }
  return longest;
}

}  // namespace

TEST_CASE("roles: losing one of two mirror paths costs no role, no message and no protection") {
  Folder folder("paths");
  Pair pair(folder, two_paths());
  pair.start();
  Node& active = pair.await_active();
  // A client gives up after 1.5 s: the resend on the other path must be quicker, and no wait for a lease fits in.
  PlantOptions options;
  options.silence = Millis(1'500);
  Plant plant(pair.endpoints(), options);
  plant.start();
  int rounds = rounds_of("TANDEM_PAIR_ROUNDS", 1);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    for (size_t path : {0U, 1U}) {
      lose_path(pair, plant, path, &Cable::cut);
      lose_path(pair, plant, path, &Cable::stall);
    }
  }
  CHECK(&pair.await_active() == &active);
  CHECK(plant.q1.reconnects() + plant.q2.reconnects() == 0);
  REQUIRE(plant.finish());
  plant.check();
  pair.await_equal();
  std::printf("a mirror path lost: the longest wait for an acknowledgement was %.0f ms\n",
              std::max(longest_gap_ms(plant.q1), longest_gap_ms(plant.q2)));
}
