// A loser's facts become records here.
#include "broker/tail_merger.hpp"

#include "base/limits.hpp"
#include "core/record_codec.hpp"

namespace tandem::broker {

namespace {
constexpr int facts_a_turn = 64;
constexpr std::size_t chunk_bytes = limits::image_chunk_bytes;
}  // namespace

void TailMerger::open(const mirror::OpenMerge& merge, Lsn last) {
  close();
  open_ = true;
  peer_ = merge.peer;
  index_ = core::ForkIndex(merge.common);
  index_incomplete_ = false;
  report_ = {};
  index_to_ = last;
  indexed_ = merge.common >= last;
  if (indexed_) return;
  catch_up_ = store_.open_catch_up(merge.common, false);
  store_.next_chunk(catch_up_, chunk_bytes);
}

void TailMerger::close() {
  if (catch_up_ != 0) store_.close_catch_up(std::exchange(catch_up_, 0));
  open_ = indexed_ = ask_again_ = false;
  waiting_.clear();
  next_item_ = 0;
}

void TailMerger::give(mirror::MergeTail&& tail) {
  if (open_) waiting_.push_back(std::move(tail));
}

void TailMerger::note(const core::State& state, const Batch& batch) {
  ByteReader reader(*batch.bytes);
  Lsn lsn = batch.first;
  for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
    const Result<core::Record> record = core::decode_record(reader);
    if (!record.ok()) return;  // the store has checked it: written by this very program
    index_.note(lsn, batch.time, record.value(), state);
  }
}

void TailMerger::on_own_batch(const core::State& state, const Batch& batch) {
  if (open_) note(state, batch);
}

void TailMerger::on_chunk(const core::State& state, store::Chunk&& chunk) {
  Lsn read_to;
  for (const Batch& batch : chunk.batches) {
    read_to = batch.last();
    if (batch.first <= index_to_) note(state, batch);
  }
  if (read_to >= index_to_ || chunk.gap || chunk.error) {
    // A log that cannot be read back to the fork: what is known decides. A QoS 2 message may then come twice, none is
    // lost.
    index_incomplete_ = chunk.gap || chunk.error.has_value();
    indexed_ = true;
    store_.close_catch_up(std::exchange(catch_up_, 0));
    return;
  }
  ask_again_ = chunk.batches.empty();  // the rest is not on the disk yet
  if (!ask_again_) store_.next_chunk(catch_up_, chunk_bytes);
}

void TailMerger::run(const std::function<void(const Step&)>& merge,
                     const std::function<void(std::uint64_t number)>& done) {
  if (std::exchange(ask_again_, false) && catch_up_ != 0) store_.next_chunk(catch_up_, chunk_bytes);
  if (!indexed_) return;
  int left = facts_a_turn;
  while (!waiting_.empty()) {
    const mirror::MergeTail& frame = waiting_.front();
    for (; next_item_ < frame.items.size(); ++next_item_) {
      if (left-- == 0) return;
      merge(Step{frame.items[next_item_], index_});
    }
    const std::uint64_t number = frame.number;
    waiting_.pop_front();
    next_item_ = 0;
    done(number);
  }
}

}  // namespace tandem::broker
