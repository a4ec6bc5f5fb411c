// The store's directory: made if missing, locked against a second process, its entries synced.
#pragma once

#include <string>

#include "base/result.hpp"

namespace tandem::store {

// The files of a store, in StoreOptions::directory.
inline constexpr const char* log_file = "log.db";
inline constexpr const char* state_file = "state.db";
inline constexpr const char* lock_file = "store.lock";
inline constexpr const char* ballast_file = "ballast";

bool file_exists(const std::string& path);
// Makes names of new files in `directory` durable.
Status sync_directory(const std::string& directory);

// Holds the lock of a directory while it lives. The kernel lets go of it when the process dies, however it dies.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace tandem::store
