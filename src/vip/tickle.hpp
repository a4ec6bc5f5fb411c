// After a takeover: resets the connections of the clients that the other box served, so that idle ones notice at once
// and not at the end of their keep-alive.
#pragma once

#include <optional>
#include <vector>

#include "base/flow.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "vip/tickle_rounds.hpp"

namespace tandem::vip {

class Tickle {
 public:
  Tickle() = default;
  ~Tickle();
  Tickle(const Tickle&) = delete;
  Tickle& operator=(const Tickle&) = delete;

  // Before rights are dropped: needs CAP_NET_RAW. Error: there will be no resets; what is missing.
  Status open();
  // As TickleRounds. The gratuitous ARP comes first: without it the answers go to the other box.
  void begin(const std::vector<SampledFlow>& flows, Steady now) { rounds_.begin(flows, now); }
  std::optional<Steady> step(Steady now, const TickleRounds::Ours& ours);

 private:
  void send(const SampledFlow& flow) const;

  int v4_ = -1;
  int v6_ = -1;
  TickleRounds rounds_;
};

}  // namespace tandem::vip
