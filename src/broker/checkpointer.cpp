#include "broker/checkpointer.hpp"

namespace tandem::broker {

namespace {
constexpr std::size_t rows_in_flight_bytes = 8 * limits::mib;
}

void Checkpointer::step(core::State& state, Lsn last, Instant last_time, Lsn allowed, Steady now, std::uint64_t token) {
  if (last_begin_.ms == 0) last_begin_ = now;
  if (!at_) {
    const bool changed = last > committed_;
    const bool due = bytes_since_ >= options_.log_bytes || now.ms - last_begin_.ms >= options_.interval_ms || asked_;
    if (!changed || !due) return;
    begin(state, last, last_time, now);
  }
  if (!encoded_) encode_slice();
  if (encoded_ && !committing_ && allowed >= *at_) {
    committing_ = true;
    store_.commit_checkpoint(token);
  }
}

void Checkpointer::begin(core::State& state, Lsn last, Instant last_time, Steady now) {
  at_ = last;
  encoded_ = committing_ = asked_ = false;
  bytes_since_ = 0;
  last_begin_ = now;
  encoding_.emplace(state);
  store_.begin_checkpoint(last, encode_checkpoint_info(last_time), false);
}

void Checkpointer::encode_slice() {
  const std::int64_t end = clocks_.work_us() + limits::checkpoint_slice_us;
  do {
    if (store_.rows_in_flight_bytes() > rows_in_flight_bytes) return;
    std::vector<Row> rows;
    encoded_ = encoding_->step(limits::checkpoint_slice_rows, rows);
    if (!rows.empty()) store_.put_rows(std::move(rows));
  } while (!encoded_ && clocks_.work_us() < end);
  if (encoded_) encoding_.reset();
}

bool Checkpointer::wants_turn() const {
  return at_ && !encoded_ && store_.rows_in_flight_bytes() <= rows_in_flight_bytes;
}

void Checkpointer::on_committed(Lsn at, Lsn keep_from) {
  committed_ = at;
  if (committing_ && at_ == at) {  // else it was aborted meanwhile, and another one may have begun
    at_.reset();
    encoded_ = committing_ = false;
  }
  const Lsn below_keep{keep_from.value == 0 ? 0 : keep_from.value - 1};
  store_.trim(std::min(at, below_keep));
}

void Checkpointer::abort() {
  const bool open = at_.has_value() && !committing_;
  encoding_.reset();
  at_.reset();
  encoded_ = committing_ = false;
  if (open) store_.abort_checkpoint();
}

ByteBuffer encode_checkpoint_info(Instant time) {
  ByteBuffer info;
  ByteWriter(info).i64_le(time.ms);
  return info;
}

Instant decode_checkpoint_info(ByteView info) {
  ByteReader reader(info);
  const Instant time{reader.i64_le()};
  return reader.ok() ? time : Instant{};
}

}  // namespace tandem::broker
