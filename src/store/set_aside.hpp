// Files of batches that were moved out of the log: "set-aside-<epoch>-<first>-<last>.batches" (docs/formats-store.md).
// Nothing in Tandem deletes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace tandem::store {

struct SetAsideFile {
  std::string path;  // empty: there was nothing to set aside
  std::uint64_t batches = 0;
};

// Writes every batch whose last lsn is behind `after` into a file in `directory` and makes it durable, name included.
// Copies rows as they are, damaged ones too: the file carries their checksums. Changes nothing in the log.
// Repeating it after a crash finds the equal file and keeps that one. `full`: set when the disk is full.
Result<SetAsideFile> set_aside(Database& log, const std::string& directory, Lsn after, const std::string& note,
                               bool& full);

struct SetAsideContent {
  std::string note;
  std::uint64_t batches = 0;
};

// Reads such a file; stops at the first damaged batch with an Error that names file and lsn.
Result<SetAsideContent> read_set_aside(const std::string& path, const std::function<Status(Batch&&)>& visit);

}  // namespace tandem::store
