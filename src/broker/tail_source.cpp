// The own log behind a fork, as facts.
#include "broker/tail_source.hpp"

#include <algorithm>
#include <utility>

#include "core/record_codec.hpp"

namespace tandem::broker {

namespace {

// Calls visit(lsn, record) for every record of a batch.
template <class Visit>
Status each_record(const Batch& batch, Visit visit) {
  ByteReader reader(*batch.bytes);
  Lsn lsn = batch.first;
  for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
    const Result<core::Record> record = core::decode_record(reader);
    if (!record.ok()) return Error{"record " + std::to_string(lsn.value) + ": " + record.error().message};
    visit(lsn, record.value());
  }
  return {};
}

}  // namespace

void TailSource::open(core::State& end, const mirror::OpenTail& tail) {
  close();
  tail_ = tail;
  reader_.emplace(end, tail.common);
  scanned_ = false;
  max_bytes_ = 0;
  missing_.clear();
  const Lsn first = store_.log_first();
  after_ = std::max(tail.common, Lsn{first.value == 0 ? 0 : first.value - 1});
  if (after_ >= tail.from) {
    missing_ = "records " + std::to_string(tail.from.value) + " to " + std::to_string(after_.value) +
               " are no longer in the log (store.log_max_mb)";
  }
  open_log();
}

void TailSource::open_log() {
  if (catch_up_ != 0) store_.close_catch_up(catch_up_);
  catch_up_ = store_.open_catch_up(after_, false);
}

void TailSource::close() {
  if (catch_up_ != 0) store_.close_catch_up(std::exchange(catch_up_, 0));
  reader_.reset();
}

void TailSource::next(std::size_t max_bytes) {
  if (catch_up_ == 0) return;
  max_bytes_ = max_bytes;
  store_.next_chunk(catch_up_, max_bytes);
}

Status TailSource::scan(const Batch& batch) {
  return each_record(batch, [&](Lsn lsn, const core::Record& record) { reader_->scan(lsn, batch.time, record); });
}

Status TailSource::read(const Batch& batch, mirror::TailPiece& piece) {
  return each_record(batch, [&](Lsn lsn, const core::Record& record) {
    if (lsn < tail_.from) return;
    reader_->facts(batch.epoch, lsn, batch.time, record, facts_);
    add(piece);
  });
}

void TailSource::add(mirror::TailPiece& piece) {
  for (core::TailFact& fact : facts_) {
    const core::Origin& origin = fact.origin;
    piece.items.push_back({origin.lsn, origin.index, origin.epoch, origin.time, std::move(fact.bytes)});
  }
  facts_.clear();
}

mirror::TailPiece TailSource::failed(const std::string& why) {
  mirror::TailPiece piece;
  piece.end = true;
  piece.error = why;
  return piece;
}

std::optional<mirror::TailPiece> TailSource::on_chunk(store::Chunk&& chunk) {
  if (chunk.error) return failed(chunk.error->message);
  if (chunk.gap) return failed("the own log does not go back to the fork");
  mirror::TailPiece piece;
  Lsn read_to;
  for (const Batch& batch : chunk.batches) {
    if (batch.first > tail_.to) break;
    const Status done = scanned_ ? read(batch, piece) : scan(batch);
    if (!done.ok()) return failed(done.error().message);
    read_to = batch.last();
  }
  const bool all = read_to >= tail_.to || (chunk.batches.empty() && chunk.at_log_end);
  if (!scanned_) {
    if (all) {
      reader_->finish_scan();
      scanned_ = true;
      open_log();
    }
    store_.next_chunk(catch_up_, max_bytes_);
    return std::nullopt;
  }
  if (piece.items.empty() && !all) {
    store_.next_chunk(catch_up_, max_bytes_);
    return std::nullopt;
  }
  piece.read_to = read_to;
  piece.end = all;
  piece.error = std::exchange(missing_, {});
  if (all) {
    reader_->closing(facts_);
    add(piece);
  }
  return piece;
}

Result<core::MergeCounts> TailSource::count(store::Store& store, core::State& end, const mirror::OpenTail& tail) {
  core::TailReader reader(end, tail.common);
  std::vector<core::TailFact> facts;
  for (const bool scan : {true, false}) {
    const Status done = store.load_log(tail.common, [&](Batch&& batch) {
      return each_record(batch, [&](Lsn lsn, const core::Record& record) {
        if (lsn > tail.to) return;
        if (scan) {
          reader.scan(lsn, batch.time, record);
        } else if (lsn >= tail.from) {
          reader.facts(batch.epoch, lsn, batch.time, record, facts);
          facts.clear();
        }
      });
    });
    if (!done.ok()) return done.error();
    if (scan) reader.finish_scan();
  }
  reader.closing(facts);
  return reader.counts();
}

}  // namespace tandem::broker
