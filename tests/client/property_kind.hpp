// The value kind of each MQTT 5 property (MQTT5 table 2-4), shared by the test client's two directions.
#pragma once

#include <cstdint>

namespace tandem::test {

enum class PropertyKind { unknown, byte, two_bytes, four_bytes, variable, text, binary, pair };

constexpr PropertyKind property_kind(uint8_t id) {
  switch (id) {
    case 0x01:
    case 0x17:
    case 0x19:
    case 0x24:
    case 0x25:
    case 0x28:
    case 0x29:
    case 0x2A:
      return PropertyKind::byte;
    case 0x13:
    case 0x21:
    case 0x22:
    case 0x23:
      return PropertyKind::two_bytes;
    case 0x02:
    case 0x11:
    case 0x18:
    case 0x27:
      return PropertyKind::four_bytes;
    case 0x0B:
      return PropertyKind::variable;
    case 0x03:
    case 0x08:
    case 0x12:
    case 0x15:
    case 0x1A:
    case 0x1C:
    case 0x1F:
      return PropertyKind::text;
    case 0x09:
    case 0x16:
      return PropertyKind::binary;
    case 0x26:
      return PropertyKind::pair;
    default:
      return PropertyKind::unknown;
  }
}

}  // namespace tandem::test
