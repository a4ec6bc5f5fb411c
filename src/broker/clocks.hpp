// The node's clocks. Log time is an input of the core: it goes on from the last value heard plus our own steady time;
// the wall clock counts only at a cold start without a peer, and a jump over 24 h is capped (docs/architecture.md).
#pragma once

#include <optional>

#include "base/ids.hpp"

namespace tandem::broker {

// Where a node has the time from.
class Clocks {
 public:
  virtual ~Clocks() = default;
  virtual Steady steady() const = 0;         // goes on while the machine sleeps
  virtual Instant wall() const = 0;          // what people take for the time
  virtual std::int64_t work_us() const = 0;  // how long a piece of work takes; may stand still
};

// The machine's.
class MachineClocks final : public Clocks {
 public:
  Steady steady() const override;         // CLOCK_BOOTTIME
  Instant wall() const override;          // CLOCK_REALTIME
  std::int64_t work_us() const override;  // CLOCK_MONOTONIC
};

class LogClock {
 public:
  // The newest log time in the own log or image; 0: none.
  void saw(Instant time, Steady at);
  // At promotion. `heard`: nobody has told a log time since this process started, so the wall clock must.
  void start(bool heard, Steady now, Instant wall);
  Instant now(Steady steady) const { return base_.plus_ms(steady.ms - base_at_.ms); }
  // How far the wall clock was beyond what is believed, in ms; 0: no jump. For an alarm.
  std::int64_t capped_ms() const { return capped_ms_; }

 private:
  Instant base_;
  Steady base_at_;
  std::int64_t capped_ms_ = 0;
};

}  // namespace tandem::broker
