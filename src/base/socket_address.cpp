#include "base/socket_address.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace tandem {

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress out;
  if (address.v6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), address.size());
    out.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), address.size());
    out.size = sizeof v4;
  }
  return out;
}

IpAddress ip_of(const SocketAddress& address) {
  IpAddress ip;
  ip.v6 = address.storage.ss_family == AF_INET6;
  const void* from = ip.v6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr)
                           : &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr;
  std::memcpy(ip.bytes.data(), from, ip.size());
  return ip;
}

std::uint16_t port_of(const SocketAddress& address) {
  return ntohs(address.storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port
                                                     : reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

std::string to_text(const IpAddress& address, std::uint16_t port) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return (address.v6 ? "[" + std::string(text) + "]:" : std::string(text) + ":") + std::to_string(port);
}

}  // namespace tandem
