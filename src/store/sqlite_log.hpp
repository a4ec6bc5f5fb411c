// The writer thread of log.db: groups what the core appends into transactions, trims, rewinds, wipes.
// Everything that changes the log is a command in one queue, done strictly in order and never dropped: what fails is
// tried again until it succeeds. Trimming is no command; it goes along with commits, and alone when there is time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/context.hpp"
#include "store/log_table.hpp"

namespace tandem::store {

struct LogCommand {
  enum class Kind : std::uint8_t { append, meta, rewind, begin_wipe, finish_wipe, restart };
  Kind kind = Kind::append;
  Batch batch;                   // append
  Lsn lsn;                       // rewind, begin_wipe: the last lsn kept; restart: the lsn that the log follows
  std::uint64_t wait_state = 0;  // finish_wipe, restart: only when the State writer has finished this command
  std::uint64_t token = 0;       // 0: nobody waits for it
  std::string text;              // meta: its bytes; rewind, begin_wipe: the note
};

class LogWriter {
 public:
  // `end`: what is durable at the start (the log's last lsn, or the checkpoint's).
  LogWriter(Context& context, LogTable table, const LogExtent& extent, Lsn end);
  ~LogWriter() { join(); }

  // For the core thread. Commands other than append are always urgent. Returns the command's number, counted from 1.
  void append(Batch batch, bool urgent);
  std::uint64_t push(LogCommand command);
  void commit_now();
  void trim(Lsn up_to);
  // A rewind, wipe or restart makes earlier trims void behind `lsn`.
  void limit_trim(Lsn lsn);

  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  Lsn first() const { return Lsn{base_.load(std::memory_order_relaxed) + 1}; }
  std::uint64_t issued() const { return issued_; }
  bool failing() const { return failing_.load(std::memory_order_relaxed); }

  void start();
  // Writes what is queued, then ends. stop() only says so; join() waits.
  void stop();
  void join();

 private:
  enum class Waiting : std::uint8_t { no, idle, timer };
  struct Trimmed {
    Lsn base;   // unchanged: nothing was trimmed
    Lsn up_to;  // what trim() had asked for
    std::uint64_t bytes = 0;
    bool more = false;  // there may be more to trim
  };

  bool enqueue(LogCommand&& command, bool urgent);
  void run();
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  void take_queue();
  Status work();
  Status commit_run();
  Status run_step(LogCommand& command);
  Status rewind(LogCommand& command);
  Status begin_wipe(LogCommand& command);
  Status empty_log(LogCommand& command);
  Status put_aside(const LogCommand& command);
  Status trim_alone();
  Result<Trimmed> trim_slice(Lsn durable, std::uint64_t max_batches, std::uint64_t max_bytes);
  void apply_trim(const Trimmed& trimmed);
  void committed(Lsn durable, const std::vector<std::uint64_t>& tokens, std::size_t commands);
  void failed(const Error& error);
  void succeeded();
  void close_orderly();

  Context& context_;
  LogTable table_;
  ErrorReport report_;

  // Shared with the core thread.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<LogCommand> queue_;
  std::size_t queued_bytes_ = 0;
  bool urgent_ = false;
  bool trim_due_ = false;
  Lsn trim_to_;
  bool stopping_ = false;
  Waiting waiting_ = Waiting::no;
  std::atomic<std::uint64_t> bytes_;
  std::atomic<std::uint64_t> base_;
  std::atomic<bool> failing_{false};
  std::uint64_t issued_ = 0;  // core thread only

  // The writer thread's own.
  std::vector<LogCommand> group_;
  std::size_t done_ = 0;  // of group_
  std::uint64_t finished_ = 0;
  LogHead head_;
  Lsn durable_;
  std::uint64_t stream_begin_;
  std::uint64_t stream_end_;
  bool full_ = false;  // a step outside SQLite found the disk full
  bool has_deadline_ = false;
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point give_up_at_;
  std::thread thread_;
};

}  // namespace tandem::store
