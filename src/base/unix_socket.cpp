#include "base/unix_socket.hpp"

#include <unistd.h>

#include <cerrno>

namespace tandem {

namespace {

// Is a process behind this socket file?
bool answers(const UnixAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;
  const bool refused = ::connect(fd, address.generic(), sizeof address.address) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

// Makes room for a new socket file.
Status clear_way(const std::string& path, const UnixAddress& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};  // bind() says what else is wrong
  if (!S_ISSOCK(found.st_mode)) return Error{"a file that is no socket is in the way; move it or name another path"};
  if (answers(address)) return Error{"another process answers there; is tandemd running already?"};
  ::unlink(path.c_str());
  return {};
}

}  // namespace

// Mode again behind bind(): the umask may have taken from it.
Result<UnixListener> listen_at_path(const std::string& path, mode_t mode, int backlog) {
  const auto address = unix_address(path);
  if (!address) return Error{"a path of 1 to 107 bytes is needed"};
  if (Status clear = clear_way(path, *address); !clear) return clear.error();
  UnixListener listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), path};
  if (listener.fd >= 0 && ::fchmod(listener.fd, mode) == 0 &&
      ::bind(listener.fd, address->generic(), sizeof address->address) == 0 && ::chmod(path.c_str(), mode) == 0 &&
      ::listen(listener.fd, backlog) == 0 && ::lstat(path.c_str(), &listener.file) == 0) {
    return listener;
  }
  const std::string cause = std::strerror(errno);
  if (listener.fd >= 0) ::close(listener.fd);
  return Error{cause};
}

void remove_file_of(const UnixListener& listener) {
  struct stat found {};
  if (::lstat(listener.path.c_str(), &found) == 0 && found.st_dev == listener.file.st_dev &&
      found.st_ino == listener.file.st_ino) {
    ::unlink(listener.path.c_str());
  }
}

}  // namespace tandem
