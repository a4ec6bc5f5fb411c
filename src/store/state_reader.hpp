// Reads the rows of the last checkpoint out of state.db by (kind, key), verifying each.
#pragma once

#include <optional>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace tandem::store {

struct CheckpointNote {
  Lsn at;  // 0: there is none
  ByteBuffer info;
};

class StateReader {
 public:
  // The caller holds one read transaction for all calls, so that rows and note belong together.
  static Result<StateReader> open(Database& database);

  // Verified.
  static Result<CheckpointNote> checkpoint(Database& database);
  // Bytes of the file that are in use: an estimate of what the rows hold.
  static Result<std::uint64_t> used_bytes(Database& database);

  // Nothing: the end. An Error names the file, the kind and the key.
  Result<std::optional<Row>> next();
  // After an Error: the file itself cannot be read further. Otherwise only that row is damaged, and next() goes on.
  bool broken() const { return broken_; }

 private:
  StateReader(Database& database, Statement rows, Statement parts)
      : name_(database.name()), rows_(std::move(rows)), parts_(std::move(parts)) {}
  Status add_parts(Row& row, std::uint64_t parts);
  Error damage(const Row& row, const char* what) const;

  std::string name_;
  bool broken_ = false;
  Statement rows_;
  Statement parts_;
};

}  // namespace tandem::store
