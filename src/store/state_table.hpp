// The statements that write state.db. Used by the writer thread of the State rows, and before that by the opening
// thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace tandem::store {

class StateTable {
 public:
  // Makes the tables if `path` is new, with `identity`; otherwise checks its version.
  static Result<StateTable> open(const std::string& path, std::uint64_t identity);

  Database& database() { return database_; }
  std::uint64_t identity() const { return identity_; }

  // All of these want an open transaction of database().
  // Sets one entity, or takes it away (row.erased). A value over limits::max_row_bytes is cut into parts.
  Status put(const Row& row);
  Status put_checkpoint(Lsn at, ByteView info);
  Status erase_rows();
  // Rows, and the checkpoint that named them.
  Status erase_all();

 private:
  explicit StateTable(Database database) : database_(std::move(database)) {}
  Status prepare();
  Status read();
  Status erase_parts(const Row& row);

  Database database_;
  std::uint64_t identity_ = 0;
  // Whether table `part` may have rows. Most States have none, and an upsert need not look for old parts then.
  bool has_parts_ = false;
  Statement put_;
  Statement put_part_;
  Statement erase_;
  Statement erase_parts_;
  Statement put_checkpoint_;
};

}  // namespace tandem::store
