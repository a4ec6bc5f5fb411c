// The State of this node and how it is rebuilt: from the own store at the start, from the peer's image, and batch by
// batch from the log. The same apply as on the active; effects are dropped.
#pragma once

#include <functional>
#include <memory>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "core/effects.hpp"
#include "core/image.hpp"
#include "core/state.hpp"
#include "store/store.hpp"

namespace tandem::broker {

class Replica {
 public:
  Replica();

  core::State& state() { return *state_; }
  const core::State& state() const { return *state_; }
  Lsn last() const { return last_; }  // State holds every record up to here
  Instant last_time() const { return last_time_; }

  // Empty State at lsn 0.
  void clear();
  // Rows, then the log up to `to` at most; `at_work` is called for each of them. Error: what is damaged or missing.
  Status load(store::Store& store, Lsn checkpoint, Lsn to, const std::function<void()>& at_work);
  std::size_t replayed_bytes() const { return replayed_bytes_; }  // of the log, by load()
  // The next batch. Error: it cannot be read (a newer program wrote it, or it is damaged).
  Status apply(const Batch& batch);
  // The active applied its own batch already.
  void advanced(Lsn last, Instant time) {
    last_ = last;
    last_time_ = time;
  }

  void begin_image();
  Status image_row(const Row& row);
  Status end_image(Lsn at, Instant time);

 private:
  std::unique_ptr<core::State> state_;
  std::unique_ptr<core::ImageLoader> loader_;
  core::Effects effects_;
  Lsn last_;
  Instant last_time_;
  std::size_t replayed_bytes_ = 0;
};

}  // namespace tandem::broker
