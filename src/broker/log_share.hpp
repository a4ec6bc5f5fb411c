// How much of the log one client has under way: whoever has more than its share waits until what it caused is safe. So
// what others wait for at the peer and at the disk is bounded, however fast one client sends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace tandem::broker {

class LogShare {
 public:
  // The client caused the record at `lsn`, of so many bytes. `lag`: number of the lag that there is or was last.
  void recorded(Lsn lsn, std::size_t bytes, std::uint32_t lag) {
    if (marked_ == Lsn{}) marked_ = lsn;
    behind_mark_ += bytes;
    last_ = lsn;
    if (lag_ != lag) in_lag_ = 0;
    lag_ = lag;
    in_lag_ += bytes;
  }
  // What is safe is under way no more. Counted in halves: up to the marked record, and behind it.
  void settle(Lsn safe) {
    if (marked_ > safe) return;
    up_to_mark_ = last_ <= safe ? 0 : behind_mark_;
    behind_mark_ = 0;
    marked_ = last_ <= safe ? Lsn{} : last_;
  }
  // Too many bytes were not safe at the last settle().
  bool is_used_up() const { return up_to_mark_ + behind_mark_ > limits::unsafe_bytes_per_client; }
  // While followers lag everybody may go on a little: whoever sends much waits, not whoever sends next.
  bool is_used_up_in(std::uint32_t lag) const { return lag_ == lag && in_lag_ > limits::lag_bytes_per_client; }

 private:
  Lsn marked_;  // none: nothing of the client's is under way
  Lsn last_;
  std::size_t up_to_mark_ = 0;
  std::size_t behind_mark_ = 0;
  std::uint32_t lag_ = 0;
  std::size_t in_lag_ = 0;
};

}  // namespace tandem::broker
