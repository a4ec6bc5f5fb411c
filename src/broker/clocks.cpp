#include "broker/clocks.hpp"

#include <time.h>

#include <algorithm>

namespace tandem::broker {

namespace {

constexpr std::int64_t believed_jump_ms = 24LL * 3600 * 1000;

std::int64_t read_us(clockid_t clock) {
  timespec ts{};
  ::clock_gettime(clock, &ts);
  return std::int64_t{ts.tv_sec} * 1'000'000 + ts.tv_nsec / 1'000;
}

}  // namespace

Steady MachineClocks::steady() const {
  return Steady{read_us(CLOCK_BOOTTIME) / 1000};
}
Instant MachineClocks::wall() const {
  return Instant{read_us(CLOCK_REALTIME) / 1000};
}
std::int64_t MachineClocks::work_us() const {
  return read_us(CLOCK_MONOTONIC);
}

void LogClock::saw(Instant time, Steady at) {
  if (base_.ms != 0 && now(at) >= time) return;  // never goes back
  base_ = time;
  base_at_ = at;
}

void LogClock::start(bool heard, Steady now_steady, Instant wall) {
  if (heard && base_.ms != 0) return;
  if (base_.ms == 0) {
    base_ = wall;
    base_at_ = now_steady;
    return;
  }
  const Instant known = now(now_steady);
  const Instant most = known.plus_ms(believed_jump_ms);
  capped_ms_ = std::max<std::int64_t>(0, wall.ms - most.ms);
  base_ = std::clamp(wall, known, most);
  base_at_ = now_steady;
}

}  // namespace tandem::broker
