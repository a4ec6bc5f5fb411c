// The simulated store: opening, time, and what the core calls; see sim_store.hpp. The two writers are in
// sim_store_log.cpp and sim_store_state.cpp.
#include "sim_store.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace sim {

namespace {

constexpr std::int64_t look_ms = 1'000;
constexpr const char* advice = "; take the peer's copy: set this store's directory aside and start empty";

}  // namespace

std::string Disk::rot(std::uint64_t dice) {
  const std::size_t notes = (meta.empty() ? 0U : 1U) + (checkpoint == Lsn{} ? 0U : 1U);
  const std::size_t things = log.size() + rows->size() + notes;
  if (things == 0) return {};
  std::size_t at = static_cast<std::size_t>(dice % things);
  if (at < log.size()) {
    log[at].rotten = true;
    return "the batch at record " + std::to_string(log[at].batch.first.value);
  }
  at -= log.size();
  if (at < rows->size()) {
    auto changed = std::make_shared<Rows>(*rows);
    auto row = changed->begin();
    std::advance(row, static_cast<std::ptrdiff_t>(at));
    row->second.rotten = true;
    rows = std::move(changed);
    return "a row of kind " + std::to_string(row->first.first);
  }
  at -= rows->size();
  if (at == 0 && !meta.empty()) {
    meta_rotten = true;
    return "the metadata record";
  }
  note_rotten = true;
  return "the checkpoint's note";
}

Status SimStore::openable(const Disk& disk) {
  if (disk.note_rotten) return Error{std::string("state.db: table checkpoint is damaged") + advice};
  if (disk.meta_rotten) return Error{std::string("log.db: table meta is damaged") + advice};
  if (!disk.wiping && disk.base > disk.checkpoint) {
    return Error{"the log follows lsn " + std::to_string(disk.base.value) + ", but the rows hold State at " +
                 std::to_string(disk.checkpoint.value) + " only" + advice};
  }
  return {};
}

SimStore::SimStore(Disk& disk, std::uint64_t seed, int fsync_ms_max, std::int64_t now_ms)
    : disk_(disk), rng_(seed), fsync_ms_max_(fsync_ms_max), now_(now_ms) {
  CHECK(openable(disk_).ok());
  finish_opening();
}

// Makes log and rows fit together, as src/store/opening.cpp does.
void SimStore::finish_opening() {
  if (disk_.wiping) {
    erase_rows();
    empty_log(Lsn{0});
  }
  const Lsn last = std::max(disk_.log_last(), disk_.base);
  if (last < disk_.checkpoint) {
    if (!disk_.log.empty()) {
      events_.errors.push_back(Error{"log.db: ended at lsn " + std::to_string(last.value) + ", before the rows' lsn " +
                                     std::to_string(disk_.checkpoint.value) + "; it goes on behind that"});
    }
    empty_log(disk_.checkpoint);
  }
  durable_ = std::max(last, disk_.checkpoint);
  next_ = durable_.next();
  rows_at_ = disk_.checkpoint;
  log_bytes_ = 0;
  for (const StoredBatch& stored : disk_.log) log_bytes_ += stored.batch.bytes->size();
  found_.meta = disk_.meta;
  found_.checkpoint = disk_.checkpoint;
  found_.checkpoint_info = disk_.checkpoint_info;
  if (!disk_.log.empty()) {
    found_.log_first = disk_.log.front().batch.first;
    found_.log_last = disk_.log_last();
  }
  found_.fresh = durable_ == Lsn{} && disk_.meta.empty();
  if (!disk_.full) disk_.ballast = true;
  events_.durable = durable_;
  events_.disk_full = !disk_.ballast;
  news_ = true;
}

// --- time

std::int64_t SimStore::takes() {
  if (hurry_) return 0;
  return static_cast<std::int64_t>(rng_() % static_cast<unsigned>(fsync_ms_max_ + 1)) + disk_.slower_ms;
}

bool SimStore::advance(std::int64_t now_ms) {
  now_ = now_ms;
  // A step of one writer may be what the other waits for.
  for (std::uint64_t before = 0;;) {
    run_log();
    run_state();
    const std::uint64_t finished = log_finished_ + state_finished_;
    if (finished == before) break;
    before = finished;
  }
  while (!reads_.empty() && reads_.front().first <= now_) {
    const ReadCommand command = reads_.front().second;
    reads_.pop_front();
    read(command);
  }
  if (!disk_.ballast && !log_failing_ && !state_failing_) look_for_room();
  return news_;
}

std::optional<std::int64_t> SimStore::next_due() const {
  if (news_) return now_;
  std::optional<std::int64_t> due;
  const auto sooner = [&due](const std::optional<std::int64_t>& at) {
    if (at && (!due || *at < *due)) due = at;
  };
  sooner(log_due());
  sooner(state_due());
  if (!reads_.empty()) sooner(reads_.front().first);
  if (!disk_.ballast) sooner(next_look_);
  return due;
}

// A write of about that many bytes. False: the disk is full; the first time it gives up the ballast.
bool SimStore::may_write(std::size_t bytes) {
  if (!disk_.full) return true;
  if (!disk_.ballast && bytes <= disk_.room) {
    disk_.room -= bytes;
    return true;
  }
  if (disk_.ballast) {
    disk_.ballast = false;
    disk_.room = disk_.ballast_bytes;
    next_look_ = now_ + look_ms;
  }
  events_.disk_full = news_ = true;
  return false;
}

// The disk counts as full until there is room for the ballast again.
void SimStore::look_for_room() {
  if (disk_.ballast || now_ < next_look_) return;
  next_look_ = now_ + look_ms;
  if (disk_.full) return;
  disk_.ballast = true;
  events_.disk_full = false;
  news_ = true;
}

// Once, not at each try.
void SimStore::report(std::string& last, const std::string& text) {
  if (last == text) return;
  last = text;
  events_.errors.push_back(Error{text});
  news_ = true;
}

void SimStore::tell_token(std::uint64_t token) {
  events_.tokens.push_back(token);
  news_ = true;
}

store::Events SimStore::take_events() {
  news_ = false;
  store::Events taken = std::move(events_);
  events_ = {};
  events_.durable = taken.durable;
  events_.disk_full = taken.disk_full;
  return taken;
}

// --- the end

void SimStore::crash() {
  CHECK(!ended_);
  ended_ = true;
  if (log_ends_ && rng_() % 2 == 0) log_step(true);
  if (state_ends_ && rng_() % 2 == 0) state_step();
}

void SimStore::close() {
  CHECK(!ended_);
  [[maybe_unused]] const Status written = drain();  // what cannot be written now is given up
  ended_ = true;
}

// Until everything that was asked for is on disk; no time passes. An Error when it cannot be written at present.
Status SimStore::drain() {
  hurry_ = true;
  commit_now();
  log_retry_.reset();
  state_retry_.reset();
  Status status;
  while (status.ok() && (log_finished_ < log_issued_ || state_finished_ < state_issued_)) {
    if (log_ends_) log_ends_ = now_;
    if (state_ends_) state_ends_ = now_;
    run_log();
    run_state();
    if (log_failing_ || state_failing_) status = Error{"cannot be read while earlier writes fail (see their errors)"};
  }
  hurry_ = false;
  return status;
}

// --- reading

Status SimStore::load_rows(const store::RowVisitor& visit) {
  if (Status status = drain(); !status.ok()) return status;
  const std::shared_ptr<const Rows> rows = disk_.rows;
  for (const auto& [name, stored] : *rows) {
    if (stored.rotten) {
      return Error{"state.db: damaged: the row of kind " + std::to_string(name.first) + ": its checksum is wrong" +
                   advice};
    }
    if (Status status = visit(Row{name.first, name.second, *stored.value, false}); !status.ok()) return status;
  }
  return {};
}

Status SimStore::load_log(Lsn after, const store::BatchVisitor& visit) {
  if (Status status = drain(); !status.ok()) return status;
  Lsn last = after;
  for (const StoredBatch& stored : disk_.log) {
    if (stored.batch.first <= after) continue;
    if (stored.batch.first != last.next() || stored.rotten) {
      return Error{"log.db: damaged at lsn " + std::to_string(last.value + 1) + ": " +
                   (stored.rotten ? "the checksum of a batch is wrong" : "a batch is missing") + advice};
    }
    last = stored.batch.last();
    if (Status status = visit(Batch(stored.batch)); !status.ok()) return status;
  }
  if (last.next() >= next_) return {};
  return Error{"log.db: damaged at lsn " + std::to_string(last.value + 1) + ": the log ends there" + advice};
}

}  // namespace sim
