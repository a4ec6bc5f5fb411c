// The weight of each state.
#include "mirror/weight.hpp"

#include "base/check.hpp"

namespace tandem::mirror {

int vrrp_weight(RoleState state, const RoleFacts& facts, std::uint64_t epoch_number) {
  switch (state) {
    case RoleState::empty:
      // Told MASTER beside a box that holds something, it would keep the address from it for ever.
      return facts.linked && facts.peer_empty ? weight_unsure : weight_fault;
    case RoleState::unsure:
    case RoleState::stale:
      return weight_unsure;
    case RoleState::sure:
    case RoleState::promoting:  // not less than before: the address must not leave a box that is about to serve
      return weight_sure;
    case RoleState::active_wait:
    case RoleState::active_solo:
    case RoleState::active_mirrored:
      return weight_active + static_cast<int>(epoch_number % 100);
  }
  CHECK(false && "every state has a weight");
  return weight_fault;
}

}  // namespace tandem::mirror
