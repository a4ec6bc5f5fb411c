// How far the disk is behind what was given to it, and for how long it has not moved: a slow disk first slows the
// publishers, a dead one ends the node if the other box can do without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace tandem::broker {

class DiskLag {
 public:
  void appended(Lsn last, std::size_t bytes, Steady now) {
    if (waiting_.empty()) moved_at_ = now;
    waiting_.push_back({last, bytes});
    bytes_ += bytes;
    if (bytes_ > limits::disk_behind_pause_bytes) too_far_ = true;
  }
  void durable(Lsn up_to, Steady now) {
    while (!waiting_.empty() && waiting_.front().last <= up_to) {
      bytes_ -= waiting_.front().bytes;
      waiting_.pop_front();
      moved_at_ = now;
    }
    if (bytes_ < limits::disk_behind_resume_bytes) too_far_ = false;
  }
  // It is known why nothing moves (the disk is full): that time does not count.
  void excused(Steady now) { moved_at_ = now; }
  // What waits goes with the log that it was for (Rewind, Wipe).
  void forget() {
    waiting_.clear();
    bytes_ = 0;
    too_far_ = false;
  }
  // From limits::disk_behind_pause_bytes on, until it is below disk_behind_resume_bytes.
  bool too_far() const { return too_far_; }
  std::int64_t still_ms(Steady now) const { return waiting_.empty() ? 0 : now.ms - moved_at_.ms; }

 private:
  struct Waiting {
    Lsn last;
    std::size_t bytes;
  };
  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;
  bool too_far_ = false;
  Steady moved_at_;
};

}  // namespace tandem::broker
