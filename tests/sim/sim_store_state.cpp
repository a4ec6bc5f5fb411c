// The simulated store's writer of state.db, and its reader for joining peers; as src/store/sqlite_state.cpp and
// catch_up.cpp.
#include <algorithm>

#include "base/check.hpp"
#include "sim_store.hpp"

namespace sim {

namespace {

constexpr std::int64_t retry_ms = 250;
constexpr std::size_t small_write_bytes = 64;

}  // namespace

// --- for the core

std::uint64_t SimStore::push(StateCommand command) {
  CHECK(!ended_);
  rows_in_flight_ += command.bytes;
  state_queue_.push_back(std::move(command));
  return ++state_issued_;
}

void SimStore::begin_checkpoint(Lsn at, ByteBuffer info, bool replace_all) {
  CHECK(!collecting_);
  collecting_ = true;
  collecting_at_ = at;
  StateCommand command;
  command.at = at;
  command.info = std::move(info);
  command.replace_all = replace_all;
  push(std::move(command));
}

void SimStore::put_rows(std::vector<Row> rows) {
  CHECK(collecting_);
  StateCommand command;
  command.kind = StateCommand::Kind::put;
  for (const Row& row : rows) command.bytes += sizeof(Row) + row.key.size() + row.value.size();
  command.rows = std::move(rows);
  push(std::move(command));
}

void SimStore::commit_checkpoint(std::uint64_t token) {
  CHECK(collecting_);
  if (on_checkpoint) on_checkpoint(collecting_at_);
  collecting_ = false;
  rows_at_ = collecting_at_;
  StateCommand command;
  command.kind = StateCommand::Kind::commit;
  command.token = token;
  command.wait_log = log_issued_;  // the rows hold nothing that the log does not hold too
  commit_now();
  push(std::move(command));
}

void SimStore::abort_checkpoint() {
  if (!collecting_) return;
  collecting_ = false;
  StateCommand command;
  command.kind = StateCommand::Kind::abort;
  push(std::move(command));
}

// --- the writer

bool SimStore::state_may_begin() const {
  return !state_queue_.empty() && state_queue_.front().wait_log <= log_finished_;
}

std::optional<std::int64_t> SimStore::state_due() const {
  if (state_retry_) return state_retry_;
  if (state_ends_) return state_ends_;
  return state_may_begin() ? std::optional(now_) : std::nullopt;
}

void SimStore::run_state() {
  for (;;) {
    if (state_retry_ && now_ < *state_retry_) return;
    state_retry_.reset();
    if (!state_ends_) {
      if (!state_may_begin()) return;
      const StateCommand::Kind kind = state_queue_.front().kind;
      const bool syncs = kind == StateCommand::Kind::commit || kind == StateCommand::Kind::erase_all;
      state_ends_ = syncs ? now_ + takes() : now_;
    }
    if (now_ < *state_ends_) return;
    state_ends_.reset();
    if (state_step()) {
      state_failing_ = false;
      state_error_.clear();
      continue;
    }
    state_failing_ = true;
    report(state_error_, "state.db: the disk is full");
    state_retry_ = now_ + retry_ms;
    return;
  }
}

bool SimStore::state_step() {
  StateCommand& command = state_queue_.front();
  switch (command.kind) {
    case StateCommand::Kind::begin:
      open_ = command;
      collected_.clear();
      break;
    case StateCommand::Kind::put:
      if (!may_write(command.bytes)) return false;
      for (Row& row : command.rows) collected_.push_back(std::move(row));
      break;
    case StateCommand::Kind::commit:
      if (!commit_rows(command)) return false;
      break;
    case StateCommand::Kind::abort:
      collected_.clear();
      break;
    case StateCommand::Kind::erase_all:
      if (!may_write(small_write_bytes)) return false;
      collected_.clear();
      erase_rows();
      break;
  }
  rows_in_flight_ -= command.bytes;
  state_queue_.pop_front();
  ++state_finished_;
  return true;
}

bool SimStore::commit_rows(const StateCommand& command) {
  if (!may_write(small_write_bytes)) return false;
  auto rows = open_.replace_all ? std::make_shared<Rows>() : std::make_shared<Rows>(*disk_.rows);
  for (Row& row : collected_) {
    std::pair<std::uint8_t, ByteBuffer> name{row.kind, std::move(row.key)};
    if (row.erased) {
      rows->erase(name);
    } else {
      (*rows)[std::move(name)] = {std::make_shared<const ByteBuffer>(std::move(row.value)), false};
    }
  }
  collected_.clear();
  disk_.rows = std::move(rows);
  disk_.checkpoint = open_.at;
  disk_.checkpoint_info = open_.info;
  disk_.note_rotten = false;
  tell_token(command.token);
  events_.checkpoint = open_.at;
  return true;
}

void SimStore::erase_rows() {
  disk_.rows = std::make_shared<Rows>();
  disk_.checkpoint = Lsn{0};
  disk_.checkpoint_info.clear();
  disk_.note_rotten = false;
}

// --- the reader

void SimStore::push(const ReadCommand& command) {
  std::int64_t due = now_ + 1 + static_cast<std::int64_t>(rng_() % 3) + disk_.slower_ms;
  if (!reads_.empty()) due = std::max(due, reads_.back().first);
  reads_.emplace_back(due, command);
}

std::uint64_t SimStore::open_catch_up(Lsn after, bool with_rows) {
  push(ReadCommand{ReadCommand::Kind::open, ++last_reading_, after, with_rows, 0});
  return last_reading_;
}

void SimStore::next_chunk(std::uint64_t catch_up, std::size_t max_bytes) {
  push(ReadCommand{ReadCommand::Kind::next, catch_up, Lsn{}, false, max_bytes});
}

void SimStore::close_catch_up(std::uint64_t catch_up) {
  push(ReadCommand{ReadCommand::Kind::close, catch_up, Lsn{}, false, 0});
}

void SimStore::read(const ReadCommand& command) {
  if (command.kind == ReadCommand::Kind::close) {
    readings_.erase(command.id);
    return;
  }
  if (command.kind == ReadCommand::Kind::open) {
    Reading& reading = readings_[command.id];
    reading.position = command.after;
    if (!command.with_rows) return;
    if (disk_.note_rotten) {
      reading.error = Error{"state.db: table checkpoint is damaged"};
      return;
    }
    reading.in_rows = true;
    reading.rows = disk_.rows;
    reading.next_row = reading.rows->begin();
    reading.rows_lsn = reading.position = disk_.checkpoint;
    reading.info = disk_.checkpoint_info;
    return;
  }
  const auto found = readings_.find(command.id);
  CHECK(found != readings_.end());
  Reading& reading = found->second;
  store::Chunk chunk;
  chunk.catch_up = command.id;
  if (!reading.error) {
    if (Status status = fill(reading, chunk, command.max_bytes); !status.ok()) reading.error = status.error();
  }
  chunk.error = reading.error;
  events_.chunks.push_back(std::move(chunk));
  news_ = true;
}

Status SimStore::fill(Reading& reading, store::Chunk& chunk, std::size_t max_bytes) const {
  std::size_t room = max_bytes;
  if (reading.in_rows) {
    if (Status status = fill_rows(reading, chunk, room); !status.ok()) return status;
  }
  if (reading.in_rows || room == 0) return {};
  return fill_batches(reading, chunk, room);
}

// At least one row; `room` is what is left for batches.
Status SimStore::fill_rows(Reading& reading, store::Chunk& chunk, std::size_t& room) {
  chunk.rows_lsn = reading.rows_lsn;
  chunk.checkpoint_info = reading.info;
  for (const auto& [name, stored] : *reading.rows) chunk.rows_total_bytes += name.second.size() + stored.value->size();
  for (;;) {
    if (reading.next_row == reading.rows->end()) {
      chunk.rows_end = true;
      reading.in_rows = false;
      reading.rows.reset();
      return {};
    }
    const auto& [name, stored] = *reading.next_row;
    if (stored.rotten) return Error{"state.db: damaged: the row of kind " + std::to_string(name.first)};
    ++reading.next_row;
    chunk.rows.push_back(Row{name.first, name.second, *stored.value, false});
    const std::size_t bytes = name.second.size() + stored.value->size();
    if (bytes >= room) return {};
    room -= bytes;
  }
}

// At least one batch, if there is one.
Status SimStore::fill_batches(Reading& reading, store::Chunk& chunk, std::size_t room) const {
  auto at = std::partition_point(disk_.log.begin(), disk_.log.end(),
                                 [&](const StoredBatch& stored) { return stored.batch.first <= reading.position; });
  const Lsn last_begun = at == disk_.log.begin() ? Lsn{} : std::prev(at)->batch.last();
  if (reading.position < disk_.base || last_begun > reading.position) {
    chunk.gap = true;
    return {};
  }
  for (;; ++at) {
    if (at == disk_.log.end()) {
      chunk.at_log_end = true;
      return {};
    }
    const Lsn expected = reading.position.next();
    if (at->batch.first != expected || at->rotten) {
      return Error{"log.db: damaged at lsn " + std::to_string(expected.value)};
    }
    reading.position = at->batch.last();
    chunk.batches.push_back(at->batch);
    const std::size_t bytes = at->batch.bytes->size();
    if (bytes >= room) return {};
    room -= bytes;
  }
}

}  // namespace sim
