// The writer thread of log.db: what each command does to the table, and trimming. The queue is in sqlite_log.cpp.
#include <algorithm>
#include <utility>

#include "base/thread.hpp"
#include "store/set_aside.hpp"
#include "store/sqlite_log.hpp"

namespace tandem::store {

namespace {

constexpr std::size_t transaction_bytes = 4 << 20;  // a longer queue is committed in several transactions
constexpr std::uint64_t slice_batches = 256;        // trimmed at once when there is time
constexpr std::uint64_t slice_bytes = 512 * 1024;

}  // namespace

// Appends and metas from group_[done_] on, in one transaction.
Status LogWriter::commit_run() {
  Database& database = table_.database();
  Status status = database.begin();
  if (!status.ok()) return status;
  Lsn durable = durable_;
  std::uint64_t stream_end = stream_end_;
  std::vector<std::uint64_t> tokens;
  std::size_t at = done_;
  for (; at < group_.size() && stream_end - stream_end_ < transaction_bytes; ++at) {
    const LogCommand& command = group_[at];
    give_way();
    if (command.kind == LogCommand::Kind::append) {
      stream_end += command.batch.bytes->size();
      status = table_.insert(command.batch, stream_end);
      durable = command.batch.last();
    } else if (command.kind == LogCommand::Kind::meta) {
      status = table_.put_meta(command.text);
      tokens.push_back(command.token);
    } else {
      break;
    }
    if (!status.ok()) return status;
  }
  // The log shrinks at least as fast as it grows while there is something to trim.
  const std::uint64_t inserted = stream_end - stream_end_;
  Result<Trimmed> trimmed = trim_slice(durable_, 2 * (at - done_), std::max<std::uint64_t>(2 * inserted, 1));
  if (!trimmed.ok()) return trimmed.error();
  status = database.commit();
  if (!status.ok()) return status;
  stream_end_ = stream_end;
  apply_trim(trimmed.value());
  committed(durable, tokens, at - done_);
  return {};
}

void LogWriter::committed(Lsn durable, const std::vector<std::uint64_t>& tokens, std::size_t commands) {
  durable_ = durable;
  done_ += commands;
  finished_ += commands;
  context_.events.post([&](Events& events) {
    events.durable = durable;
    events.tokens.insert(events.tokens.end(), tokens.begin(), tokens.end());
  });
  context_.progress.log_finished(finished_);
  context_.fold.committed(Fold::File::log, table_.database().wal_pages());
}

Status LogWriter::run_step(LogCommand& command) {
  switch (command.kind) {
    case LogCommand::Kind::rewind:
      return rewind(command);
    case LogCommand::Kind::begin_wipe:
      return begin_wipe(command);
    case LogCommand::Kind::finish_wipe:
    case LogCommand::Kind::restart:
      return empty_log(command);
    case LogCommand::Kind::append:
    case LogCommand::Kind::meta:
      break;
  }
  CHECK(false);
  return {};
}

Status LogWriter::put_aside(const LogCommand& command) {
  Result<SetAsideFile> file =
      set_aside(table_.database(), context_.options.directory, command.lsn, command.text, full_);
  return file.ok() ? Status{} : Status{file.error()};
}

Status LogWriter::rewind(LogCommand& command) {
  const std::vector<std::uint64_t> tokens{command.token};
  if (command.lsn >= durable_) {
    committed(durable_, tokens, 1);
    return {};
  }
  Status status = put_aside(command);
  if (!status.ok()) return status;
  Database& database = table_.database();
  status = database.begin();
  if (status.ok()) status = table_.erase_behind(command.lsn);
  if (!status.ok()) return status;
  Result<LogExtent> left = table_.extent();
  if (!left.ok()) return left.error();
  const bool empty = left.value().last == Lsn{};
  CHECK(empty ? head_.base == command.lsn : left.value().last == command.lsn);  // a batch border
  status = database.commit();
  if (!status.ok()) return status;
  const std::uint64_t stream_end = empty ? stream_begin_ : left.value().stream_end;
  bytes_.fetch_sub(stream_end_ - stream_end, std::memory_order_relaxed);
  stream_end_ = stream_end;
  committed(command.lsn, tokens, 1);
  return {};
}

// From this transaction on the wipe will be finished, by this process or by the next that opens the store.
Status LogWriter::begin_wipe(LogCommand& command) {
  Status status = put_aside(command);
  if (!status.ok()) return status;
  LogHead head = head_;
  head.wiping = true;
  status = table_.database().begin();
  if (status.ok()) status = table_.put_head(head);
  if (status.ok()) status = table_.database().commit();
  if (!status.ok()) return status;
  head_ = head;
  committed(durable_, {}, 1);
  return {};
}

// finish_wipe and restart: the log holds nothing and follows command.lsn (0 after a wipe).
Status LogWriter::empty_log(LogCommand& command) {
  if (!context_.progress.wait_state(command.wait_state)) return Error{"state.db: could not be written"};
  LogHead head = head_;
  head.base = command.lsn;
  head.wiping = false;
  Status status = table_.database().begin();
  if (status.ok()) status = table_.erase_all();
  if (status.ok()) status = table_.put_head(head);
  if (status.ok()) status = table_.database().commit();
  if (!status.ok()) return status;
  head_ = head;
  bytes_.fetch_sub(stream_end_ - stream_begin_, std::memory_order_relaxed);
  stream_begin_ = stream_end_;
  base_.store(command.lsn.value, std::memory_order_relaxed);
  std::vector<std::uint64_t> tokens;
  if (command.token != 0) tokens.push_back(command.token);
  committed(command.lsn, tokens, 1);
  return {};
}

// Inside a transaction; `durable`: the log's last lsn before it.
Result<LogWriter::Trimmed> LogWriter::trim_slice(Lsn durable, std::uint64_t max_batches, std::uint64_t max_bytes) {
  Lsn up_to;
  {
    std::lock_guard lock(mutex_);
    if (!trim_due_) return Trimmed{head_.base, {}, 0, true};
    up_to = trim_to_;
  }
  Result<LogTable::Slice> slice = table_.oldest(std::min(up_to, durable), max_batches, max_bytes, stream_begin_);
  if (!slice.ok()) return slice.error();
  const LogTable::Slice& oldest = slice.value();
  if (oldest.batches == 0) return Trimmed{head_.base, up_to, 0, false};
  LogHead head = head_;
  head.base = oldest.last;
  Status status = table_.erase_up_to(oldest.last_first);
  if (status.ok()) status = table_.put_head(head);
  if (!status.ok()) return status.error();
  return Trimmed{oldest.last, up_to, oldest.bytes, true};
}

void LogWriter::apply_trim(const Trimmed& trimmed) {
  if (!trimmed.more) {
    std::lock_guard lock(mutex_);
    if (trim_to_ == trimmed.up_to) trim_due_ = false;
  }
  if (trimmed.base == head_.base) return;
  head_.base = trimmed.base;
  stream_begin_ += trimmed.bytes;
  bytes_.fetch_sub(trimmed.bytes, std::memory_order_relaxed);
  base_.store(trimmed.base.value, std::memory_order_relaxed);
  context_.events.post([&](Events& events) { events.trimmed_to = trimmed.base; });
}

Status LogWriter::trim_alone() {
  {
    std::lock_guard lock(mutex_);
    const bool busy = urgent_ && !failing();  // somebody waits for a commit, and trimming goes along with that
    if (!trim_due_ || busy) return {};
  }
  Database& database = table_.database();
  Status status = database.begin();
  if (!status.ok()) return status;
  Result<Trimmed> trimmed = trim_slice(durable_, slice_batches, slice_bytes);
  if (!trimmed.ok()) return trimmed.error();
  status = database.commit();
  if (!status.ok()) return status;
  apply_trim(trimmed.value());
  return {};
}

}  // namespace tandem::store
