// When each client of a dead box is sent a segment: rounds, since segments get lost and a client's kernel does not
// answer each. Pure: the sockets are tickle.hpp's.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "base/flow.hpp"
#include "base/ids.hpp"

namespace tandem::vip {

class TickleRounds {
 public:
  // Connections that this box has accepted itself, sorted; asked for once a round.
  using Ours = std::function<std::vector<Flow>()>;
  using Send = std::function<void(const SampledFlow&)>;

  TickleRounds();
  // These take the place of what is under way. None: that goes on (a box that gave way for a moment and serves again
  // knows nobody new).
  void begin(const std::vector<SampledFlow>& flows, Steady now);
  // Sends what is due but for ours(). When to be called again; nothing: all rounds are done.
  std::optional<Steady> step(Steady now, const Ours& ours, const Send& send);

 private:
  // Connections of one kind, and how far their rounds are.
  struct Volley {
    int rounds = 0;
    std::int64_t round_ms = 0;
    std::vector<SampledFlow> flows;
    std::vector<Flow> ours;  // of this round
    std::size_t next = 0;
    int round = 0;
    Steady round_at;
  };
  static std::optional<Steady> step(Volley& volley, Steady now, const Ours& ours, const Send& send);
  static std::size_t slice(const Volley& volley);

  std::array<Volley, 2> volleys_;  // blind, sampled
};

}  // namespace tandem::vip
