// The node's clocks. Log time is an input of the core: it goes on from the last value heard plus our own steady time;
// the wall clock counts only at a cold start without a peer, and a jump over 24 h is capped (docs/architecture.md).
#pragma once

#include <optional>

#include "base/ids.hpp"

namespace tandem::broker {

Steady steady_now();  // CLOCK_BOOTTIME: goes on while the machine sleeps
Instant wall_now();   // CLOCK_REALTIME

class LogClock {
 public:
  // The newest log time in the own log or image; 0: none.
  void saw(Instant time, Steady at);
  // At promotion. `heard`: nobody has told a log time since this process started, so the wall clock must.
  void start(bool heard, Steady now);
  Instant now(Steady steady) const { return base_.plus_ms(steady.ms - base_at_.ms); }
  // How far the wall clock was beyond what is believed, in ms; 0: no jump. For an alarm.
  std::int64_t capped_ms() const { return capped_ms_; }

 private:
  Instant base_;
  Steady base_at_;
  std::int64_t capped_ms_ = 0;
};

}  // namespace tandem::broker
