// When the clients of a dead box are sent their segments.
#include "vip/tickle_rounds.hpp"

#include "doctest.hpp"

using namespace tandem;
using vip::TickleRounds;

namespace {

std::vector<SampledFlow> clients(std::uint16_t number, bool sampled) {
  std::vector<SampledFlow> flows;
  for (std::uint16_t i = 0; i < number; ++i) {
    SampledFlow one{Flow{*parse_address("10.0.0.7"), *parse_address("10.0.0.1"), i, 1883}, {}};
    if (sampled) one.at = Sequences{1, 2};
    flows.push_back(one);
  }
  return flows;
}

struct Sent {
  std::int64_t at_ms;
  std::uint16_t port;
};

// Until all rounds are done, or `until_ms`.
std::vector<Sent> run(TickleRounds& rounds, std::int64_t from_ms, std::int64_t until_ms,
                      const std::vector<Flow>& ours) {
  std::vector<Sent> sent;
  std::optional<Steady> next = Steady{from_ms};
  while (next && next->ms < until_ms) {
    const Steady now = *next;
    next = rounds.step(
        now, [&ours] { return ours; },
        [&](const SampledFlow& flow) {
          sent.push_back({now.ms, flow.flow.client_port});
        });
  }
  return sent;
}

}  // namespace

TEST_CASE("tickle: five rounds 100 ms apart with a sample, three 600 ms apart without; never a connection of our own") {
  for (const bool sampled : {true, false}) {
    CAPTURE(sampled);
    TickleRounds rounds;
    const std::vector<SampledFlow> flows = clients(3, sampled);
    rounds.begin(flows, Steady{1'000});
    const std::vector<Sent> sent = run(rounds, 1'000, 10'000, {flows[1].flow});
    CHECK(sent.size() == (sampled ? 5 : 3) * 2);
    CHECK(sent.front().at_ms == 1'000);
    CHECK(sent.back().at_ms == (sampled ? 1'400 : 2'200));
    for (const Sent& one : sent) CHECK(one.port != 1);
  }
}

TEST_CASE("tickle: the first round takes 20 ms for 5,000 clients; later ones take their time and change direction") {
  TickleRounds rounds;
  rounds.begin(clients(5'000, true), Steady{0});
  const std::vector<Sent> sent = run(rounds, 0, 10'000, {});
  REQUIRE(sent.size() == 25'000);
  CHECK(sent[0].port == 0);
  CHECK(sent[4'999].at_ms < 25);
  CHECK(sent[5'000].port == 4'999);
  CHECK(sent[5'000].at_ms == 100);
  CHECK(sent[9'999].at_ms > 140);
  CHECK(sent[10'000].port == 0);
  CHECK(sent[10'000].at_ms == 200);
}

TEST_CASE("tickle: a box that gave way for a moment and serves again, knowing nobody new, goes on with its rounds") {
  TickleRounds rounds;
  rounds.begin(clients(2, true), Steady{0});
  CHECK(run(rounds, 0, 50, {}).size() == 2);
  rounds.begin({}, Steady{50});
  CHECK(run(rounds, 50, 10'000, {}).size() == 8);
}
