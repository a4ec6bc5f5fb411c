// What a box is worth to keepalived: the number in its track file, added to the VRRP priority. So the box that deserves
// the virtual IP gets it, and after a split the one that served last keeps it (docs/takeover.md).
#pragma once

#include <cstdint>

#include "mirror/role.hpp"

namespace tandem::mirror {

inline constexpr int weight_fault =
    -254;  // keepalived goes to FAULT: no virtual IP here, whatever the other box is worth
inline constexpr int weight_unsure = 0;  // STALE and EMPTY beside EMPTY too: it may serve if nobody better is there
inline constexpr int weight_sure = 20;
inline constexpr int weight_active = 30;  // + (epoch number mod 100): at most 129

// Of a node in `state`; `epoch_number` counts for an ACTIVE one. Of the facts: linked, peer_empty. A box that
// does not want the address is worth weight_fault whatever it holds (Pair::vrrp_weight).
int vrrp_weight(RoleState state, const RoleFacts& facts, std::uint64_t epoch_number);

}  // namespace tandem::mirror
