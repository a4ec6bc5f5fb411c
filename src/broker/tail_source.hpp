// RECONCILE, the loser's side: reads the own log behind the fork twice, through the store's reading thread (once to
// know whose sessions the records speak of, once to turn them into facts), a piece at a time. If the log does not go
// back to the fork any more, facts of State stand for what is missing, before those of the log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/state_tail.hpp"
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

  // `end`: State at tail.to, which stays as it is until close(). `epoch_at`: of the own records.
  void open(core::State& end, const mirror::OpenTail& tail, core::StateTail::EpochAt epoch_at);
  // The next piece if it comes from State; else it is read, and comes by on_chunk().
  std::optional<mirror::TailPiece> next(std::size_t max_bytes);
  void close();

  bool owns(std::uint64_t catch_up) const { return catch_up_ != 0 && catch_up == catch_up_; }
  // A chunk of that catch-up. The piece that next() asked for, once it is there.
  std::optional<mirror::TailPiece> on_chunk(store::Chunk&& chunk);

  // Reads all of it at once and counts what would be merged (`tandemctl reconcile --dry-run`). Blocks on the disk.
  static Result<core::MergeCounts> count(store::Store& store, core::State& end, const mirror::OpenTail& tail,
                                         core::StateTail::EpochAt epoch_at);
  // What a person should know of a tail whose first records are not in the log any more; empty: all of it is.
  static std::string missing_note(const store::Store& store, const mirror::OpenTail& tail);

 private:
  Status scan(const Batch& batch);
  Status read(const Batch& batch, mirror::TailPiece& piece);
  void begin();
  void open_log();
  mirror::TailPiece from_state();
  void add(mirror::TailPiece& piece);
  mirror::TailPiece failed(const std::string& why);

  store::Store& store_;
  std::optional<core::TailReader> reader_;
  core::State* end_ = nullptr;
  core::StateTail::EpochAt epoch_at_;
  mirror::OpenTail tail_{};
  std::uint64_t catch_up_ = 0;
  std::size_t max_bytes_ = 0;
  bool scanned_ = false;
  Lsn after_;                               // where the log is read from: the fork, or the log's begin if that is later
  std::unique_ptr<core::StateTail> state_;  // while facts for what is missing before that are left
  std::vector<core::TailFact> facts_;
};

}  // namespace tandem::broker
