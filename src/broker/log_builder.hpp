// The log's front end on the active: gives lsns, and gathers a turn's records into batches. Each record is encoded
// once; the same bytes go to the memory tail, SQLite and the peer.
#pragma once

#include <algorithm>
#include <vector>

#include "base/batch.hpp"
#include "base/limits.hpp"
#include "core/record_codec.hpp"

namespace tandem::broker {

class LogBuilder {
 public:
  // A reign begins: the next record gets the lsn behind `last`.
  void begin(Epoch epoch, Lsn last) {
    epoch_ = epoch;
    last_ = last;
    open_ = {};
    ready_.clear();
  }
  // Records from now on belong to this epoch. Only between batches.
  void set_epoch(Epoch epoch) { epoch_ = epoch; }
  // Records from now on carry this log time. Only between batches: call at the start of a turn, after take().
  void set_time(Instant time) { time_ = time; }
  Instant time() const { return time_; }
  Lsn last() const { return last_; }
  std::uint64_t bytes() const { return bytes_; }  // of all records since the process began

  template <class R>
  Lsn append(const R& record) {
    if (!open_) {
      open_ = std::make_shared<ByteBuffer>();
      open_->reserve(std::min(last_size_ + last_size_ / 8, limits::batch_bytes));
    }
    const std::size_t before = open_->size();
    core::encode_record(record, *open_);
    bytes_ += open_->size() - before;
    last_ = last_.next();
    ++count_;
    if (open_->size() >= limits::batch_bytes) seal();
    return last_;
  }

  // The batches of this turn, in order.
  std::vector<Batch> take() {
    seal();
    return std::exchange(ready_, {});
  }
  bool empty() const { return count_ == 0 && ready_.empty(); }

 private:
  void seal() {
    if (count_ == 0) return;
    last_size_ = open_->size();
    Batch batch;
    batch.first = Lsn{last_.value - count_ + 1};
    batch.count = count_;
    batch.epoch = epoch_;
    batch.time = time_;
    batch.bytes = std::move(open_);
    open_ = {};
    count_ = 0;
    ready_.push_back(std::move(batch));
  }

  Epoch epoch_;
  Lsn last_;
  Instant time_;
  std::shared_ptr<ByteBuffer> open_;
  std::uint32_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::size_t last_size_ = 0;  // of the batch before: the next one is as large more often than not
  std::vector<Batch> ready_;
};

}  // namespace tandem::broker
