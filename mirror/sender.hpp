// The active's side of the live stream: the memory tail of recent batches, the window of those that the peer has not
// confirmed, and when to send one again. Batches are shared, never copied here. Confirms are cumulative: O(1) each.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/batch.hpp"
#include "base/limits.hpp"

namespace tandem::mirror {

class Sender {
 public:
  // Beyond what is not durable or not confirmed, this much of the recent log stays in memory for a joining standby.
  static constexpr std::size_t tail_bytes_kept = 4 * limits::mib;

  // A new reign, or no reign at all: forgets the tail. The log ends at `log_last`.
  void reset(Lsn log_last);
  // A batch was appended to the own log (contiguous).
  void push(const Batch& batch, Steady now);
  // The own store has everything up to here.
  void on_durable(Lsn durable);

  // Does the tail hold everything behind `after`?
  bool covers(Lsn after) const;
  // Begins (or, after a stream was lost, resumes) to stream what is behind `after`. covers(after) must hold.
  void start(Lsn after);
  // The stream is lost: nothing is sent; the window stays.
  void pause() { live_ = false; }
  // The peer no longer follows.
  void stop();
  bool live() const { return live_; }
  bool following() const { return following_; }

  // Batches that may be sent now, in order; the caller sends each (they count as sent).
  void take_sendable(Steady now, std::vector<Batch>& out);
  // The peer has everything up to `memory`. `gap`: it saw a later batch, so what is behind `memory` was lost.
  void on_confirm(Lsn memory, bool gap, Steady now);
  // True if a batch has been unconfirmed for the resend time. With another path to use, the window is rewound and
  // take_sendable() gives all of it again; without, `head` gets the first few (a slow path must not be flooded).
  bool resend_due(Steady now, bool other_path, std::vector<Batch>& head);

  Lsn confirmed() const { return confirmed_; }
  Lsn last() const { return last_; }
  std::size_t unconfirmed_bytes() const { return unconfirmed_bytes_; }
  // How long the oldest unconfirmed batch has been waiting since it was appended; 0 if none.
  std::int64_t oldest_wait_ms(Steady now) const;

 private:
  struct Entry {
    Batch batch;
    Steady added;
    Steady sent;
  };
  std::size_t cost(const Entry& entry) const { return entry.batch.bytes->size() + 64; }
  std::size_t index_behind(Lsn lsn) const;  // first entry whose first lsn is behind `lsn`
  void trim();

  std::deque<Entry> tail_;
  std::size_t tail_bytes_ = 0;
  Lsn last_;  // end of the log
  Lsn durable_;
  Lsn confirmed_;                      // by the peer; meaningful while following_
  std::size_t first_unconfirmed_ = 0;  // index into tail_
  std::size_t next_ = 0;               // index into tail_: next to send
  std::size_t unconfirmed_bytes_ = 0;  // of tail_[first_unconfirmed_..]
  std::size_t in_flight_bytes_ = 0;    // of tail_[first_unconfirmed_..next_)
  std::int64_t resend_after_ms_ = limits::path_resend_ms;
  Steady last_gap_resend_{INT64_MIN / 2};
  bool following_ = false;
  bool live_ = false;
};

}  // namespace tandem::mirror
