// The store's directory; see directory.hpp.
#include "store/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tandem::store {

bool file_exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

Status sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Error{directory + ": cannot be opened: " + std::generic_category().message(errno)};
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return Error{directory + ": cannot be synced: " + std::generic_category().message(failed)};
  return {};
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  std::error_code code;
  std::filesystem::create_directories(directory, code);
  if (code) return Error{directory + ": cannot be made: " + code.message() + "; check data_dir and its permissions"};
  const std::string path = directory + "/" + lock_file;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0)
    return Error{path + ": cannot be opened: " + std::generic_category().message(errno) +
                 "; check the directory's permissions"};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int failed = errno;
    ::close(fd);
    if (failed == EWOULDBLOCK)
      return Error{path + ": another process uses this store; stop it or choose another data_dir"};
    return Error{path + ": cannot be locked: " + std::generic_category().message(failed)};
  }
  return DirectoryLock(fd);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tandem::store
