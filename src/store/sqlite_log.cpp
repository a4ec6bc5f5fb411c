// The writer thread of log.db: its queue and its loop. What it does with the table is in sqlite_log_steps.cpp.
#include "store/sqlite_log.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/journal.hpp"
#include "base/thread.hpp"

namespace tandem::store {

namespace {

constexpr std::size_t spare_commands = 65'536;  // room that is kept in an emptied queue

}  // namespace

LogWriter::LogWriter(Context& context, LogTable table, const LogExtent& extent, Lsn end)
    : context_(context),
      table_(std::move(table)),
      report_(context.events),
      bytes_(extent.stream_end - extent.stream_begin),
      base_(table_.head().base.value),
      head_(table_.head()),
      durable_(end),
      stream_begin_(extent.stream_begin),
      stream_end_(extent.stream_end) {}

void LogWriter::start() {
  thread_ = start_thread("store-log", Urgency::awaited, [this] {
    take_short_time_slices();
    run();
  });
}

void LogWriter::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    give_up_at_ = std::chrono::steady_clock::now() + closing_patience;
  }
  wake_.notify_one();
}

void LogWriter::join() {
  if (thread_.joinable()) thread_.join();
}

// With mutex_ held. True: the thread is to be woken.
bool LogWriter::enqueue(LogCommand&& command, bool urgent) {
  if (command.kind == LogCommand::Kind::append) queued_bytes_ += command.batch.bytes->size();
  queue_.push_back(std::move(command));
  ++issued_;
  urgent_ = urgent_ || urgent;
  const bool due = urgent_ || queued_bytes_ >= context_.options.group_commit_bytes;
  if (waiting_ == Waiting::no || (waiting_ == Waiting::timer && !due)) return false;
  waiting_ = Waiting::no;
  return true;
}

void LogWriter::append(Batch batch, bool urgent) {
  bytes_.fetch_add(batch.bytes->size(), std::memory_order_relaxed);
  LogCommand command;
  command.batch = std::move(batch);
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    wake = enqueue(std::move(command), urgent);
  }
  if (wake) wake_.notify_one();
}

std::uint64_t LogWriter::push(LogCommand command) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    wake = enqueue(std::move(command), true);
  }
  if (wake) wake_.notify_one();
  return issued_;
}

void LogWriter::commit_now() {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return;
    urgent_ = true;
    wake = waiting_ != Waiting::no;
    waiting_ = Waiting::no;
  }
  if (wake) wake_.notify_one();
}

void LogWriter::trim(Lsn up_to) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (up_to <= trim_to_) return;
    trim_to_ = up_to;
    trim_due_ = true;
    wake = waiting_ == Waiting::idle;
    if (wake) waiting_ = Waiting::no;
  }
  if (wake) wake_.notify_one();
}

void LogWriter::limit_trim(Lsn lsn) {
  std::lock_guard lock(mutex_);
  trim_to_ = std::min(trim_to_, lsn);
}

// Returns false when the writer is to end.
bool LogWriter::wait_for_work(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (stopping_) return !queue_.empty();
    if (urgent_ || trim_due_ || queued_bytes_ >= context_.options.group_commit_bytes) return true;
    if (!queue_.empty()) {
      if (!has_deadline_) {
        has_deadline_ = true;
        deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(context_.options.group_commit_ms);
      }
      waiting_ = Waiting::timer;
      if (wake_.wait_until(lock, deadline_) == std::cv_status::timeout) {
        waiting_ = Waiting::no;
        return true;
      }
    } else if (context_.ballast.present()) {
      waiting_ = Waiting::idle;
      wake_.wait(lock);
    } else {
      waiting_ = Waiting::idle;  // looks now and then whether the disk has room again
      if (wake_.wait_for(lock, std::chrono::seconds(1)) == std::cv_status::timeout) {
        waiting_ = Waiting::no;
        return true;
      }
    }
    waiting_ = Waiting::no;
  }
}

// With mutex_ held: moves the queue behind what is left of the group.
void LogWriter::take_queue() {
  if (group_.empty()) {
    group_.swap(queue_);
  } else {
    for (LogCommand& command : queue_) group_.push_back(std::move(command));
    queue_.clear();
  }
  queued_bytes_ = 0;
  urgent_ = false;
  has_deadline_ = false;
  trim_due_ = trim_due_ || trim_to_ > head_.base;  // the queue may bring what an earlier trim() did not find
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool retrying = !group_.empty();
    if (!retrying && !wait_for_work(lock)) break;
    const bool awaited = urgent_;
    take_queue();
    lock.unlock();
    const Status status = [&] {
      const Haste haste(awaited);
      return work();
    }();
    if (status.ok()) {
      succeeded();
    } else {
      failed(status.error());
    }
    lock.lock();
    if (status.ok()) continue;
    if (stopping_ && std::chrono::steady_clock::now() >= give_up_at_) break;
    wake_.wait_for(lock, retry_interval);
  }
  lock.unlock();
  close_orderly();
}

Status LogWriter::work() {
  Database& database = table_.database();
  context_.fold.before_transaction(Fold::File::log, database);
  if (failing()) {
    // A trim may be what makes room for the rest.
    Status status = trim_alone();
    if (!status.ok()) return status;
  }
  while (done_ < group_.size()) {
    LogCommand& command = group_[done_];
    const bool plain = command.kind == LogCommand::Kind::append || command.kind == LogCommand::Kind::meta;
    Status status = plain ? commit_run() : run_step(command);
    if (!status.ok()) return status;
  }
  done_ = 0;
  group_.clear();
  if (group_.capacity() > spare_commands) group_.shrink_to_fit();
  return trim_alone();
}

void LogWriter::failed(const Error& error) {
  table_.database().rollback();
  failing_.store(true, std::memory_order_relaxed);
  // Done commands leave the group, so that their memory goes.
  group_.erase(group_.begin(), group_.begin() + static_cast<std::ptrdiff_t>(done_));
  done_ = 0;
  report_.failure(error);
  if (table_.database().take_full() || std::exchange(full_, false)) {
    context_.disk_is_full();
    // With its write-ahead file folded, SQLite writes over it from the beginning instead of making it longer.
    [[maybe_unused]] const Result<Database::Folded> folded = table_.database().fold();
  }
}

void LogWriter::succeeded() {
  if (failing()) {
    failing_.store(false, std::memory_order_relaxed);
    report_.success();
  }
  context_.disk_has_room();
}

// The end of the thread: says in the file that its write-ahead file is not needed any more (closing folds it).
void LogWriter::close_orderly() {
  const std::size_t lost = group_.size() + queue_.size();
  if (lost > 0) {
    journal::error(table_.database().name() + ": closing, although " + std::to_string(lost) +
                   " commands could not be written");
    context_.progress.abandon();
    return;
  }
  Database& database = table_.database();
  Status status = database.begin();
  if (!status.ok()) return;
  head_.opened = false;
  status = table_.put_head(head_);
  if (status.ok()) status = database.commit();
  if (status.ok()) {
    database.fold_at_close();
  } else {
    database.rollback();
  }
}

}  // namespace tandem::store
