// The writer thread of state.db: collects the rows of a checkpoint in one transaction and commits it, or drops it.
// Rows also go to a spool: when the transaction is rolled back by a full disk, they are played again from there.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/context.hpp"
#include "store/spool.hpp"
#include "store/state_table.hpp"

namespace tandem::store {

struct StateCommand {
  enum class Kind : std::uint8_t { begin, put, commit, abort, erase_all };
  Kind kind = Kind::begin;
  Lsn at;                      // begin
  ByteBuffer info;             // begin
  bool replace_all = false;    // begin
  std::vector<Row> rows;       // put
  std::size_t bytes = 0;       // put: of its rows
  std::uint64_t wait_log = 0;  // commit, erase_all: only when the log writer has finished this command
  std::uint64_t token = 0;     // commit
};

class StateWriter {
 public:
  // `committed`: the lsn of the checkpoint that is there.
  StateWriter(Context& context, StateTable table, Lsn committed)
      : context_(context), table_(std::move(table)), report_(context.events), committed_(committed.value) {}
  ~StateWriter() { join(); }

  // For the core thread. Returns the command's number, counted from 1.
  std::uint64_t push(StateCommand command);
  std::uint64_t issued() const { return issued_; }
  std::size_t rows_in_flight_bytes() const { return in_flight_bytes_.load(std::memory_order_relaxed); }
  // The lsn of the last checkpoint that was committed; 0: no rows.
  Lsn checkpoint() const { return Lsn{committed_.load(std::memory_order_relaxed)}; }
  bool failing() const { return failing_.load(std::memory_order_relaxed); }

  void start();
  // Does what is queued, then ends; a checkpoint that was not committed is dropped. join() waits for that.
  void stop();
  void join();

 private:
  void run();
  Status perform(StateCommand& command);
  Status begin(const StateCommand& command);
  Status put(const StateCommand& command);
  Status commit(const StateCommand& command);
  Status erase_all(const StateCommand& command);
  void abort();
  Status open_transaction();
  void failed(const Error& error);
  void succeeded();

  Context& context_;
  StateTable table_;
  ErrorReport report_;

  // Shared with the core thread.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<StateCommand> queue_;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point give_up_at_;
  std::atomic<std::size_t> in_flight_bytes_{0};
  std::atomic<bool> failing_{false};
  std::atomic<std::uint64_t> committed_;
  std::uint64_t issued_ = 0;  // core thread only

  // The writer thread's own: the open checkpoint.
  Lsn at_;
  ByteBuffer info_;
  bool replace_all_ = false;
  Spool spool_;
  // The transaction is open and has all rows of the spool. False after a failure: commit() plays the spool again.
  bool collected_ = false;
  bool full_ = false;
  std::uint64_t finished_ = 0;
  std::thread thread_;
};

}  // namespace tandem::store
