// Both nodes are killed at once, as when one breaker feeds both boxes. With durability "peer" everything is
// there that was acknowledged more than 250 ms earlier, with "peer+disk" everything that was acknowledged,
// and QoS 2 once. TANDEM_BLACKOUT_ROUNDS: how many rounds of each.
#include <doctest/doctest.h>

#include <csignal>
#include <random>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

constexpr Millis promised{250};  // docs: what may be lost if both boxes die in the same moment
constexpr uint32_t rate_per_s = 2'000;

PublisherOptions publisher_options(const Pair& pair, uint8_t qos) {
  PublisherOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "publisher-q" + std::to_string(qos);
  options.version = 5;
  options.topic = "t/q" + std::to_string(qos);
  options.qos = qos;
  options.rate_per_s = rate_per_s;
  options.window = 20;
  return options;
}

SubscriberOptions subscriber_options(const Pair& pair, bool rolled_back) {
  SubscriberOptions options;
  options.endpoints = pair.endpoints();
  options.client_id = "subscriber";
  options.filter = "t/#";
  options.rolled_back_handshakes = rolled_back;
  return options;
}

PairOptions pair_options(const std::string& durability) {
  PairOptions options;
  options.durability = durability;
  return options;
}

class BlackoutTest {
 public:
  explicit BlackoutTest(const std::string& durability)
      : pair_(folder_, pair_options(durability)), subscriber_(subscriber_options(pair_, durability == "peer")) {
    pair_.start();
    subscriber_.make_session();
  }

  void round(bool online);
  std::vector<std::string> lost(const std::vector<Gap>& gaps) const;
  const std::vector<Gap>& gaps() const { return gaps_; }
  std::vector<std::string> broken() const;

 private:
  Folder folder_{"blackout"};
  Pair pair_;
  std::mt19937 random_{static_cast<unsigned>(rounds_of("TANDEM_PAIR_SEED", 1))};
  Publisher q1_{publisher_options(pair_, 1)};
  Publisher q2_{publisher_options(pair_, 2)};
  Subscriber subscriber_;
  std::vector<Gap> gaps_;
};

void BlackoutTest::round(bool online) {
  if (online) subscriber_.go_online();
  q1_.start_endless();
  q2_.start_endless();
  uint32_t before_q1 = q1_.acked();
  uint32_t before_q2 = q2_.acked();
  until([&] { return q1_.acked() > before_q1 && q2_.acked() > before_q2; }, "the first acknowledgements");
  SteadyTime serving_at = std::chrono::steady_clock::now();
  Millis run_time = promised + Millis(std::uniform_int_distribution<int>(100, 500)(random_));
  until([&] { return std::chrono::steady_clock::now() - serving_at > run_time; }, "a while of publishing");
  pair_.a().check_running();
  pair_.b().check_running();
  SteadyTime killed_at = std::chrono::steady_clock::now();
  pair_.a().process().signal(SIGKILL);
  pair_.b().process().signal(SIGKILL);
  pair_.a().process().kill();
  pair_.b().process().kill();
  pair_.start();
  gaps_.push_back({killed_at - promised, std::chrono::steady_clock::now()});
  REQUIRE(q1_.finish());
  REQUIRE(q2_.finish());
  if (!online) subscriber_.go_online();
  REQUIRE(subscriber_.await_message("t/q1", q1_.sent() - 1));
  REQUIRE(subscriber_.await_message("t/q2", q2_.sent() - 1));
  pair_.await_equal();
  subscriber_.go_offline();
}

std::vector<std::string> BlackoutTest::lost(const std::vector<Gap>& gaps) const {
  std::vector<std::string> out = lost_outside(gaps, q1_, subscriber_);
  for (const std::string& sentence : lost_outside(gaps, q2_, subscriber_)) out.push_back(sentence);
  return out;
}

std::vector<std::string> BlackoutTest::broken() const {
  std::vector<std::string> out = broken_promises(q1_, subscriber_);
  for (const std::string& sentence : broken_promises(q2_, subscriber_)) out.push_back(sentence);
  return out;
}

}  // namespace

TEST_CASE("durability peer: both killed at once keeps what was acknowledged more than 250 ms earlier") {
  BlackoutTest test("peer");
  int rounds = rounds_of("TANDEM_BLACKOUT_ROUNDS", 3);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    test.round(false);
    REQUIRE_MESSAGE(test.lost(test.gaps()).empty(), joined(test.lost(test.gaps())));
  }
}

TEST_CASE("durability peer+disk: both killed at once keeps everything that was acknowledged") {
  BlackoutTest test("peer+disk");
  int rounds = rounds_of("TANDEM_BLACKOUT_ROUNDS", 3);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    test.round(round % 2 == 1);
    REQUIRE_MESSAGE(test.broken().empty(), joined(test.broken()));
  }
}
