// RECONCILE, the loser's side: reads the own log behind the fork twice, through the store's reading thread (once to
// know whose sessions the records speak of, once to turn them into facts), a piece at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/tail.hpp"
#include "mirror/pair.hpp"
#include "store/store.hpp"

namespace tandem::broker {

class TailSource {
 public:
  explicit TailSource(store::Store& store) : store_(store) {}
  ~TailSource() { close(); }
  TailSource(const TailSource&) = delete;
  TailSource& operator=(const TailSource&) = delete;

  // `end`: State at tail.to, which stays as it is until close().
  void open(core::State& end, const mirror::OpenTail& tail);
  void next(std::size_t max_bytes);
  void close();

  bool owns(std::uint64_t catch_up) const { return catch_up_ != 0 && catch_up == catch_up_; }
  // A chunk of that catch-up. The piece that next() asked for, once it is there.
  std::optional<mirror::TailPiece> on_chunk(store::Chunk&& chunk);

  // Reads all of it at once and counts what would be merged (`tandemctl reconcile --dry-run`). Blocks on the disk.
  static Result<core::MergeCounts> count(store::Store& store, core::State& end, const mirror::OpenTail& tail);

 private:
  Status scan(const Batch& batch);
  Status read(const Batch& batch, mirror::TailPiece& piece);
  void open_log();
  void add(mirror::TailPiece& piece);
  mirror::TailPiece failed(const std::string& why);

  store::Store& store_;
  std::optional<core::TailReader> reader_;
  mirror::OpenTail tail_{};
  std::uint64_t catch_up_ = 0;
  std::size_t max_bytes_ = 0;
  bool scanned_ = false;
  Lsn after_;            // where the log is read from: the fork, or the log's begin if that is later
  std::string missing_;  // what is to be told with the next piece
  std::vector<core::TailFact> facts_;
};

}  // namespace tandem::broker
