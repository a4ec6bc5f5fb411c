// A simulated disk and the store on it: the contract of store/store.hpp, in the real store's order of things, without
// SQLite and threads. Work takes simulated time; a crash loses what was not finished, each transaction as a whole.
// tests/store/contract_test.cpp holds it against the real one.
//
// log.db and state.db have a writer each, as in src/store: a queue of commands, done in order, never dropped; what
// fails is tried again every 250 ms. Neither waits for the other unless a command says so.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace sim {

using namespace tandem;

struct StoredRow {
  std::shared_ptr<const ByteBuffer> value;
  bool rotten = false;
};
using Rows = std::map<std::pair<std::uint8_t, ByteBuffer>, StoredRow>;

struct StoredBatch {
  Batch batch;
  bool rotten = false;
};

struct SetAside {
  std::string note;
  std::vector<Batch> batches;
};

// What survives a crash: the committed content of both files, and the files beside them.
struct Disk {
  // log.db
  std::deque<StoredBatch> log;
  Lsn base;             // the log holds what follows it
  bool wiping = false;  // a wipe was decided and is to be finished
  ByteBuffer meta;
  bool meta_rotten = false;
  // state.db
  std::shared_ptr<const Rows> rows = std::make_shared<Rows>();
  Lsn checkpoint;
  ByteBuffer checkpoint_info;
  bool note_rotten = false;
  // set-aside-*.batches
  std::vector<SetAside> aside;

  // Faults.
  int slower_ms = 0;                   // each transaction takes this much longer
  bool full = false;                   // nothing can be written but what fits into the ballast's space
  std::size_t ballast_bytes = 16'384;  // small, so that a full disk soon is one
  bool ballast = true;                 // the file is there
  std::size_t room = 0;                // of the ballast, given up and not used yet

  Lsn log_last() const { return log.empty() ? Lsn{} : log.back().batch.last(); }
  bool written() const { return !meta.empty() || checkpoint != Lsn{} || !log.empty() || base != Lsn{}; }
  // One batch, row or note, chosen by `dice`, is damaged at rest. Says which; empty: there is nothing to damage.
  std::string rot(std::uint64_t dice);
};

class SimStore final : public store::Store {
 public:
  // What open_store() would say of this disk before it makes the files fit together.
  static Status openable(const Disk& disk);
  // Opens it (CHECK: openable). `seed` decides how long work takes: up to `fsync_ms_max` a transaction.
  SimStore(Disk& disk, std::uint64_t seed, int fsync_ms_max, std::int64_t now_ms);

  // Told of each batch as it is appended. For checkers.
  std::function<void(const Batch&)> on_append;
  // Told before the log is cut (rewind, wipe) behind a record.
  std::function<void(Lsn)> on_cut;
  // Told before a checkpoint at this lsn is committed.
  std::function<void(Lsn)> on_checkpoint;

  // Does what is due by then. True: take_events() has something.
  bool advance(std::int64_t now_ms);
  // When advance() will have something to do, if nothing is asked for meanwhile; nothing: never.
  std::optional<std::int64_t> next_due() const;
  // The process dies: the transaction under way in each file has reached the disk, or not. Nothing may be called then.
  void crash();
  // An orderly end: everything that was asked for is written first, if it can be.
  void close();

  const store::Found& found() const override { return found_; }
  Status load_rows(const store::RowVisitor& visit) override;
  Status load_log(Lsn after, const store::BatchVisitor& visit) override;
  void append(Batch batch, bool urgent) override;
  void commit_now() override;
  void write_meta(ByteBuffer meta, std::uint64_t token) override;
  void rewind(Lsn to, std::string note, std::uint64_t token) override;
  void wipe(Lsn keep, std::string note, std::uint64_t token) override;
  void restart_log(Lsn at) override;
  void begin_checkpoint(Lsn at, ByteBuffer info, bool replace_all) override;
  void put_rows(std::vector<Row> rows) override;
  void commit_checkpoint(std::uint64_t token) override;
  void abort_checkpoint() override;
  std::size_t rows_in_flight_bytes() const override { return rows_in_flight_; }
  void trim(Lsn up_to) override;
  std::uint64_t log_bytes() const override { return log_bytes_; }
  Lsn log_first() const override { return disk_.base.next(); }
  std::uint64_t open_catch_up(Lsn after, bool with_rows) override;
  void next_chunk(std::uint64_t catch_up, std::size_t max_bytes) override;
  void close_catch_up(std::uint64_t catch_up) override;
  store::Events take_events() override;
  int event_fd() const override { return -1; }

 private:
  struct LogCommand {
    enum class Kind : std::uint8_t { append, meta, rewind, begin_wipe, finish_wipe, restart };
    Kind kind = Kind::append;
    Batch batch;
    Lsn lsn;
    std::uint64_t wait_state = 0;
    std::uint64_t token = 0;
    std::string text;
  };
  struct StateCommand {
    enum class Kind : std::uint8_t { begin, put, commit, abort, erase_all };
    Kind kind = Kind::begin;
    Lsn at;
    ByteBuffer info;
    bool replace_all = false;
    std::vector<Row> rows;
    std::size_t bytes = 0;
    std::uint64_t wait_log = 0;
    std::uint64_t token = 0;
  };
  struct ReadCommand {
    enum class Kind : std::uint8_t { open, next, close };
    Kind kind = Kind::open;
    std::uint64_t id = 0;
    Lsn after;
    bool with_rows = false;
    std::size_t max_bytes = 0;
  };
  struct Reading {
    Lsn position;
    bool in_rows = false;
    std::shared_ptr<const Rows> rows;  // as of the opening
    Rows::const_iterator next_row;
    Lsn rows_lsn;
    ByteBuffer info;
    std::optional<Error> error;
  };
  // sim_store.cpp
  void finish_opening();
  Status drain();
  void tell_token(std::uint64_t token);
  bool may_write(std::size_t bytes);
  void look_for_room();
  void report(std::string& last, const std::string& text);
  std::int64_t takes();

  // sim_store_log.cpp
  std::uint64_t push(LogCommand command, bool urgent);
  bool log_has_work() const;
  bool log_may_begin() const;
  std::optional<std::int64_t> log_due() const;
  void take_queue();
  void run_log();
  bool log_step(bool crashing);  // false: it could not be written
  bool commit_run();
  bool other_step(const LogCommand& command, bool crashing);
  void log_done(std::size_t commands);
  void put_aside(const LogCommand& command);
  void erase_behind(Lsn last_kept);
  void empty_log(Lsn base);
  bool trim_slice(Lsn durable, std::uint64_t max_batches, std::uint64_t max_bytes);
  bool trim_wanted() const { return trim_due_ && !(log_urgent_ && !log_failing_); }

  // sim_store_state.cpp
  std::uint64_t push(StateCommand command);
  std::optional<std::int64_t> state_due() const;
  bool state_may_begin() const;
  void run_state();
  bool state_step();  // false: it could not be written
  bool commit_rows(const StateCommand& command);
  void erase_rows();
  void push(const ReadCommand& command);
  void read(const ReadCommand& command);
  Status fill(Reading& reading, store::Chunk& chunk, std::size_t max_bytes) const;
  static Status fill_rows(Reading& reading, store::Chunk& chunk, std::size_t& room);
  Status fill_batches(Reading& reading, store::Chunk& chunk, std::size_t room) const;

  Disk& disk_;
  std::mt19937_64 rng_;
  int fsync_ms_max_;
  std::int64_t now_;
  bool ended_ = false;
  store::Found found_;
  store::Events events_;
  bool news_ = false;
  bool hurry_ = false;          // somebody waits: work takes no time
  std::int64_t next_look_ = 0;  // whether the disk has room for the ballast again

  // What the core knows at once.
  Lsn next_;
  Lsn rows_at_;
  bool collecting_ = false;
  Lsn collecting_at_;
  std::uint64_t log_bytes_ = 0;

  // The log's writer.
  std::deque<LogCommand> log_queue_;
  std::deque<LogCommand> group_;  // taken; its first is under way
  std::size_t queued_bytes_ = 0;
  bool log_urgent_ = false;
  bool trim_due_ = false;
  Lsn trim_to_;
  std::optional<std::int64_t> deadline_;
  std::optional<std::int64_t> log_ends_;  // of the transaction under way
  std::optional<std::int64_t> log_retry_;
  bool log_failing_ = false;
  std::string log_error_;
  std::uint64_t log_issued_ = 0;
  std::uint64_t log_finished_ = 0;
  Lsn durable_;

  // The rows' writer.
  std::deque<StateCommand> state_queue_;
  std::optional<std::int64_t> state_ends_;
  std::optional<std::int64_t> state_retry_;
  bool state_failing_ = false;
  std::string state_error_;
  std::uint64_t state_issued_ = 0;
  std::uint64_t state_finished_ = 0;
  std::size_t rows_in_flight_ = 0;
  StateCommand open_;  // begin's
  std::vector<Row> collected_;

  // The reader.
  std::deque<std::pair<std::int64_t, ReadCommand>> reads_;  // due, command
  std::map<std::uint64_t, Reading> readings_;
  std::uint64_t last_reading_ = 0;
};

}  // namespace sim
