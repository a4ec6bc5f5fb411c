// Serving a joining (or merging) peer from the own store: numbered pieces, at most a window of them not yet worked off,
// at a bounded rate, sent again until received. It asks for one chunk at a time and holds only what is in the window.
#pragma once

#include <cstdint>
#include <vector>

#include "base/limits.hpp"
#include "mirror/pair.hpp"
#include "mirror/send_window.hpp"
#include "mirror/wire.hpp"

namespace tandem::mirror {

class Feeder {
 public:
  static constexpr std::size_t window_bytes = 1 * limits::mib;
  static constexpr std::size_t chunk_bytes = 4 * limits::image_chunk_bytes;
  static constexpr std::int64_t bytes_per_second = 40 * static_cast<std::int64_t>(limits::mib);

  bool open() const { return open_; }
  // The reader in the store is at the end of what can be had from it (gap, joint or end): no more chunks are asked for.
  bool finished() const { return finished_; }
  bool all_consumed() const { return window_.empty(); }
  bool rows_done() const { return rows_done_; }
  bool gap() const { return gap_; }  // the log does not go back far enough: the peer fetches anew, with rows
  // Behind this the store has yet to read.
  Lsn read_to() const { return read_to_; }
  double percent() const;
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  const Fetch& fetch() const { return fetch_; }

  void start(const Fetch& fetch, Steady now, std::vector<Order>& orders);
  void stop(std::vector<Order>& orders);
  // The store is needed no more; pieces in the window still go out.
  void finish(std::vector<Order>& orders);

  // Reads on behind `after` although it was finished, or begins there: same fetch, the piece numbers go on.
  void go_on(const Fetch& fetch, Lsn after, Steady now, std::vector<Order>& orders);

  // A chunk has come: if it says something it becomes a piece.
  void on_chunk(CatchUpPiece&& chunk, Steady now);
  void on_ack(const PieceAck& ack);
  // Asks for the next chunk if window and rate allow it. `now` also refills the rate.
  void pump(Steady now, std::vector<Order>& orders);
  // Piece bodies (without frame header) that are due to be sent or sent again.
  std::vector<const ByteBuffer*> take_sendable(Steady now) { return window_.take_sendable(now); }

 private:
  Fetch fetch_;
  bool open_ = false;
  bool finished_ = false;
  bool rows_done_ = false;  // none were asked for, or all have been read
  bool gap_ = false;
  bool asked_ = false;  // a chunk is on its way
  bool idle_ = false;   // the last chunk said that nothing more is durable: ask again at the next tick
  Lsn read_to_;
  std::uint64_t rows_bytes_ = 0;
  std::uint64_t rows_total_ = 0;
  std::uint64_t sent_bytes_ = 0;  // pieces of this fetch, each counted once
  SendWindow window_;             // pieces not yet consumed
  std::int64_t budget_bytes_ = 0;
  Steady refilled_;
  Steady asked_at_;
};

}  // namespace tandem::mirror
