// Addresses as the kernel takes and gives them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "base/flow.hpp"

namespace tandem {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port = 0);
// Of an IPv4 or IPv6 address.
IpAddress ip_of(const SocketAddress& address);
std::uint16_t port_of(const SocketAddress& address);

// "10.0.0.1:1883", "[fd00::1]:1883".
std::string to_text(const IpAddress& address, std::uint16_t port);

}  // namespace tandem
