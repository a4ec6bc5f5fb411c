// Headers of the PROXY protocol, byte by byte; independent of src/edge.
#pragma once

#include <string>

namespace tandem::edge::test {

inline std::string proxy_line(const std::string& rest) {
  return "PROXY " + rest + "\r\n";
}

// Version 2: 0x21 is PROXY, 0x20 LOCAL; 0x11 TCP over IPv4, 0x21 over IPv6. `behind`: addresses and what follows them.
inline std::string proxy_block(unsigned version_and_command, unsigned family, const std::string& behind) {
  std::string block("\r\n\r\n\0\r\nQUIT\n", 12);
  for (const std::size_t byte :
       {std::size_t{version_and_command}, std::size_t{family}, behind.size() >> 8U, behind.size() & 0xFFU}) {
    block.push_back(static_cast<char>(byte));
  }
  return block + behind;
}

// From 192.0.2.1, port 4660, to 192.0.2.10, port 1883.
inline const std::string ipv4_ends("\xC0\x00\x02\x01\xC0\x00\x02\x0A\x12\x34\x07\x5B", 12);
// From fd00::1, port 4660, to fd00::2, port 1883.
inline const std::string ipv6_ends = std::string("\xFD", 1) + std::string(14, '\0') + "\x01" + "\xFD" +
                                     std::string(14, '\0') + "\x02" + std::string("\x12\x34\x07\x5B", 4);
// A unique id and a checksum.
inline const std::string tlvs("\x05\x00\x03\x61\x62\x63\x03\x00\x04\x01\x02\x03\x04", 13);

}  // namespace tandem::edge::test
