// MQTT's Variable Byte Integer (MQTT 5.0 section 1.5.5): 1 to 4 bytes, 7 bits each, the lowest first, always
// minimal.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace tandem::mqtt {

inline constexpr std::uint32_t max_varint = 268'435'455;

enum class VarintStatus : std::uint8_t { ok, incomplete, malformed };

struct Varint {
  std::uint32_t value = 0;
  std::uint8_t size = 0;  // bytes used
  VarintStatus status = VarintStatus::incomplete;
};

// Reads one from the beginning of `bytes`. malformed: more than 4 bytes (U-35), or not minimal
// ([MQTT5-1.5.5-1]).
inline Varint parse_varint(ByteView bytes) {
  if (!bytes.empty() && static_cast<std::uint8_t>(bytes[0]) < 0x80) [[likely]] {
    return {static_cast<std::uint8_t>(bytes[0]), 1, VarintStatus::ok};
  }
  std::uint32_t value = 0;
  for (std::uint8_t at = 0; at < 4; ++at) {
    if (at >= bytes.size()) return {};
    const auto byte = static_cast<std::uint8_t>(bytes[at]);
    value |= (byte & 0x7FU) << (7U * at);
    if ((byte & 0x80U) != 0) continue;
    const bool minimal = at == 0 || byte != 0;
    return {value, static_cast<std::uint8_t>(at + 1), minimal ? VarintStatus::ok : VarintStatus::malformed};
  }
  return {0, 0, VarintStatus::malformed};
}

constexpr std::size_t varint_size(std::uint32_t value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20'0000 ? 3 : 4;
}

// Writes `value` (at most max_varint) to `to`, which has room for 4 bytes; returns the place behind it.
inline char* write_varint(char* to, std::uint32_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80U);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

}  // namespace tandem::mqtt
