// After a takeover: resets the connections of the clients that the other box served, so that idle ones notice at once
// and not at the end of their keep-alive. Rounds, since a client answers one such segment in 500 ms only
// (tcp_invalid_ratelimit) and segments get lost.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/flow.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace tandem::vip {

class Tickle {
 public:
  Tickle() = default;
  ~Tickle();
  Tickle(const Tickle&) = delete;
  Tickle& operator=(const Tickle&) = delete;

  // Before rights are dropped: needs CAP_NET_RAW. Error: there will be no resets; what is missing.
  Status open();
  // Ends what is still under way. The gratuitous ARP comes first: without it the answers go to the other box.
  void begin(std::vector<Flow> flows, Steady now);
  // Sends what is due but for `ours`, sorted: connections that this box has accepted itself. When to be called again;
  // nothing: all rounds are done.
  std::optional<Steady> step(Steady now, const std::vector<Flow>& ours);

 private:
  void send(const Flow& flow) const;

  int v4_ = -1;
  int v6_ = -1;
  std::vector<Flow> flows_;
  std::size_t next_ = 0;
  int round_ = 0;
  Steady round_at_;
};

}  // namespace tandem::vip
