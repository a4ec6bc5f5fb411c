// What a node keeps on its disk: the log (log.db, one row a batch) and the State rows of the last checkpoint
// (state.db). The store moves bytes and positions and knows no MQTT. All calls come from the core thread and never
// block on a disk (except open and load_*): two writer threads do the work, and what they finished comes back by
// take_events().
//
// Promises
// - Batches become durable in order; `durable` covers a batch only after its transaction is on disk (synchronous=FULL).
// - write_meta is durable after every batch appended before it, in the same or a later transaction (roles.md: "the log
// is
//   fsynced BEFORE it").
// - A checkpoint is one SQLite transaction of state.db: after a crash either the old rows or the new ones are there.
// - Each row and batch carries a checksum; load_* stop at the first damaged or non-contiguous one with an Error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"

namespace tandem::store {

struct StoreOptions {
  std::string directory;
  std::int64_t group_commit_ms = 50;
  std::size_t group_commit_bytes = 1 << 20;
  std::size_t wal_fold_bytes = 16 << 20;
};

// What open() found.
struct Found {
  bool fresh = false;          // no store was here, or nothing was ever written into it (node is EMPTY)
  ByteBuffer meta;             // last write_meta, empty if none
  Lsn checkpoint;              // rows hold State at exactly this lsn; 0: no rows
  ByteBuffer checkpoint_info;  // what the caller gave to begin_checkpoint
  Lsn log_first;               // 0/0: the log is empty
  Lsn log_last;
  // The write-ahead file of the log was not there although the log had not been closed in order: what was durable may
  // be lost behind log_last.
  bool log_may_be_short = false;
};

// A piece of a catch-up: rows first (if asked for), then batches.
struct Chunk {
  std::uint64_t catch_up = 0;
  // Rows of the checkpoint at `rows_lsn`; valid while !rows.empty() or rows_end.
  Lsn rows_lsn;
  ByteBuffer checkpoint_info;
  std::vector<Row> rows;
  bool rows_end = false;               // all rows have been given
  std::uint64_t rows_total_bytes = 0;  // estimate for progress
  std::vector<Batch> batches;
  bool at_log_end = false;     // nothing more is durable yet: ask again later
  bool gap = false;            // the log no longer holds what follows: start over with rows
  std::optional<Error> error;  // what is on disk is damaged: this catch-up cannot go on, close it
};

struct Events {
  Lsn durable;  // highest durable lsn (always filled)
  // Finished write_meta, rewind, wipe and commit_checkpoint calls. In the order of the calls, except that a
  // commit_checkpoint may be told after a later call (it is told after all earlier ones).
  std::vector<std::uint64_t> tokens;
  std::optional<Lsn> checkpoint;  // a checkpoint was committed
  std::optional<Lsn> trimmed_to;  // log_first is now behind this
  std::vector<Chunk> chunks;
  std::vector<Error> errors;  // for the journal; work is retried until it succeeds, nothing is dropped
  bool disk_full = false;     // from the first failure until there is room again (always filled)
};

using RowVisitor = std::function<Status(Row&&)>;
using BatchVisitor = std::function<Status(Batch&&)>;

class Store {
 public:
  virtual ~Store() = default;

  virtual const Found& found() const = 0;
  // Blocking; used at start and after rewind; an Error also when earlier calls cannot be written at present. Rows by
  // (kind, key); batches after `after` in order, contiguous.
  virtual Status load_rows(const RowVisitor& visit) = 0;
  virtual Status load_log(Lsn after, const BatchVisitor& visit) = 0;

  // `urgent`: an ack waits for it or the peer is lost, commit at once; else within group_commit_ms or
  // group_commit_bytes.
  virtual void append(Batch batch, bool urgent) = 0;
  virtual void commit_now() = 0;
  virtual void write_meta(ByteBuffer meta, std::uint64_t token) = 0;

  // Moves every batch behind `to` out of the log into a file "set-aside-<epoch>-<first>-<last>.batches" in the store's
  // directory (never deleted by us; header = `note`), durably, then tells `token`. Pending batches behind `to` go there
  // as well. `to` is a batch border that the log still holds. The rows must not be newer than `to` (CHECK); see wipe().
  // An open checkpoint that is newer is aborted.
  virtual void rewind(Lsn to, std::string note, std::uint64_t token) = 0;
  // Sets aside every batch behind `keep` (as rewind does), then drops all rows and the whole log. Meta stays. An open
  // checkpoint is aborted. Once begun it is finished, by the next open if need be. Then the next append has first == 1,
  // or restart_log says where.
  virtual void wipe(Lsn keep, std::string note, std::uint64_t token) = 0;
  // Starts an empty log that goes on behind `at` (after an image was loaded: the next append has first == at + 1). Call
  // it after commit_checkpoint of the image; it takes effect when that is durable. CHECK: no checkpoint is open.
  virtual void restart_log(Lsn at) = 0;

  // A checkpoint at `at`: rows are collected in one open transaction, then committed. `replace_all`: rows not given are
  // dropped (an image that was received). Only one at a time.
  virtual void begin_checkpoint(Lsn at, ByteBuffer info, bool replace_all) = 0;
  virtual void put_rows(std::vector<Row> rows) = 0;
  virtual void commit_checkpoint(std::uint64_t token) = 0;
  virtual void abort_checkpoint() = 0;  // nothing happens if none is open
  // Rows handed over and not yet taken by the writer thread, in bytes: the caller slows down above a few MiB.
  virtual std::size_t rows_in_flight_bytes() const = 0;

  // Forgets batches whose last lsn <= up_to, in small slices. Never goes beyond the committed checkpoint.
  virtual void trim(Lsn up_to) = 0;
  virtual std::uint64_t log_bytes() const = 0;  // bytes of batches in the log now (durable or pending)
  virtual Lsn log_first() const = 0;            // first lsn that the log still holds; log_last+1 if empty

  // Reading for a joining peer, on a thread of its own with a read transaction for the rows. Each next_chunk() yields
  // one Chunk in take_events(). `after`: with_rows false: batches behind it; with_rows true: ignored.
  virtual std::uint64_t open_catch_up(Lsn after, bool with_rows) = 0;
  virtual void next_chunk(std::uint64_t catch_up,
                          std::size_t max_bytes) = 0;  // about that many bytes, at least one item
  virtual void close_catch_up(std::uint64_t catch_up) = 0;

  virtual Events take_events() = 0;
  virtual int event_fd() const = 0;  // readable when take_events() has something
};

// Opens or makes the store. An Error names the file and what to do. Takes a lock on the directory: a second process is
// refused.
Result<std::unique_ptr<Store>> open_store(const StoreOptions& options);

}  // namespace tandem::store
