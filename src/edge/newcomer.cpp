#include "edge/newcomer.hpp"

#include <unistd.h>

#include <utility>

namespace tandem::edge {

ClientSocket::~ClientSocket() {
  if (fd_ >= 0) ::close(fd_);
}

int ClientSocket::release() {
  return std::exchange(fd_, -1);
}

}  // namespace tandem::edge
