// Unix sockets by path: their address, and one that listens, with its file.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace tandem {

struct UnixAddress {
  static constexpr std::size_t max_path_bytes = sizeof(sockaddr_un::sun_path) - 1;  // 107
  sockaddr_un address{};
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// nullopt: empty or too long.
inline std::optional<UnixAddress> unix_address(const std::string& path) {
  UnixAddress out;
  if (path.empty() || path.size() > UnixAddress::max_path_bytes) return std::nullopt;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path, path.c_str(), path.size() + 1);
  return out;
}

struct UnixListener {
  int fd = -1;  // non-blocking, listening; the caller closes it
  std::string path;
  struct stat file {};  // at the path, when it was made
};

// Replaces the socket file of a process that is gone. Nobody can connect before the file has its mode. Error, without
// the path: another process answers there, a file that is no socket is in the way, the folder is missing, the path is
// longer than a socket's may be.
Result<UnixListener> listen_at_path(const std::string& path, mode_t mode, int backlog);

// Unless another process has put its own there.
void remove_file_of(const UnixListener& listener);

}  // namespace tandem
