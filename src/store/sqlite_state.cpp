// The writer thread of state.db; see sqlite_state.hpp.
#include "store/sqlite_state.hpp"

#include <string>
#include <utility>

#include "base/journal.hpp"
#include "base/thread.hpp"

namespace tandem::store {

void StateWriter::start() {
  thread_ = start_thread("store-state", Urgency::background, [this] { run(); });
}

void StateWriter::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    give_up_at_ = std::chrono::steady_clock::now() + closing_patience;
  }
  wake_.notify_one();
}

void StateWriter::join() {
  if (thread_.joinable()) thread_.join();
}

std::uint64_t StateWriter::push(StateCommand command) {
  in_flight_bytes_.fetch_add(command.bytes, std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(command));
  }
  wake_.notify_one();
  return ++issued_;
}

void StateWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) break;
    StateCommand command = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    Status status = perform(command);
    while (!status.ok()) {
      failed(status.error());
      lock.lock();
      const bool was_stopping = stopping_;
      const bool give_up = was_stopping && std::chrono::steady_clock::now() >= give_up_at_;
      if (!give_up) wake_.wait_for(lock, retry_interval, [&] { return stopping_ && !was_stopping; });
      lock.unlock();
      if (give_up) {
        journal::error("state.db: closing, although the last checkpoint could not be written");
        context_.progress.abandon();
        abort();
        return;
      }
      status = perform(command);
    }
    succeeded();
    in_flight_bytes_.fetch_sub(command.bytes, std::memory_order_relaxed);
    context_.progress.state_finished(++finished_);
    lock.lock();
  }
  lock.unlock();
  abort();
  table_.database().fold_at_close();
}

Status StateWriter::perform(StateCommand& command) {
  switch (command.kind) {
    case StateCommand::Kind::begin:
      return begin(command);
    case StateCommand::Kind::put:
      return put(command);
    case StateCommand::Kind::commit:
      return commit(command);
    case StateCommand::Kind::abort:
      abort();
      return {};
    case StateCommand::Kind::erase_all:
      return erase_all(command);
  }
  CHECK(false);
  return {};
}

Status StateWriter::begin(const StateCommand& command) {
  at_ = command.at;
  info_ = command.info;
  replace_all_ = command.replace_all;
  spool_.clear();
  return open_transaction();
}

// A transaction with everything that the spool holds.
Status StateWriter::open_transaction() {
  collected_ = false;
  table_.database().rollback();
  context_.fold.before_transaction(Fold::File::state, table_.database());
  Status status = table_.database().begin();
  if (status.ok() && replace_all_) status = table_.erase_rows();
  if (status.ok())
    status = spool_.replay([this](const Row& row) {
      give_way();
      return table_.put(row);
    });
  collected_ = status.ok();
  return status;
}

Status StateWriter::put(const StateCommand& command) {
  Status status = spool_.append(context_.options.directory, command.rows, full_);
  if (!status.ok()) return status;  // the same rows again later
  if (!collected_) return {};       // commit() will play them
  for (const Row& row : command.rows) {
    give_way();
    status = table_.put(row);
    if (status.ok()) continue;
    collected_ = false;
    failed(status.error());
    return {};
  }
  return {};
}

Status StateWriter::commit(const StateCommand& command) {
  // The rows hold nothing that the log does not hold too, so that the log never ends before the checkpoint.
  if (!context_.progress.wait_log(command.wait_log)) return Error{"log.db: could not be written"};
  Status status = collected_ ? Status{} : open_transaction();
  collected_ = false;
  if (status.ok()) status = table_.put_checkpoint(at_, info_);
  if (status.ok()) status = table_.database().commit();
  if (!status.ok()) return status;
  spool_.clear();
  table_.database().release_memory();
  committed_.store(at_.value, std::memory_order_relaxed);
  context_.fold.committed(Fold::File::state, table_.database().wal_pages());
  context_.events.post([&](Events& events) {
    events.tokens.push_back(command.token);
    events.checkpoint = at_;
  });
  return {};
}

Status StateWriter::erase_all(const StateCommand& command) {
  if (!context_.progress.wait_log(command.wait_log)) return Error{"log.db: could not be written"};
  abort();
  Status status = table_.database().begin();
  if (status.ok()) status = table_.erase_all();
  if (status.ok()) status = table_.database().commit();
  if (status.ok()) committed_.store(0, std::memory_order_relaxed);
  return status;
}

void StateWriter::abort() {
  table_.database().rollback();
  spool_.clear();
  collected_ = false;
}

void StateWriter::failed(const Error& error) {
  table_.database().rollback();
  collected_ = false;
  failing_.store(true, std::memory_order_relaxed);
  report_.failure(error);
  if (table_.database().take_full() || std::exchange(full_, false)) {
    context_.disk_is_full();
    [[maybe_unused]] const Result<Database::Folded> folded = table_.database().fold();
  }
}

void StateWriter::succeeded() {
  if (!collected_ && !spool_.empty()) return;  // rows wait for another try at the commit
  if (failing_.load(std::memory_order_relaxed)) {
    failing_.store(false, std::memory_order_relaxed);
    report_.success();
  }
  context_.disk_has_room();
}

}  // namespace tandem::store
