// How much memory this process has, for limits.memory_mb.
#pragma once

#include <cstddef>

#include "base/ids.hpp"

namespace tandem::broker {

class MemoryUse {
 public:
  // 0: half of the machine's.
  explicit MemoryUse(std::size_t most_bytes);

  std::size_t most_bytes() const { return most_bytes_; }
  // What is resident, and that is cheap to know. Beyond the limit what is allocated: memory that was given back may
  // stay resident. That takes tens of milliseconds where much was given back in pieces, so it is looked at now and then
  // only.
  std::size_t bytes(Steady now);

 private:
  std::size_t most_bytes_;
  std::size_t allocated_ = 0;
  Steady counted_at_;
};

}  // namespace tandem::broker
