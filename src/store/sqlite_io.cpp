#include "store/sqlite_io.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <mutex>

#include "base/check.hpp"
#include "base/thread.hpp"

namespace tandem::store {

namespace {

using ReadAt = ssize_t (*)(int, void*, std::size_t, off64_t);
using WriteAt = ssize_t (*)(int, const void*, std::size_t, off64_t);

constexpr std::size_t send_bytes = 256 << 10;

// What a thread has written and not sent to the disk: pages of one file, upwards, with gaps.
struct Unsent {
  int file = -1;
  off64_t begin = 0;
  off64_t end = 0;
  std::size_t bytes = 0;

  void written(int to, off64_t at, std::size_t size) {
    if (file != to || at < end) *this = {to, at, at, 0};
    end = at + static_cast<off64_t>(size);
    bytes += size;
    if (bytes < send_bytes) return;
    // Only begins to. What fails is told by the sync that follows a commit.
    static_cast<void>(::sync_file_range(file, begin, end - begin, SYNC_FILE_RANGE_WRITE));
    *this = {file, end, end, 0};
  }
};

ssize_t read_at(int file, void* into, std::size_t size, off64_t at) {
  give_way();
  return ::pread64(file, into, size, at);
}

ssize_t write_at(int file, const void* from, std::size_t size, off64_t at) {
  thread_local Unsent unsent;
  give_way();
  const ssize_t written = ::pwrite64(file, from, size, at);
  if (written > 0) unsent.written(file, at, static_cast<std::size_t>(written));
  return written;
}

}  // namespace

void let_others_run_in_io() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    const ReadAt read = read_at;
    const WriteAt write = write_at;
    CHECK(vfs->xSetSystemCall(vfs, "pread64", reinterpret_cast<sqlite3_syscall_ptr>(read)) == SQLITE_OK);
    CHECK(vfs->xSetSystemCall(vfs, "pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(write)) == SQLITE_OK);
  });
}

}  // namespace tandem::store
