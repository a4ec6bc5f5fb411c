// A file that is given up when the disk is full; see ballast.hpp.
#include "store/ballast.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/directory.hpp"

namespace tandem::store {

Ballast::Ballast(const std::string& directory) : directory_(directory), path_(directory + "/" + ballast_file) {
  struct stat info {};
  present_ = ::stat(path_.c_str(), &info) == 0 && info.st_size >= bytes;
  if (!present_) present_ = make();
}

bool Ballast::present() {
  std::lock_guard lock(mutex_);
  return present_;
}

bool Ballast::release() {
  std::lock_guard lock(mutex_);
  if (!present_) return false;
  present_ = false;
  next_look_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  return ::unlink(path_.c_str()) == 0;
}

bool Ballast::restore() {
  std::lock_guard lock(mutex_);
  if (present_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return false;
  next_look_ = now + std::chrono::seconds(1);
  struct statvfs space {};
  if (::statvfs(directory_.c_str(), &space) != 0) return false;
  if (static_cast<long long>(space.f_bavail) * static_cast<long long>(space.f_frsize) < room_bytes) return false;
  present_ = make();
  return present_;
}

bool Ballast::make() {
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return false;
  const bool made = ::posix_fallocate(fd, 0, bytes) == 0;
  ::close(fd);
  if (!made) ::unlink(path_.c_str());
  return made;
}

}  // namespace tandem::store
