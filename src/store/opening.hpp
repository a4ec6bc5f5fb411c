// Opens the files of a store, finishes what a crash has interrupted, and says what was found.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "store/directory.hpp"
#include "store/log_table.hpp"
#include "store/state_table.hpp"
#include "store/store.hpp"

namespace tandem::store {

struct Opened {
  DirectoryLock lock;
  StateTable state;
  LogTable log;
  LogExtent extent;
  Found found;
  Lsn end;                      // what is durable: the next batch begins behind it
  std::optional<Error> remark;  // something that people should know, though the store is usable
};

Result<Opened> open_files(const StoreOptions& options);

}  // namespace tandem::store
