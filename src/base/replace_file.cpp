#include "base/replace_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tandem {

Status replace_file(const std::string& path, std::string_view text, mode_t mode, Sync sync) {
  const std::string beside = path + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return Error{std::strerror(errno)};
  errno = ENOSPC;  // of a write that was cut short
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       (sync == Sync::no || ::fsync(fd) == 0);
  std::string why = std::strerror(errno);
  ::close(fd);
  if (written && std::rename(beside.c_str(), path.c_str()) == 0) return {};
  if (written) why = std::strerror(errno);
  ::unlink(beside.c_str());
  return Error{why};
}

}  // namespace tandem
