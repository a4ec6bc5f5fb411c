// The durable fields of a node (roles.md): one record, replaced as a whole by WriteMeta. Bytes: docs/formats-mirror.md.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "mirror/history.hpp"

namespace tandem::mirror {

// On disk: never reuse a value.
enum class LastRole : std::uint8_t { empty = 0, stale = 1, standby = 2, active = 3 };

struct Meta {
  std::uint64_t store = 0;  // random, drawn when the store was made
  Epoch epoch;              // highest epoch that this store took part in; never goes down
  LastRole last_role = LastRole::empty;
  bool unclean = false;  // this lineage may lack acknowledged records that the peer holds
  Lsn alone_from;        // first lsn that may have been acknowledged without the peer; 0: none
  Instant last_sync;     // log time when the pair was last known in sync; 0: never
  History history;
  // STALE because the store was damaged: the history that it had, so that its records are known by their names to a box
  // that holds them. It says nothing about what is here.
  History before_damage;
  friend bool operator==(const Meta&, const Meta&) = default;
};

ByteBuffer encode_meta(const Meta& meta);
Result<Meta> decode_meta(ByteView bytes);

}  // namespace tandem::mirror
