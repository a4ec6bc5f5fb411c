// What the log and the image are made of, as the floors below the core see them: opaque bytes with positions.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace tandem {

// One turn's records: one row of log.db, one message on the mirror. Immutable; the same bytes go to the memory tail, to
// SQLite and to the peer. A batch is never split: forks, trims and catch-ups happen at batch borders only.
struct Batch {
  Lsn first;                // lsn of the first record
  std::uint32_t count = 0;  // records; lsns are contiguous
  Epoch epoch;
  Instant time;  // log time of all records in it
  std::shared_ptr<const ByteBuffer> bytes;

  Lsn last() const { return Lsn{first.value + count - 1}; }
};

// One entity of an image. `kind` and `key` name it; rows of a kind load in key order, kinds in ascending order.
struct Row {
  std::uint8_t kind = 0;
  ByteBuffer key;
  ByteBuffer value;
  bool erased = false;  // in a checkpoint's changes: the entity is gone
};

}  // namespace tandem
