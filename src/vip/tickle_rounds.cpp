#include "vip/tickle_rounds.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace tandem::vip {

namespace {
constexpr std::size_t first_round_a_ms = 256;  // what a core and a switch take without effort
}

TickleRounds::TickleRounds() {
  volleys_[0].rounds = limits::tickle_rounds_blind;
  volleys_[0].round_ms = limits::tickle_blind_ms;
  volleys_[1].rounds = limits::tickle_rounds_sampled;
  volleys_[1].round_ms = limits::tickle_sampled_ms;
}

void TickleRounds::begin(const std::vector<SampledFlow>& flows, Steady now) {
  if (flows.empty()) return;
  for (Volley& volley : volleys_) {
    volley.flows.clear();
    volley.next = 0;
    volley.round = 0;
    volley.round_at = now;
  }
  for (const SampledFlow& flow : flows) volleys_[flow.at ? 1 : 0].flows.push_back(flow);
}

std::optional<Steady> TickleRounds::step(Steady now, const Ours& ours, const Send& send) {
  std::optional<Steady> next;
  for (Volley& volley : volleys_) {
    const std::optional<Steady> at = step(volley, now, ours, send);
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

// The first round is fast. Where answers are dropped on a machine that is too busy, the same ones would be dropped each
// time: so the later rounds take half of their time, and every other begins at the end.
std::size_t TickleRounds::slice(const Volley& volley) {
  if (volley.round == 0) return first_round_a_ms;
  const auto ms = static_cast<std::size_t>(volley.round_ms / 2);
  return std::min(first_round_a_ms, std::max<std::size_t>(8, (volley.flows.size() + ms - 1) / ms));
}

std::optional<Steady> TickleRounds::step(Volley& volley, Steady now, const Ours& ours, const Send& send) {
  const std::size_t count = volley.flows.size();
  if (count == 0 || volley.round == volley.rounds) return std::nullopt;
  if (now < volley.round_at) return volley.round_at;
  if (volley.next == 0) volley.ours = ours();
  const std::size_t end = std::min(count, volley.next + slice(volley));
  for (; volley.next < end; ++volley.next) {
    const SampledFlow& one = volley.flows[volley.round % 2 == 0 ? volley.next : count - 1 - volley.next];
    if (!std::binary_search(volley.ours.begin(), volley.ours.end(), one.flow)) send(one);
  }
  if (volley.next < count) return now.plus_ms(1);
  volley.next = 0;
  if (++volley.round == volley.rounds) return std::nullopt;
  volley.round_at = std::max(volley.round_at.plus_ms(volley.round_ms), now);
  return volley.round_at;
}

}  // namespace tandem::vip
