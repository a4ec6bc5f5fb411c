// The simulated store's writer of log.db: groups what the core appends into transactions, trims, rewinds, wipes. The
// order of things is that of src/store/sqlite_log.cpp and sqlite_log_steps.cpp.
#include <algorithm>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "sim_store.hpp"

namespace sim {

namespace {

constexpr std::size_t transaction_bytes = std::size_t{4} << 20;
constexpr std::uint64_t slice_batches = 256;
constexpr std::uint64_t slice_bytes = 512 * 1024;
constexpr std::int64_t retry_ms = 250;
constexpr std::size_t small_write_bytes = 64;  // metadata, heads

}  // namespace

// --- for the core

std::uint64_t SimStore::push(LogCommand command, bool urgent) {
  CHECK(!ended_);
  if (command.kind == LogCommand::Kind::append) queued_bytes_ += command.batch.bytes->size();
  log_queue_.push_back(std::move(command));
  log_urgent_ = log_urgent_ || urgent;
  if (!deadline_) deadline_ = now_ + limits::group_commit_ms;
  return ++log_issued_;
}

void SimStore::append(Batch batch, bool urgent) {
  CHECK(batch.count > 0 && batch.bytes != nullptr);
  CHECK(batch.first == next_);
  if (on_append) on_append(batch);
  next_ = batch.last().next();
  log_bytes_ += batch.bytes->size();
  LogCommand command;
  command.batch = std::move(batch);
  push(std::move(command), urgent);
}

void SimStore::commit_now() {
  if (!log_queue_.empty()) log_urgent_ = true;
}

void SimStore::write_meta(ByteBuffer meta, std::uint64_t token) {
  LogCommand command;
  command.kind = LogCommand::Kind::meta;
  command.text = std::move(meta);
  command.token = token;
  push(std::move(command), true);
}

void SimStore::rewind(Lsn to, std::string note, std::uint64_t token) {
  if (on_cut) on_cut(to);
  CHECK(to >= rows_at_);
  CHECK(to.next() >= log_first());
  if (collecting_ && collecting_at_ > to) abort_checkpoint();
  if (to.next() < next_) {
    next_ = to.next();
    trim_to_ = std::min(trim_to_, to);
  }
  LogCommand command;
  command.kind = LogCommand::Kind::rewind;
  command.lsn = to;
  command.text = std::move(note);
  command.token = token;
  push(std::move(command), true);
}

void SimStore::wipe(Lsn keep, std::string note, std::uint64_t token) {
  if (on_cut) on_cut(Lsn{});
  if (collecting_) abort_checkpoint();
  trim_to_ = Lsn{0};
  LogCommand begin;
  begin.kind = LogCommand::Kind::begin_wipe;
  begin.lsn = keep;
  begin.text = std::move(note);
  StateCommand erase;
  erase.kind = StateCommand::Kind::erase_all;
  erase.wait_log = push(std::move(begin), true);
  LogCommand finish;
  finish.kind = LogCommand::Kind::finish_wipe;
  finish.wait_state = push(std::move(erase));
  finish.token = token;
  push(std::move(finish), true);
  next_ = Lsn{1};
  rows_at_ = Lsn{0};
}

void SimStore::restart_log(Lsn at) {
  CHECK(!collecting_);
  trim_to_ = Lsn{0};
  LogCommand command;
  command.kind = LogCommand::Kind::restart;
  command.lsn = at;
  command.wait_state = state_issued_;
  push(std::move(command), true);
  next_ = at.next();
}

void SimStore::trim(Lsn up_to) {
  const Lsn most = std::min(up_to, disk_.checkpoint);
  if (most <= trim_to_) return;
  trim_to_ = most;
  trim_due_ = true;
}

// --- the writer

bool SimStore::log_has_work() const {
  return log_urgent_ || trim_due_ || queued_bytes_ >= limits::group_commit_bytes ||
         (!log_queue_.empty() && deadline_ && now_ >= *deadline_);
}

// finish_wipe and restart come after what the rows' writer does first.
bool SimStore::log_may_begin() const {
  return group_.empty() || group_.front().wait_state <= state_finished_;
}

std::optional<std::int64_t> SimStore::log_due() const {
  if (log_retry_) return log_retry_;
  if (log_ends_) return log_ends_;
  if (!group_.empty()) return log_may_begin() ? std::optional(now_) : std::nullopt;
  if (log_has_work()) return now_;
  return log_queue_.empty() ? std::nullopt : deadline_;
}

void SimStore::take_queue() {
  for (LogCommand& command : log_queue_) group_.push_back(std::move(command));
  log_queue_.clear();
  queued_bytes_ = 0;
  log_urgent_ = false;
  deadline_.reset();
  trim_due_ = trim_due_ || trim_to_ > disk_.base;
}

void SimStore::run_log() {
  for (;;) {
    if (log_retry_ && now_ < *log_retry_) return;
    if (!log_ends_) {
      if (group_.empty() && !log_has_work()) return;
      if (group_.empty() || log_retry_) take_queue();
      log_retry_.reset();
      if (!log_may_begin()) return;
      log_ends_ = now_ + takes();
    }
    if (now_ < *log_ends_) return;
    log_ends_.reset();
    if (log_step(false)) {
      log_failing_ = false;
      log_error_.clear();
      continue;
    }
    log_failing_ = true;
    report(log_error_, "log.db: the disk is full");
    log_retry_ = now_ + retry_ms;
    return;
  }
}

bool SimStore::log_step(bool crashing) {
  if (group_.empty()) {
    if (trim_wanted()) trim_slice(durable_, slice_batches, slice_bytes);
    return true;
  }
  const LogCommand& first = group_.front();
  const bool plain = first.kind == LogCommand::Kind::append || first.kind == LogCommand::Kind::meta;
  return plain ? commit_run() : other_step(first, crashing);
}

void SimStore::log_done(std::size_t commands) {
  group_.erase(group_.begin(), group_.begin() + static_cast<std::ptrdiff_t>(commands));
  log_finished_ += commands;
  events_.durable = durable_;
  news_ = true;
}

// Appends and metas at the front of the group, in one transaction.
bool SimStore::commit_run() {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (; count < group_.size() && bytes < transaction_bytes; ++count) {
    const LogCommand& command = group_[count];
    if (command.kind == LogCommand::Kind::append) {
      bytes += command.batch.bytes->size();
    } else if (command.kind != LogCommand::Kind::meta) {
      break;
    }
  }
  if (!may_write(bytes + small_write_bytes)) return false;
  const Lsn durable_before = durable_;
  for (std::size_t i = 0; i < count; ++i) {
    LogCommand& command = group_[i];
    if (command.kind == LogCommand::Kind::append) {
      durable_ = command.batch.last();
      disk_.log.push_back({std::move(command.batch), false});
    } else {
      disk_.meta = std::move(command.text);
      tell_token(command.token);
    }
  }
  trim_slice(durable_before, 2 * count, std::max<std::uint64_t>(2 * bytes, 1));
  log_done(count);
  return true;
}

bool SimStore::other_step(const LogCommand& command, bool crashing) {
  const bool rewinds_nothing = command.kind == LogCommand::Kind::rewind && command.lsn >= durable_;
  std::size_t bytes = small_write_bytes;
  const bool sets_aside =
      command.kind == LogCommand::Kind::begin_wipe || (command.kind == LogCommand::Kind::rewind && !rewinds_nothing);
  for (const StoredBatch& stored : disk_.log) {
    if (sets_aside && stored.batch.last() > command.lsn) bytes += stored.batch.bytes->size();
  }
  if (!rewinds_nothing && !may_write(bytes)) return false;
  if (sets_aside) put_aside(command);
  if (sets_aside && crashing && rng_() % 2 == 0) return true;  // the file is there, the transaction is not
  switch (command.kind) {
    case LogCommand::Kind::rewind:
      if (!rewinds_nothing) erase_behind(command.lsn);
      break;
    case LogCommand::Kind::begin_wipe:
      disk_.wiping = true;
      break;
    default:
      for (const StoredBatch& stored : disk_.log) log_bytes_ -= stored.batch.bytes->size();
      empty_log(command.lsn);
      durable_ = command.lsn;
      break;
  }
  if (command.kind != LogCommand::Kind::begin_wipe && command.token != 0) tell_token(command.token);
  log_done(1);
  return true;
}

// Repeating it after a crash finds the equal file and keeps that one.
void SimStore::put_aside(const LogCommand& command) {
  SetAside file{command.text, {}};
  for (const StoredBatch& stored : disk_.log) {
    if (stored.batch.last() > command.lsn) file.batches.push_back(stored.batch);
  }
  if (file.batches.empty()) return;
  for (const SetAside& old : disk_.aside) {
    const bool equal =
        old.note == file.note && old.batches.size() == file.batches.size() &&
        std::equal(old.batches.begin(), old.batches.end(), file.batches.begin(), [](const Batch& a, const Batch& b) {
          return a.first == b.first && a.epoch == b.epoch && *a.bytes == *b.bytes;
        });
    if (equal) return;
  }
  disk_.aside.push_back(std::move(file));
}

void SimStore::erase_behind(Lsn last_kept) {
  while (!disk_.log.empty() && disk_.log.back().batch.first > last_kept) {
    log_bytes_ -= disk_.log.back().batch.bytes->size();
    disk_.log.pop_back();
  }
  CHECK(disk_.log.empty() ? disk_.base == last_kept : disk_.log_last() == last_kept);  // a batch border
  durable_ = last_kept;
}

void SimStore::empty_log(Lsn base) {
  disk_.log.clear();
  disk_.base = base;
  disk_.wiping = false;
}

// `durable`: the log's last lsn before the transaction. False: nothing was trimmed.
bool SimStore::trim_slice(Lsn durable, std::uint64_t max_batches, std::uint64_t max_bytes) {
  if (!trim_due_) return false;
  const Lsn up_to = std::min(trim_to_, durable);
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  while (batches < max_batches && bytes < max_bytes && !disk_.log.empty() && disk_.log.front().batch.last() <= up_to) {
    ++batches;
    bytes += disk_.log.front().batch.bytes->size();
    disk_.base = disk_.log.front().batch.last();
    disk_.log.pop_front();
  }
  if (batches == 0) {
    trim_due_ = false;
    return false;
  }
  log_bytes_ -= bytes;
  events_.trimmed_to = disk_.base;
  news_ = true;
  return true;
}

}  // namespace sim
