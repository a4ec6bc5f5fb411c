// RECONCILE, the loser's side (L2): the acknowledged tail of the own log goes to the active as facts, in numbered
// frames, at most a window of them not yet confirmed, each sent again until received. The active confirms a frame when
// what it made of it is on its disk (R9). Interrupted, it begins again from the first fact: the active knows what it
// has.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "mirror/pair.hpp"
#include "mirror/send_window.hpp"
#include "mirror/wire.hpp"

namespace tandem::mirror {

class TailSender {
 public:
  static constexpr std::size_t window_bytes = 256 * 1024;
  static constexpr std::size_t piece_bytes = 64 * 1024;

  bool open() const { return open_; }
  // Everything is confirmed, the end included.
  bool done() const { return open_ && end_read_ && window_.empty(); }
  // Frames wait for the active (and not for the own disk).
  bool waiting() const { return open_ && !window_.empty(); }
  double percent() const;

  // Records (common, to] of the own log; facts are made of those from `from` on.
  void start(std::uint64_t join, Lsn common, Lsn from, Lsn to, std::vector<Order>& orders);
  void stop(std::vector<Order>& orders);

  void on_piece(TailPiece&& piece);
  void on_ack(const TailAck& ack);
  // Asks for the next piece if the window allows it.
  void pump(std::vector<Order>& orders);
  // Frame bodies that are due to be sent or sent again.
  std::vector<const ByteBuffer*> take_sendable(Steady now) { return window_.take_sendable(now); }

 private:
  // One fact may be larger than piece_bytes; a frame holds at least one.
  void add_frame(std::vector<TailItem> items, Lsn last, bool end);
  bool open_ = false;
  bool asked_ = false;
  bool end_read_ = false;
  std::uint64_t join_ = 0;
  Lsn common_;
  Lsn from_;
  Lsn to_;
  Lsn merged_to_;          // of the latest confirmed frame
  SendWindow window_;      // frames not yet confirmed
  std::deque<Lsn> lasts_;  // of each of them: its last record
};

}  // namespace tandem::mirror
