// Checksums of what is kept on disk: each covers every column of its row, so that a flipped bit anywhere is noticed.
#pragma once

#include <cstdint>

#include "base/batch.hpp"
#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace tandem::store {

// A batch of the log. `stream_end` is the running sum of batch bytes (see docs/formats-store.md).
std::uint32_t batch_seal(const Batch& batch, ByteView bytes, std::uint64_t stream_end);
// Part `part` of `parts` of an entity's value.
std::uint32_t part_seal(std::uint64_t kind, ByteView key, std::uint64_t part, std::uint64_t parts, ByteView value);
// The one row of `checkpoint`, and of `meta` (lsn 0).
std::uint32_t note_seal(Lsn lsn, ByteView bytes);
// The one row of `head` in log.db.
std::uint32_t head_seal(std::uint64_t identity, Lsn base, bool opened, bool wiping);

}  // namespace tandem::store
