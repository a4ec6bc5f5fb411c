// Writes checkpoints: State's changed entities as rows at exactly one lsn C, in slices between turns, valid once safe
// >= C and the own log is durable up to C; then the log is trimmed. A checkpoint is a gated effect: never past safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "broker/clocks.hpp"
#include "core/image.hpp"
#include "store/store.hpp"

namespace tandem::broker {

struct CheckpointOptions {
  std::size_t log_bytes = limits::checkpoint_log_bytes;
  std::int64_t interval_ms = limits::checkpoint_ms;
};

class Checkpointer {
 public:
  Checkpointer(store::Store& store, const Clocks& clocks, const CheckpointOptions& options)
      : store_(store), clocks_(clocks), options_(options) {}

  // End of a turn: begins one if it is time, encodes a slice, commits when it may. `token` names the commit.
  void step(core::State& state, Lsn last, Instant last_time, Lsn allowed, Steady now, std::uint64_t token);
  void on_batch(std::size_t bytes) { bytes_since_ += bytes; }
  // The store has committed the checkpoint at `at`; the log may be trimmed up to min(at, keep_from - 1).
  void on_committed(Lsn at, Lsn keep_from);
  // State is about to be rebuilt or replaced.
  void abort();
  void loaded(Lsn checkpoint) { committed_ = checkpoint; }
  void ask() { asked_ = true; }
  bool running() const { return at_.has_value(); }
  // The next slice could be encoded now: the loop need not wait for anything else.
  bool wants_turn() const;
  bool committing() const { return committing_; }  // the rows of the store will be newer than committed()
  Lsn committed() const { return committed_; }

 private:
  void begin(core::State& state, Lsn last, Instant last_time, Steady now);
  void encode_slice();

  store::Store& store_;
  const Clocks& clocks_;
  CheckpointOptions options_;
  std::optional<core::Checkpoint> encoding_;
  std::optional<Lsn> at_;  // of the running one
  bool encoded_ = false;   // all rows are with the store
  bool committing_ = false;
  bool asked_ = false;
  Lsn committed_;
  std::size_t bytes_since_ = 0;
  Steady last_begin_;
};

// Checkpoint info: log time of the last record in the image.
ByteBuffer encode_checkpoint_info(Instant time);
Instant decode_checkpoint_info(ByteView info);

}  // namespace tandem::broker
