// The two clocks of rule R1. Lease: how long a standby may call itself SURE. SoloWait: how long an active waits before
// it may acknowledge alone. Safe as long as lease < solo wait by the clocks' rate difference: the lease counts from
// when the confirm was SENT and only if the active says that it received it; the wait counts from when a confirm was
// RECEIVED.
#pragma once

#include <cstdint>
#include <deque>

#include "base/ids.hpp"

namespace tandem::mirror {

class Lease {
 public:
  explicit Lease(std::int64_t lease_ms) : lease_ms_(lease_ms) {}

  // A number for a confirm that is sent now. Numbers only grow, for the life of the process.
  std::uint64_t number_confirm(Steady now);
  std::uint64_t last_number() const { return last_number_; }
  // The active says that `number` is the last confirm it has received.
  void echoed(std::uint64_t number);
  // Ends the lease; echoes of confirms sent so far no longer renew it (RELEASE, L1, yield).
  void drop();
  bool valid(Steady now) const { return until_ms_ > now.ms; }
  // Valid, or an echo that is still under way could make it so: "I hold no lease" may be said only when this is false.
  bool possible(Steady now) const { return valid(now) || (!sent_.empty() && sent_.back().at.ms + lease_ms_ > now.ms); }

 private:
  struct Sent {
    std::uint64_t number;
    Steady at;
  };
  std::int64_t lease_ms_;
  std::deque<Sent> sent_;  // thinned out: one entry a few milliseconds, an echo counts from the entry at or before it
  std::uint64_t last_number_ = 0;
  std::uint64_t ignored_up_to_ = 0;
  std::int64_t until_ms_ = INT64_MIN;
};

class SoloWait {
 public:
  // A node that does not know when it last had a confirm counts from its own start.
  SoloWait(std::int64_t wait_ms, Steady process_start) : wait_ms_(wait_ms), counts_from_(process_start) {}

  // A confirm was received, or S1: ends every waiver and counts anew.
  void restart(Steady now) {
    counts_from_ = now;
    waived_ = false;
  }
  // The peer itself said that it holds no lease.
  void waive() { waived_ = true; }
  bool waived() const { return waived_; }
  bool over(Steady now) const { return waived_ || now.ms - counts_from_.ms > wait_ms_; }
  std::int64_t remaining_ms(Steady now) const { return over(now) ? 0 : wait_ms_ - (now.ms - counts_from_.ms) + 1; }

 private:
  std::int64_t wait_ms_;
  Steady counts_from_;
  bool waived_ = false;
};

}  // namespace tandem::mirror
