// Whether this box may claim the virtual IP as far as the LAN is concerned; what it holds is another matter
// (weight.hpp). Not if it reaches nobody there and the other box does, nor while the other one serves with the address
// already.
#pragma once

#include <optional>

#include "base/ids.hpp"

namespace tandem::mirror {

class AddressClaim {
 public:
  // At each heartbeat. `somebody`: a host of takeover.reach has answered lately. `peer_nobody`: the peer, linked, says
  // that of itself none has.
  void on_reach(bool somebody, bool peer_nobody, Steady now);
  // At each heartbeat. `peer_has_it`: linked to a peer that serves and is told MASTER; `told_too`: so is this box, a
  // standby.
  void on_peer(bool peer_has_it, bool told_too, Steady now);

  bool reaches_nobody() const { return reaches_nobody_; }
  bool cut_off(Steady now) const;
  bool given_up(Steady now) const { return cut_off(now) || leave_until_.has_value(); }

 private:
  bool reaches_nobody_ = false;
  bool reached_somebody_ = false;  // ever
  bool both_reach_nobody_ = false;
  std::optional<Steady> cut_off_from_;
  std::optional<Steady> told_since_;  // both are told MASTER
  std::optional<Steady> leave_until_;
};

}  // namespace tandem::mirror
