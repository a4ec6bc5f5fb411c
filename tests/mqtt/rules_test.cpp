// The rules that are tables: reserved flags by type, properties by packet, repetition, ranges.
#include <doctest/doctest.h>

#include <set>

#include "base/limits.hpp"
#include "describe.hpp"
#include "mqtt/decode_parts.hpp"
#include "random_packets.hpp"
#include "tests/covers.hpp"
#include "vectors.hpp"

namespace tandem::mqtt::test {

namespace {

constexpr Version versions[] = {Version::v31, Version::v311, Version::v5};

Decoded decode_now(ByteView bytes, Version version, bool from_client) {
  Packet packet;
  return decode(bytes, {.version = version, .max_packet_bytes = 0, .from_client = from_client}, packet);
}

// A packet of a kind around any property bytes. `home` as a name, because the standard's table has them so.
struct Carrier {
  const char* home;
  bool from_client;
  unsigned first;
  ByteBuffer before;
  ByteBuffer behind;

  ByteBuffer around(ByteView properties) const {
    ByteBuffer body = before;
    ByteWriter(body).bytes_varint(properties).bytes(behind);
    ByteBuffer bytes;
    ByteWriter(bytes).u8(static_cast<std::uint8_t>(first)).bytes_varint(body);
    return bytes;
  }
};

ByteBuffer raw(std::initializer_list<int> bytes) {
  ByteBuffer result;
  for (const int byte : bytes) result.push_back(static_cast<char>(byte));
  return result;
}

const std::vector<Carrier>& carriers() {
  static const ByteBuffer name("\0\4MQTT\5", 7);
  static const std::vector<Carrier> table = {
      {"CONNECT", true, 0x10, name + raw({2, 0, 0}), raw({0, 0})},
      {"Will", true, 0x10, name + raw({6, 0, 0, 0, 0, 0}), raw({0, 1, 'w', 0, 0})},
      {"CONNACK", false, 0x20, raw({0, 0}), {}},
      {"PUBLISH(C)", true, 0x30, raw({0, 1, 't'}), {}},
      {"PUBLISH(S)", false, 0x30, raw({0, 1, 't'}), {}},
      {"PUBACK", true, 0x40, raw({0, 1, 0}), {}},
      {"PUBREC", true, 0x50, raw({0, 1, 0}), {}},
      {"PUBREL", true, 0x62, raw({0, 1, 0}), {}},
      {"PUBCOMP", true, 0x70, raw({0, 1, 0}), {}},
      {"SUBSCRIBE", true, 0x82, raw({0, 1}), raw({0, 1, 'f', 0})},
      {"SUBACK", false, 0x90, raw({0, 1}), raw({0})},
      {"UNSUBSCRIBE", true, 0xA2, raw({0, 1}), raw({0, 1, 'f'})},
      {"UNSUBACK", false, 0xB0, raw({0, 1}), raw({0})},
      {"DISCONNECT(C)", true, 0xE0, raw({0}), {}},
      {"DISCONNECT(S)", false, 0xE0, raw({0}), {}},
      {"AUTH", true, 0xF0, raw({0x18}), {}},
  };
  return table;
}

// Part F of the checklist, written down a second time and apart from the code: a good value and where it may
// stand.
struct Expected {
  int id;
  ByteBuffer value;
  std::set<std::string> homes;
};

const std::set<std::string> every_home = {
    "CONNECT", "Will",      "CONNACK", "PUBLISH(C)",  "PUBLISH(S)", "PUBACK", "PUBREC",        "PUBREL",
    "PUBCOMP", "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",   "AUTH",   "DISCONNECT(C)", "DISCONNECT(S)"};
const std::set<std::string> message_homes = {"PUBLISH(C)", "PUBLISH(S)", "Will"};
const std::set<std::string> reason_homes = {"CONNACK", "PUBACK",   "PUBREC",        "PUBREL",        "PUBCOMP",
                                            "SUBACK",  "UNSUBACK", "DISCONNECT(C)", "DISCONNECT(S)", "AUTH"};

const std::vector<Expected>& expected() {
  static const ByteBuffer text = raw({0, 1, 'x'});
  static const std::vector<Expected> table = {
      {0x01, raw({1}), message_homes},
      {0x02, raw({0, 0, 0, 9}), message_homes},
      {0x03, text, message_homes},
      {0x08, text, message_homes},
      {0x09, text, message_homes},
      {0x0B, raw({5}), {"PUBLISH(S)", "SUBSCRIBE"}},
      {0x11, raw({0, 0, 0, 9}), {"CONNECT", "CONNACK", "DISCONNECT(C)"}},
      {0x12, text, {"CONNACK"}},
      {0x13, raw({0, 9}), {"CONNACK"}},
      {0x15, text, {"CONNECT", "CONNACK", "AUTH"}},
      {0x16, text, {"CONNECT", "CONNACK", "AUTH"}},
      {0x17, raw({1}), {"CONNECT"}},
      {0x18, raw({0, 0, 0, 9}), {"Will"}},
      {0x19, raw({1}), {"CONNECT"}},
      {0x1A, text, {"CONNACK"}},
      {0x1C, text, {"CONNACK", "DISCONNECT(S)"}},
      {0x1F, text, reason_homes},
      {0x21, raw({0, 9}), {"CONNECT", "CONNACK"}},
      {0x22, raw({0, 9}), {"CONNECT", "CONNACK"}},
      {0x23, raw({0, 9}), {"PUBLISH(C)", "PUBLISH(S)"}},
      {0x24, raw({1}), {"CONNACK"}},
      {0x25, raw({1}), {"CONNACK"}},
      {0x26, text + text, every_home},
      {0x27, raw({0, 0, 0, 9}), {"CONNECT", "CONNACK"}},
      {0x28, raw({1}), {"CONNACK"}},
      {0x29, raw({1}), {"CONNACK"}},
      {0x2A, raw({1}), {"CONNACK"}},
  };
  return table;
}

bool needs_method(const Carrier& carrier, int id) {
  return (std::string(carrier.home) == "AUTH" || id == 0x16) && id != 0x15;
}

const ByteBuffer method = raw({0x15, 0, 1, 'm'});

// Legal only when the other side sends it: a protocol error rather than a malformed packet.
bool other_direction(const Carrier& carrier, const Expected& property) {
  const std::string home = carrier.home;
  return (home == "PUBLISH(C)" && property.homes.contains("PUBLISH(S)")) ||
         (home == "DISCONNECT(C)" && property.homes.contains("DISCONNECT(S)")) ||
         (home == "DISCONNECT(S)" && property.homes.contains("DISCONNECT(C)"));
}

}  // namespace

TEST_CASE("MQTT5-2.1.3-1, MQTT311-2.2.2-2, U-36: type and reserved flags, all 256 first bytes") {
  for (const Version version : versions) {
    for (const bool from_client : {true, false}) {
      for (int first = 0; first < 256; ++first) {
        CAPTURE(first);
        CAPTURE(static_cast<int>(version));
        CAPTURE(from_client);
        const int type = first >> 4;
        const int flags = first & 15;
        const bool sent = type != 0 && sends(static_cast<Type>(type), version, from_client);
        const bool two = type == 6 || type == 8 || type == 10;
        bool good = sent && (type == 3 || flags == (two ? 2 : 0));
        if (sent && two && version == Version::v31 && flags == 10) good = true;  // DUP, not yet reserved
        const char byte = static_cast<char>(first);
        const Decoded decoded = decode_now(ByteView(&byte, 1), version, from_client);
        CHECK(decoded.status == (good ? DecodeStatus::incomplete : DecodeStatus::error));
        if (good) continue;
        const bool other_side = type != 0 && !sent && sends(static_cast<Type>(type), version, !from_client);
        CHECK(decoded.reason == (other_side ? Reason::protocol_error : Reason::malformed_packet));
      }
    }
  }
}

TEST_CASE("U-01, U-40, MQTT5-3.14.2-2, 3.3.4-6: every property in every packet") {
  for (const Carrier& carrier : carriers()) {
    for (const Expected& property : expected()) {
      CAPTURE(carrier.home);
      CAPTURE(property.id);
      const ByteBuffer bytes = raw({property.id}) + property.value + (needs_method(carrier, property.id) ? method : "");
      const Decoded decoded = decode_now(carrier.around(bytes), Version::v5, carrier.from_client);
      const bool method_elsewhere = property.id == 0x16 && !property.homes.contains(carrier.home);
      if (property.homes.contains(carrier.home)) {
        CHECK(decoded.status == DecodeStatus::packet);
      } else {
        CHECK(decoded.status == DecodeStatus::error);
        const bool protocol = other_direction(carrier, property) && !method_elsewhere;
        CHECK(decoded.reason == (protocol ? Reason::protocol_error : Reason::malformed_packet));
      }
    }
  }
}

TEST_CASE("U-02 (T-24): every property but a user property is refused when repeated") {
  for (const Carrier& carrier : carriers()) {
    for (const Expected& property : expected()) {
      if (!property.homes.contains(carrier.home)) continue;
      CAPTURE(carrier.home);
      CAPTURE(property.id);
      const ByteBuffer once = raw({property.id}) + property.value;
      const ByteBuffer bytes = once + (needs_method(carrier, property.id) ? method : "") + once;
      const Decoded decoded = decode_now(carrier.around(bytes), Version::v5, carrier.from_client);
      const bool repeats = property.id == 0x26 || (property.id == 0x0B && carrier.home == std::string("PUBLISH(S)"));
      CHECK(decoded.status == (repeats ? DecodeStatus::packet : DecodeStatus::error));
      if (!repeats) CHECK(decoded.reason == Reason::protocol_error);
    }
  }
}

TEST_CASE("U-01: unknown property identifiers, and values cut short anywhere") {
  for (const Carrier& carrier : carriers()) {
    CAPTURE(carrier.home);
    std::set<int> known;
    for (const Expected& property : expected()) {
      known.insert(property.id);
      const ByteBuffer bytes = raw({property.id}) + property.value;
      for (std::size_t size = 1; size < bytes.size(); ++size) {
        CAPTURE(property.id);
        const Decoded decoded = decode_now(carrier.around(bytes.substr(0, size)), Version::v5, carrier.from_client);
        CHECK(decoded.status == DecodeStatus::error);
      }
    }
    CHECK_EQ(known.size(), 27);
    for (int id = 0; id < 256; ++id) {
      if (known.contains(id)) continue;
      const Decoded decoded = decode_now(carrier.around(raw({id, 0, 0, 0, 0})), Version::v5, carrier.from_client);
      CHECK(decoded.status == DecodeStatus::error);
      CHECK(decoded.reason == Reason::malformed_packet);
    }
  }
}

TEST_CASE("MQTT5-1.5.4-1, -2, 1.5.7-1: text properties are UTF-8") {
  COVERS("MQTT5-1.5.7-1", "MQTT5-3.3.2-13", "MQTT5-3.3.2-19");
  for (const Carrier& carrier : carriers()) {
    for (const Expected& property : expected()) {
      const bool text =
          property.value.size() >= 3 && property.value[2] == 'x' && property.id != 0x09 && property.id != 0x16;
      if (!text || !property.homes.contains(carrier.home)) continue;
      for (const int bad : {0x00, 0x80, 0xC0, 0xFF}) {
        for (std::size_t at = 2; at < property.value.size(); at += 3) {
          ByteBuffer bytes = raw({property.id}) + property.value;
          bytes[1 + at] = static_cast<char>(bad);
          const Decoded decoded = decode_now(carrier.around(bytes), Version::v5, carrier.from_client);
          CAPTURE(carrier.home);
          CAPTURE(property.id);
          CHECK(decoded.status == DecodeStatus::error);
          CHECK(decoded.reason == Reason::malformed_packet);
        }
      }
    }
  }
}

TEST_CASE("a packet may hold limits::max_user_properties user properties, no more (T-53)") {
  for (const Carrier& carrier : carriers()) {
    CAPTURE(carrier.home);
    ByteBuffer bytes = std::string(carrier.home) == "AUTH" ? method : "";
    for (std::size_t n = 0; n < limits::max_user_properties; ++n) bytes += raw({0x26, 0, 0, 0, 0});
    CHECK(decode_now(carrier.around(bytes), Version::v5, carrier.from_client).status == DecodeStatus::packet);
    bytes += raw({0x26, 0, 0, 0, 0});
    const Decoded decoded = decode_now(carrier.around(bytes), Version::v5, carrier.from_client);
    CHECK(decoded.status == DecodeStatus::error);
    CHECK(decoded.reason == Reason::quota_exceeded);
  }
}

TEST_CASE("U-35, MQTT5-1.5.5-1: remaining lengths") {
  const auto status = [](std::initializer_list<int> bytes) { return decode_now(raw(bytes), Version::v5, true).status; };
  CHECK(status({0x30}) == DecodeStatus::incomplete);
  CHECK(status({0x30, 0x80}) == DecodeStatus::incomplete);
  CHECK(status({0x30, 0xFF, 0xFF, 0xFF}) == DecodeStatus::incomplete);
  CHECK(status({0x30, 0xFF, 0xFF, 0xFF, 0x7F}) == DecodeStatus::incomplete);
  CHECK(status({0x30, 0xFF, 0xFF, 0xFF, 0x80}) == DecodeStatus::error);
  CHECK(status({0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}) == DecodeStatus::error);
  CHECK(status({0xC0, 0x80, 0x00}) == DecodeStatus::error);
  CHECK(status({0xC0, 0x80, 0x80, 0x00}) == DecodeStatus::error);
  CHECK_EQ(decode_now(raw({0x30, 0xFF, 0xFF, 0xFF, 0x7F}), Version::v5, true).needed, 268'435'460);
}

}  // namespace tandem::mqtt::test
