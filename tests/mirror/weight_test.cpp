// The weight that keepalived is told, one case a row of docs/takeover.md.
#include "mirror/weight.hpp"

#include "mirror/address_claim.hpp"

#include "doctest.hpp"

using namespace tandem::mirror;

namespace {

constexpr RoleState standbys[] = {RoleState::empty, RoleState::unsure, RoleState::stale, RoleState::sure};
constexpr RoleState actives[] = {RoleState::active_wait, RoleState::active_solo, RoleState::active_mirrored};

RoleFacts beside(bool linked, bool peer_empty) {
  RoleFacts facts;
  facts.linked = linked;
  facts.peer_empty = peer_empty;
  return facts;
}

}  // namespace

TEST_CASE("weight: a box that is being stopped does not take the address") {
  RoleFacts facts = beside(true, true);
  facts.stopping = true;
  for (const RoleState state : standbys) CHECK(vrrp_weight(state, facts, 7) == -254);
  for (const RoleState state : actives) CHECK(vrrp_weight(state, facts, 7) == -254);
  CHECK(vrrp_weight(RoleState::promoting, facts, 7) == -254);
}

TEST_CASE("weight: an EMPTY box takes the address only beside another EMPTY one") {
  CHECK(vrrp_weight(RoleState::empty, beside(false, false), 0) == -254);
  CHECK(vrrp_weight(RoleState::empty, beside(true, false), 0) == -254);
  CHECK(vrrp_weight(RoleState::empty, beside(false, true), 0) == -254);  // what was heard once proves nothing
  CHECK(vrrp_weight(RoleState::empty, beside(true, true), 0) == 0);
}

TEST_CASE("weight: STALE and UNSURE are worth nothing, SURE is") {
  CHECK(vrrp_weight(RoleState::stale, {}, 5) == 0);
  CHECK(vrrp_weight(RoleState::unsure, {}, 5) == 0);
  CHECK(vrrp_weight(RoleState::sure, {}, 5) == 20);
}

TEST_CASE("weight: a box that takes over is not worth less than one that could") {
  CHECK(vrrp_weight(RoleState::promoting, {}, 5) == 20);
}

TEST_CASE("weight: an ACTIVE box is worth more than any standby, the newer epoch more than the older") {
  for (const RoleState state : actives) {
    CHECK(vrrp_weight(state, {}, 1) == 31);
    CHECK(vrrp_weight(state, {}, 99) == 129);
    CHECK(vrrp_weight(state, {}, 100) == 30);
    CHECK(vrrp_weight(state, {}, 0xFFFFFFFFFFFFFFFFULL) == 45);
  }
}

TEST_CASE("weight: a standby leaves the address to a peer that serves with it") {
  RoleFacts facts = beside(true, false);
  facts.leaves_address = true;
  CHECK(vrrp_weight(RoleState::sure, facts, 7) == -254);
}

TEST_CASE(
    "address claim: told MASTER beside a peer that serves, a standby drops the address, and is back at once if that "
    "ends") {
  AddressClaim claim;
  std::int64_t ms = 1'000;
  const auto after = [&](std::int64_t more, bool peer_has_it, bool told_too) {
    for (const std::int64_t end = ms + more; ms < end; ms += 50)
      claim.on_peer(peer_has_it, told_too, tandem::Steady{ms});
    return claim.leaves_it_to_peer();
  };
  CHECK_FALSE(after(150, true, true));  // a takeover under way looks like this
  CHECK_FALSE(after(150, true, false));
  CHECK(after(250, true, true));
  CHECK(after(59'000, true, false));  // keepalived is in FAULT now
  CHECK_FALSE(after(2'000, true, false));
  CHECK(after(250, true, true));  // the switch is still dead
  CHECK_FALSE(after(50, false, false));
}

TEST_CASE("weight: a box that is cut off from the LAN gives the address up, whatever it holds") {
  RoleFacts facts = beside(true, false);
  facts.cut_off = true;
  for (const RoleState state : standbys) CHECK(vrrp_weight(state, facts, 7) == -254);
  for (const RoleState state : actives) CHECK(vrrp_weight(state, facts, 7) == -254);
}
