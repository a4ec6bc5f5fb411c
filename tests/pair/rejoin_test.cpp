// Kills that meet a rejoin: a node comes back, and before it is in step again it or the active dies. Nothing
// acknowledged is lost as long as both come back. TANDEM_REJOIN_ROUNDS: how many; TANDEM_PAIR_SEED: other moments.
#include <doctest/doctest.h>

#include <random>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

PublisherOptions publisher_options(const Pair& pair, uint8_t qos) {
  PublisherOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "publisher-q" + std::to_string(qos);
  options.version = qos == 1 ? 4 : 5;
  options.topic = "t/q" + std::to_string(qos);
  options.qos = qos;
  options.rate_per_s = 500;
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

PairOptions small_log() {
  PairOptions options;
  options.store_lines = "checkpoint_mb = 1\nlog_max_mb = 2\n";
  return options;
}

class RejoinTest {
 public:
  RejoinTest() {
    pair_.start();
    subscriber_.make_session();
    subscriber_.go_online();
  }

  void round();
  void end();

 private:
  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  void let_pass(Millis time) const;

  Folder folder_{"rejoin"};
  Pair pair_{folder_, small_log()};
  std::mt19937 random_{static_cast<unsigned>(rounds_of("TANDEM_PAIR_SEED", 1))};
  Publisher q1_{publisher_options(pair_, 1)};
  Publisher q2_{publisher_options(pair_, 2)};
  Subscriber subscriber_{subscriber_options(pair_)};
};

// The moments of this test are random times, not conditions.
void RejoinTest::let_pass(Millis time) const {
  SteadyTime start = std::chrono::steady_clock::now();
  until([&] { return std::chrono::steady_clock::now() - start >= time; }, "some time");
}

void RejoinTest::round() {
  Node& first = pair_.await_active();
  Node& second = pair_.other(first);
  q1_.start_endless();
  q2_.start_endless();
  let_pass(Millis(pick(0, 200)));
  first.kill();
  until([&] { return second.is_active(); }, "the standby takes over");
  first.start();
  let_pass(Millis(pick(0, 400)));
  Node& victim = pick(0, 1) == 0 ? first : second;
  victim.kill();
  let_pass(Millis(pick(0, 400)));
  victim.start();
  pair_.await_protected();
  REQUIRE(q1_.finish());
  REQUIRE(q2_.finish());
  REQUIRE(subscriber_.await_count("t/q1", q1_.sent()));
  REQUIRE(subscriber_.await_count("t/q2", q2_.sent()));
  REQUIRE_MESSAGE(broken_promises(q1_, subscriber_).empty(), joined(broken_promises(q1_, subscriber_)));
  REQUIRE_MESSAGE(broken_promises(q2_, subscriber_).empty(), joined(broken_promises(q2_, subscriber_)));
  pair_.await_equal();
}

void RejoinTest::end() {
  subscriber_.go_offline();
}

}  // namespace

TEST_CASE("roles REJOIN: a kill in the middle of a rejoin loses nothing that was acknowledged") {
  RejoinTest test;
  int rounds = rounds_of("TANDEM_REJOIN_ROUNDS", 6);
  for (int number = 0; number < rounds; ++number) {
    CAPTURE(number);
    test.round();
  }
  test.end();
}
