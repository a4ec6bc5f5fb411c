// The thread that reads for joining peers; see catch_up.hpp.
#include "store/catch_up.hpp"

#include <utility>

#include "base/thread.hpp"
#include "store/directory.hpp"

namespace tandem::store {

void CatchUps::start() {
  thread_ = start_thread("store-read", Urgency::background, [this] { run(); });
}

void CatchUps::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  readings_.clear();
  log_reader_.reset();
  log_.reset();
}

std::uint64_t CatchUps::open(Lsn after, bool with_rows) {
  push(Command{Command::Kind::open, ++last_id_, after, with_rows, 0});
  return last_id_;
}

void CatchUps::next(std::uint64_t id, std::size_t max_bytes) {
  push(Command{Command::Kind::next, id, Lsn{}, false, max_bytes});
}

void CatchUps::close(std::uint64_t id) {
  push(Command{Command::Kind::close, id, Lsn{}, false, 0});
}

void CatchUps::push(Command command) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(command);
  }
  wake_.notify_one();
}

void CatchUps::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const Command command = queue_.front();
    queue_.pop_front();
    lock.unlock();
    perform(command);
    lock.lock();
  }
}

void CatchUps::perform(const Command& command) {
  if (command.kind == Command::Kind::close) {
    readings_.erase(command.id);
    return;
  }
  if (command.kind == Command::Kind::open) {
    Reading& reading = readings_[command.id];
    reading.position = command.after;
    reading.with_rows = command.with_rows;
    if (!command.with_rows) return;
    Result<std::unique_ptr<Rows>> rows = open_rows();
    if (rows.ok()) {
      reading.rows = rows.take();
      reading.position = reading.rows->note.at;
    } else {
      reading.error = rows.error();
    }
    return;
  }
  const auto found = readings_.find(command.id);
  CHECK(found != readings_.end());
  Reading& reading = found->second;
  Chunk chunk;
  chunk.catch_up = command.id;
  if (!reading.error) {
    Status status = fill(reading, chunk, command.max_bytes);
    if (!status.ok()) reading.error = status.error();
  }
  chunk.error = reading.error;
  events_.post([&](Events& events) { events.chunks.push_back(std::move(chunk)); });
}

Result<std::unique_ptr<CatchUps::Rows>> CatchUps::open_rows() {
  Result<Database> database = Database::open(directory_ + "/" + state_file, Access::read);
  if (!database.ok()) return database.error();
  Status begun = database.value().begin_read();
  if (!begun.ok()) return begun.error();
  Result<CheckpointNote> note = StateReader::checkpoint(database.value());
  if (!note.ok()) return note.error();
  Result<std::uint64_t> bytes = StateReader::used_bytes(database.value());
  if (!bytes.ok()) return bytes.error();
  Result<StateReader> reader = StateReader::open(database.value());
  if (!reader.ok()) return reader.error();
  return std::make_unique<Rows>(Rows{database.take(), reader.take(), note.take(), bytes.value()});
}

Status CatchUps::fill(Reading& reading, Chunk& chunk, std::size_t max_bytes) {
  std::size_t room = max_bytes;
  if (reading.rows) {
    Status status = fill_rows(reading, chunk, room);
    if (!status.ok()) return status;
  }
  if (reading.rows || room == 0) return {};
  return fill_batches(reading, chunk, room);
}

// At least one row; `room` is what is left for batches.
Status CatchUps::fill_rows(Reading& reading, Chunk& chunk, std::size_t& room) {
  Rows& rows = *reading.rows;
  chunk.rows_lsn = rows.note.at;
  chunk.checkpoint_info = rows.note.info;
  chunk.rows_total_bytes = rows.total_bytes;
  for (;;) {
    Result<std::optional<Row>> row = rows.reader.next();
    if (!row.ok()) return row.error();
    if (!row.value()) {
      chunk.rows_end = true;
      reading.rows.reset();
      return {};
    }
    const std::size_t bytes = row.value()->key.size() + row.value()->value.size();
    chunk.rows.push_back(std::move(*row.value()));
    if (bytes >= room) return {};
    room -= bytes;
  }
}

Status CatchUps::fill_batches(Reading& reading, Chunk& chunk, std::size_t room) {
  if (!log_) {
    Result<Database> database = Database::open(directory_ + "/" + log_file, Access::read);
    if (!database.ok()) return database.error();
    log_.emplace(database.take());
  }
  if (!log_reader_) {
    Result<LogReader> reader = LogReader::open(*log_);
    if (!reader.ok()) return reader.error();
    log_reader_.emplace(reader.take());
  }
  Status status = log_->begin_read();
  if (status.ok()) status = read_batches(reading, chunk, room);
  log_reader_->stop();
  log_->rollback();
  return status;
}

// At least one batch, if there is one.
Status CatchUps::read_batches(Reading& reading, Chunk& chunk, std::size_t room) {
  Result<bool> holds = log_reader_->holds(reading.position);
  if (!holds.ok()) return holds.error();
  if (!holds.value()) {
    chunk.gap = true;
    return {};
  }
  log_reader_->start(reading.position);
  for (;;) {
    Result<std::optional<Batch>> batch = log_reader_->next();
    if (!batch.ok()) return batch.error();
    if (!batch.value()) {
      chunk.at_log_end = true;
      return {};
    }
    const std::size_t bytes = batch.value()->bytes->size();
    reading.position = batch.value()->last();
    chunk.batches.push_back(std::move(*batch.value()));
    if (bytes >= room) return {};
    room -= bytes;
  }
}

}  // namespace tandem::store
