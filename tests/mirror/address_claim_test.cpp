// Who leaves the virtual IP to the other box because of the LAN: the rules alone, and between two Pairs.
#include "started.hpp"

#include "mirror/address_claim.hpp"
#include "mirror/weight.hpp"

using sim::Started;
using namespace tandem::mirror;

TEST_CASE(
    "address claim: told MASTER beside a peer that serves, a standby drops the address, and is back at once if that "
    "ends") {
  AddressClaim claim;
  std::int64_t ms = 1'000;
  const auto after = [&](std::int64_t more, bool peer_has_it, bool told_too) {
    for (const std::int64_t end = ms + more; ms < end; ms += 50)
      claim.on_peer(peer_has_it, told_too, tandem::Steady{ms});
    return claim.given_up(tandem::Steady{ms});
  };
  CHECK_FALSE(after(150, true, true));  // a takeover under way looks like this
  CHECK_FALSE(after(150, true, false));
  CHECK(after(250, true, true));
  CHECK(after(59'000, true, false));  // keepalived is in FAULT now
  CHECK_FALSE(after(2'000, true, false));
  CHECK(after(250, true, true));  // the switch is still dead
  CHECK_FALSE(after(50, false, false));
}

TEST_CASE("a box that reaches nobody on the LAN gives way, once the other had time to find the same; not if it does") {
  Started w;
  w.run(500);
  bool a_reaches = true;
  bool b_reaches = true;
  // As at each heartbeat.
  const auto cut_off_after = [&](std::int64_t ms) {
    for (; ms > 0; ms -= 50) {
      w.a().pair().on_reach(a_reaches, tandem::Steady{w.now});
      w.b().pair().on_reach(b_reaches, tandem::Steady{w.now});
      w.run(50);
    }
    return std::pair(w.a().pair().cut_off(tandem::Steady{w.now}), w.b().pair().cut_off(tandem::Steady{w.now}));
  };
  CHECK(cut_off_after(1'000) == std::pair(false, false));
  a_reaches = false;
  CHECK(cut_off_after(400) == std::pair(false, false));
  CHECK(cut_off_after(200) == std::pair(true, false));
  b_reaches = false;  // it is not the box, then: switch or hosts are dead
  CHECK(cut_off_after(1'000) == std::pair(false, false));
  a_reaches = true;  // the first to be answered again
  CHECK(cut_off_after(2'400) == std::pair(false, false));
  CHECK(cut_off_after(200) == std::pair(false, true));
  w.finish();
}

TEST_CASE("a box that has reached nobody since its start takes no part, unless the other one is no better off") {
  Started w;
  w.run(500);
  w.a().pair().on_reach(false, tandem::Steady{w.now});
  CHECK(w.a().pair().cut_off(tandem::Steady{w.now}));
  CHECK(w.a().pair().vrrp_weight(tandem::Steady{w.now}) == weight_fault);  // whatever it holds
  w.b().pair().on_reach(false, tandem::Steady{w.now});
  w.run(100);
  w.a().pair().on_reach(false, tandem::Steady{w.now});
  CHECK_FALSE(w.a().pair().cut_off(tandem::Steady{w.now}));
  w.finish();
}
