// The address of a Unix socket, which has room for 107 bytes of path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string>

namespace tandem::admin {

struct UnixAddress {
  sockaddr_un address{};
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// nullopt: empty or too long.
inline std::optional<UnixAddress> unix_address(const std::string& path) {
  UnixAddress out;
  if (path.empty() || path.size() >= sizeof out.address.sun_path) return std::nullopt;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path, path.c_str(), path.size() + 1);
  return out;
}

}  // namespace tandem::admin
