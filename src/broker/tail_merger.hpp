// RECONCILE, the winner's side: first learns what this box itself has recorded since the fork (its own log, read
// through the store, and what is appended meanwhile), then turns the loser's facts into records, a bounded number a
// turn.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/fork_index.hpp"
#include "core/reconcile.hpp"
#include "mirror/pair.hpp"
#include "store/store.hpp"

namespace tandem::broker {

class TailMerger {
 public:
  explicit TailMerger(store::Store& store) : store_(store) {}
  ~TailMerger() { close(); }
  TailMerger(const TailMerger&) = delete;
  TailMerger& operator=(const TailMerger&) = delete;

  // `last`: end of the own log.
  void open(const mirror::OpenMerge& merge, Lsn last);
  void give(mirror::MergeTail&& tail);
  void close();
  bool is_open() const { return open_; }

  bool owns(std::uint64_t catch_up) const { return catch_up_ != 0 && catch_up == catch_up_; }
  void on_chunk(const core::State& state, store::Chunk&& chunk);
  // A batch of the own log that was appended while the merge is open.
  void on_own_batch(const core::State& state, const Batch& batch);

  struct Step {
    const mirror::TailItem& item;
    const core::ForkIndex& index;
  };
  // Merges some of what waits: `merge` is called for each fact. Then `done(number)` for each frame that is through.
  void run(const std::function<void(const Step&)>& merge, const std::function<void(std::uint64_t number)>& done);

  const std::string& peer() const { return peer_; }
  // The log did not go back to the fork: what this box did since is only known in part.
  bool index_incomplete() const { return index_incomplete_; }
  core::MergeReport& report() { return report_; }

 private:
  void note(const core::State& state, const Batch& batch);

  store::Store& store_;
  bool open_ = false;
  bool indexed_ = false;
  bool ask_again_ = false;
  bool index_incomplete_ = false;
  core::MergeReport report_;
  std::string peer_;
  core::ForkIndex index_{Lsn{}};
  Lsn index_to_;  // the store is read up to here; what is behind it comes by on_own_batch
  std::uint64_t catch_up_ = 0;
  std::deque<mirror::MergeTail> waiting_;
  std::size_t next_item_ = 0;  // of waiting_.front()
};

}  // namespace tandem::broker
