// The own log behind a fork, as facts.
#include "broker/tail_source.hpp"

#include <algorithm>
#include <utility>

#include "core/record_codec.hpp"

namespace tandem::broker {

namespace {

constexpr std::size_t count_bytes = 64 * 1024;  // of facts at once, when they are only counted

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

// Where the log is read from: the fork, or the log's begin if that is later.
Lsn log_after(const store::Store& store, Lsn common) {
  const Lsn first = store.log_first();
  return std::max(common, Lsn{first.value == 0 ? 0 : first.value - 1});
}

std::unique_ptr<core::StateTail> state_tail(core::State& end, const mirror::OpenTail& tail, Lsn after,
                                            core::StateTail::EpochAt epoch_at) {
  if (after < tail.from) return nullptr;
  const Lsn last = std::min(after, tail.to);
  return std::make_unique<core::StateTail>(end, core::StateTail::Missing{tail.common, tail.from, last, tail.to},
                                           std::move(epoch_at));
}

}  // namespace

std::string TailSource::missing_note(const store::Store& store, const mirror::OpenTail& tail) {
  const Lsn after = log_after(store, tail.common);
  if (after < tail.from) return {};
  return "Records " + std::to_string(tail.from.value) + " to " + std::to_string(std::min(after, tail.to).value) +
         " are no longer in the log (store.log_max_mb): what State still knows of them is merged (sessions, "
         "subscriptions, messages that wait, retained values); what ended in them is not.";
}

void TailSource::open(core::State& end, const mirror::OpenTail& tail, core::StateTail::EpochAt epoch_at) {
  close();
  end_ = &end;
  tail_ = tail;
  epoch_at_ = std::move(epoch_at);
  begin();
}

void TailSource::begin() {
  reader_.emplace(*end_, tail_.common);
  scanned_ = false;
  after_ = log_after(store_, tail_.common);
  state_ = state_tail(*end_, tail_, after_, epoch_at_);
  open_log();
}

void TailSource::open_log() {
  if (catch_up_ != 0) store_.close_catch_up(catch_up_);
  catch_up_ = store_.open_catch_up(after_, false);
}

void TailSource::close() {
  if (catch_up_ != 0) store_.close_catch_up(std::exchange(catch_up_, 0));
  state_.reset();
  reader_.reset();
}

std::optional<mirror::TailPiece> TailSource::next(std::size_t max_bytes) {
  if (catch_up_ == 0) return std::nullopt;
  max_bytes_ = max_bytes;
  if (scanned_ && state_) return from_state();
  store_.next_chunk(catch_up_, max_bytes);
  return std::nullopt;
}

mirror::TailPiece TailSource::from_state() {
  mirror::TailPiece piece;
  piece.read_to = tail_.common;
  if (state_->next(max_bytes_, facts_)) {
    reader_->follow_state(state_->after_all());
    state_.reset();
    piece.read_to = after_;
  }
  add(piece);
  return piece;
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
  if (chunk.gap) {  // trimmed meanwhile: what was given has kept its names, so that it may be given again
    if (log_after(store_, tail_.common) == after_) return failed("the own log does not go back to the fork");
    begin();
    store_.next_chunk(catch_up_, max_bytes_);
    return std::nullopt;
  }
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
      if (state_) return from_state();
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
  if (all) {
    reader_->closing(facts_);
    add(piece);
  }
  return piece;
}

Result<core::MergeCounts> TailSource::count(store::Store& store, core::State& end, const mirror::OpenTail& tail,
                                            core::StateTail::EpochAt epoch_at) {
  const Lsn after = log_after(store, tail.common);
  const std::unique_ptr<core::StateTail> missing = state_tail(end, tail, after, std::move(epoch_at));
  core::TailReader reader(end, tail.common);
  std::vector<core::TailFact> facts;
  for (const bool scan : {true, false}) {
    const Status done = store.load_log(after, [&](Batch&& batch) {
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
  core::MergeCounts counts = reader.counts();
  if (missing) {
    while (!missing->next(count_bytes, facts)) facts.clear();
    counts.add(missing->counts());
  }
  return counts;
}

}  // namespace tandem::broker
