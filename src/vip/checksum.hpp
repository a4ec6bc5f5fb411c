// The checksum of IPv4, ICMP and TCP headers.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace tandem::vip {

// RFC 1071.
inline std::uint16_t checksum(ByteView bytes) {
  std::uint32_t sum = 0;
  ByteReader in(bytes);
  while (in.remaining() >= 2) sum += in.u16_be();
  if (in.remaining() == 1) sum += static_cast<std::uint32_t>(in.u8()) << 8U;
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace tandem::vip
