// The standby's side of the live stream: takes batches in lsn order only, drops duplicates, notices gaps.
#pragma once

#include <cstdint>

#include "base/batch.hpp"

namespace tandem::mirror {

enum class Verdict : std::uint8_t { apply, duplicate, gap, foreign };

// What to do with a batch of the live stream: `last` is the end of the own log, `epoch` the one that the followed log
// has there. A batch is never split, so one that begins inside our log and ends behind it is foreign as well.
Verdict judge(const Batch& batch, Lsn last, Epoch epoch);

}  // namespace tandem::mirror
