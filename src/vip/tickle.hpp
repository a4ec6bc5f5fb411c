// After a takeover: resets the connections of the clients that the other box served, so that idle ones notice at once
// and not at the end of their keep-alive. Rounds, since segments get lost and a client's kernel does not answer each.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "base/flow.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace tandem::vip {

class Tickle {
 public:
  Tickle();
  ~Tickle();
  Tickle(const Tickle&) = delete;
  Tickle& operator=(const Tickle&) = delete;

  // Before rights are dropped: needs CAP_NET_RAW. Error: there will be no resets; what is missing.
  Status open();
  // Ends what is still under way. The gratuitous ARP comes first: without it the answers go to the other box.
  void begin(std::vector<SampledFlow> flows, Steady now);
  // Sends what is due but for ours(), sorted: connections that this box has accepted itself, asked for once a round.
  // When to be called again; nothing: all rounds are done.
  using Ours = std::function<std::vector<Flow>()>;
  std::optional<Steady> step(Steady now, const Ours& ours);

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
  std::optional<Steady> step(Volley& volley, Steady now, const Ours& ours) const;
  void send(const SampledFlow& flow) const;

  int v4_ = -1;
  int v6_ = -1;
  std::array<Volley, 2> volleys_;  // blind, sampled
};

}  // namespace tandem::vip
