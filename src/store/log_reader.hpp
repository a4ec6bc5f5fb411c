// Reads batches out of log.db in order, verifying each: checksum and contiguous lsns.
#pragma once

#include <optional>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace tandem::store {

class LogReader {
 public:
  static Result<LogReader> open(Database& database);

  // Begins behind `after`. A read transaction lasts from the first next() to stop() or the end.
  void start(Lsn after);
  // Nothing: the end. An Error names the file and the lsn.
  Result<std::optional<Batch>> next();
  void stop();
  // True: what follows `after` can be read from here (now or when it is there); false: it was trimmed, or `after` is
  // not a border between batches of this log.
  Result<bool> holds(Lsn after);

 private:
  LogReader(Database& database, Statement select, Statement border)
      : name_(database.name()), select_(std::move(select)), border_(std::move(border)) {}
  Error damage(std::uint64_t lsn, const std::string& what) const;

  std::string name_;
  Statement select_;
  Statement border_;
  Lsn expected_;
};

}  // namespace tandem::store
