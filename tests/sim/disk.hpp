// A simulated disk and the store on it: the contract of store/store.hpp without SQLite and threads. Work takes simulated
// time; a crash loses what was not finished, each piece as a whole. One queue for the log, one for the State rows, as
// the real store has two writer threads.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace sim {

using namespace tandem;

using Rows = std::map<std::pair<std::uint8_t, ByteBuffer>, ByteBuffer>;

// What survives a crash.
struct Disk {
  bool written = false;  // something was ever written into it
  ByteBuffer meta;
  std::deque<Batch> log;  // contiguous
  Lsn log_end;            // last lsn of the log, or where it goes on
  Lsn checkpoint;
  ByteBuffer checkpoint_info;
  std::shared_ptr<const Rows> rows = std::make_shared<Rows>();
  std::vector<std::pair<std::string, std::vector<Batch>>> aside;  // note, batches

  // Faults
  int slower_ms = 0;  // each piece of work takes this much longer
  bool full = false;  // nothing more can be written
};

class SimStore final : public store::Store {
 public:
  // `now_ms` is the world's time; `seed` decides how long work takes.
  SimStore(Disk& disk, std::uint64_t seed, int fsync_ms_max, std::int64_t now_ms);

  // Does what is due. True: take_events() has something.
  bool advance(std::int64_t now_ms);
  // Told before the call does anything.
  std::function<void(const Batch&)> on_append;
  std::function<void()> on_cut;  // rewind, wipe
  // The process dies: the write under way may have reached the disk, or not.
  void crash();

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
  std::size_t rows_in_flight_bytes() const override { return 0; }
  void trim(Lsn up_to) override;
  std::uint64_t log_bytes() const override;
  Lsn log_first() const override;
  std::uint64_t open_catch_up(Lsn after, bool with_rows) override;
  void next_chunk(std::uint64_t catch_up, std::size_t max_bytes) override;
  void close_catch_up(std::uint64_t catch_up) override;
  store::Events take_events() override;
  int event_fd() const override { return -1; }

 private:
  struct Work {
    std::function<void()> done;
    std::function<bool()> may;  // empty: at once
    bool is_commit = false;
  };
  struct Queue {
    std::deque<Work> work;
    std::int64_t ends = 0;  // of the front one
    bool begun = false;
  };
  struct Reading {
    Lsn after;
    bool with_rows = false;
    std::shared_ptr<const Rows> rows;
    Rows::const_iterator next_row;
    Lsn rows_lsn;
    ByteBuffer info;
    int asked = 0;
    std::int64_t due = 0;
    std::size_t max_bytes = 0;
  };
  struct Checkpoint {
    Lsn at;
    ByteBuffer info;
    bool replace_all = false;
    std::vector<Row> rows;
  };

  void log_work(std::function<void()> done, std::function<bool()> may = {}, bool is_commit = false);
  bool run(Queue& queue);
  void write_pending(Lsn to);
  void set_aside(Lsn behind, std::string note);
  void finish_checkpoint(Checkpoint&& checkpoint);
  store::Chunk read(std::uint64_t number, Reading& reading);
  void tell(std::uint64_t token);

  Disk& disk_;
  std::mt19937_64 rng_;
  int fsync_ms_max_;
  std::int64_t now_;
  store::Found found_;
  std::deque<Batch> pending_;  // appended, not on the disk
  Lsn end_;                    // of the log, with what is pending
  std::int64_t pending_since_ = 0;
  bool commit_asked_ = false;
  Queue log_;
  Queue state_;
  std::uint64_t images_asked_ = 0;  // commit_checkpoint calls
  std::uint64_t images_done_ = 0;
  std::unique_ptr<Checkpoint> open_;
  std::map<std::uint64_t, Reading> readings_;
  std::uint64_t last_reading_ = 0;
  store::Events events_;
  bool news_ = false;
};

}  // namespace sim
