// connect() for a fuzzer: libFuzzer's own clock interrupts it now and then (SIGALRM).
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.hpp"

namespace tandem::fuzz {

// The blocking socket is connected; the other end must be there.
inline void connect_to(int fd, const sockaddr* address, socklen_t size) {
  while (::connect(fd, address, size) != 0 && errno != EISCONN) {
    CHECK(errno == EINTR || errno == EALREADY);  // of an interrupted one the kernel goes on with the handshake
    pollfd writable{fd, POLLOUT, 0};
    (void)::poll(&writable, 1, -1);
  }
}

}  // namespace tandem::fuzz
