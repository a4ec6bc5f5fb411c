// The weight that keepalived is told, one case a row of docs/takeover.md.
#include "mirror/weight.hpp"

#include "doctest.hpp"

using namespace tandem::mirror;

namespace {

constexpr RoleState actives[] = {RoleState::active_wait, RoleState::active_solo, RoleState::active_mirrored};

RoleFacts beside(bool linked, bool peer_empty) {
  RoleFacts facts;
  facts.linked = linked;
  facts.peer_empty = peer_empty;
  return facts;
}

}  // namespace

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
