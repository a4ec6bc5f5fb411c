#include "broker/replica.hpp"

#include <algorithm>
#include <string>

#include "core/apply.hpp"
#include "core/record_codec.hpp"

namespace tandem::broker {

Replica::Replica() : state_(std::make_unique<core::State>()) {}

void Replica::clear() {
  loader_.reset();
  state_ = std::make_unique<core::State>();
  last_ = {};
  last_time_ = {};
}

Status Replica::load(store::Store& store, Lsn checkpoint, Lsn to, const std::function<void()>& at_work) {
  clear();
  begin_image();
  const Status rows = store.load_rows([&](Row&& row) {
    at_work();
    return image_row(row);
  });
  if (!rows.ok()) return rows;
  const Status image = end_image(checkpoint, Instant{});
  if (!image.ok()) return image;
  replayed_bytes_ = 0;
  return store.load_log(checkpoint, [&](Batch&& batch) -> Status {
    at_work();
    if (batch.last() > to) return {};
    replayed_bytes_ += batch.bytes->size();
    return apply(batch);
  });
}

Status Replica::apply(const Batch& batch) {
  if (batch.first != last_.next()) {
    return Error{"the log has a gap: record " + std::to_string(last_.value + 1) + " is missing before " +
                 std::to_string(batch.first.value)};
  }
  ByteReader reader(*batch.bytes);
  Lsn lsn = batch.first;
  for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
    Result<core::Record> record = core::decode_record(reader);
    if (!record.ok()) return Error{"record " + std::to_string(lsn.value) + ": " + record.error().message};
    core::Applying to{*state_, lsn.value, batch.time, effects_};
    core::apply(to, record.value());
    effects_.clear();
  }
  if (!reader.at_end()) return Error{"batch at record " + std::to_string(batch.first.value) + " has trailing bytes"};
  last_ = batch.last();
  last_time_ = std::max(last_time_, batch.time);
  return {};
}

void Replica::begin_image() {
  clear();
  loader_ = std::make_unique<core::ImageLoader>(*state_);
}

Status Replica::image_row(const Row& row) {
  return loader_->load(row);
}

Status Replica::end_image(Lsn at, Instant time) {
  const Status done = loader_->finish();
  loader_.reset();
  last_ = at;
  last_time_ = time;
  return done;
}

}  // namespace tandem::broker
