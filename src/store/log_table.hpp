// The statements that write log.db. Used by the writer thread of the log, and before that by the opening thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace tandem::store {

// The one row of `head`.
struct LogHead {
  std::uint64_t identity = 0;  // drawn when the store is made; log.db and state.db carry the same one
  Lsn base;                    // the log holds what follows this lsn
  bool opened = false;         // in use: its write-ahead file must be there
  bool wiping = false;         // a wipe was decided and is to be finished
};

// Where the batches in the table begin and end; all 0 when there is none.
struct LogExtent {
  Lsn first;
  Lsn last;
  std::uint64_t stream_begin = 0;  // bytes of batches before the first
  std::uint64_t stream_end = 0;    // bytes of batches up to the last
};

class LogTable {
 public:
  // Makes the tables if the file is new (an Error unless `may_be_new`), with `identity`; otherwise checks its version.
  // Reads head.
  static Result<LogTable> open(const std::string& path, std::uint64_t identity, bool may_be_new);

  Database& database() { return database_; }
  const LogHead& head() const { return head_; }  // as last read
  Status read_head();

  // All of these want an open transaction of database(), except the reading ones.
  Status insert(const Batch& batch, std::uint64_t stream_end);
  Status put_meta(ByteView bytes);
  Status put_head(const LogHead& head);
  Status erase_behind(Lsn last_kept);
  Status erase_up_to(Lsn first_erased_max);
  Status erase_all();

  Result<ByteBuffer> meta();  // verified
  Result<LogExtent> extent();
  // Walks batches from the beginning while last <= up_to, at most `max_batches` or just over `max_bytes`.
  struct Slice {
    std::uint64_t batches = 0;
    Lsn last;
    Lsn last_first;  // first lsn of the last batch of the slice
    std::uint64_t bytes = 0;
  };
  Result<Slice> oldest(Lsn up_to, std::uint64_t max_batches, std::uint64_t max_bytes, std::uint64_t stream_begin);

 private:
  explicit LogTable(Database database) : database_(std::move(database)) {}
  Status prepare();

  Database database_;
  LogHead head_;
  Statement insert_;
  Statement put_meta_;
  Statement put_head_;
  Statement erase_behind_;
  Statement erase_up_to_;
  Statement oldest_;
};

}  // namespace tandem::store
