// The 27 properties of MQTT 5.0 (section 2.2.2.2) as one table, and the only reader and writer of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "mqtt/packet.hpp"
#include "mqtt/reason.hpp"

namespace tandem::mqtt {

// How reading ended: ok, or the code for CONNACK or DISCONNECT with a sentence for the journal.
struct Verdict {
  Reason reason = Reason::success;
  const char* what = nullptr;
  constexpr bool ok() const { return what == nullptr; }
};

constexpr Verdict malformed(const char* what) {
  return {Reason::malformed_packet, what};
}
constexpr Verdict protocol_error(const char* what) {
  return {Reason::protocol_error, what};
}

enum class Property : std::uint8_t {
  payload_format = 0x01,
  message_expiry = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0B,
  session_expiry = 0x11,
  assigned_client_id = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay = 0x18,
  request_response_information = 0x19,
  response_information = 0x1A,
  server_reference = 0x1C,
  reason_string = 0x1F,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifier_available = 0x29,
  shared_subscription_available = 0x2A,
};

enum class PropertyType : std::uint8_t { none, u8, u16, u32, varint, text, binary, text_pair };

// Where properties stand. PUBLISH and DISCONNECT allow different ones by direction. Values are bits of a set.
enum class PropertyHome : std::uint16_t {
  connect = 1 << 0,
  will = 1 << 1,
  connack = 1 << 2,
  publish_from_client = 1 << 3,
  publish_from_server = 1 << 4,
  ack = 1 << 5,  // PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK: the same set
  subscribe = 1 << 6,
  unsubscribe = 1 << 7,
  disconnect_from_client = 1 << 8,
  disconnect_from_server = 1 << 9,
  auth = 1 << 10,
};

struct PropertyRule {
  PropertyType type = PropertyType::none;  // none: no such property
  std::uint16_t homes = 0;                 // set of PropertyHome
  std::uint32_t least = 0;                 // allowed values of a number
  std::uint32_t most = 0xFFFF'FFFF;
  std::uint16_t repeats_in = 0;  // homes where it may stand more than once
};

// By identifier. Identifiers are never reused; one byte each.
inline constexpr std::size_t property_rule_count = 0x2B;
extern const std::array<PropertyRule, property_rule_count> property_rules;

struct PropertyValue {
  Property id = Property::payload_format;
  std::uint32_t number = 0;  // u8, u16, u32, varint
  ByteView text;             // text, binary; name of a text_pair
  ByteView second;           // value of a text_pair
  ByteView raw;              // identifier and value as they stand on the wire
};

// Walks over property bytes (without their length) and checks everything that the packet's place decides:
// known and allowed here (U-01), not repeated (U-02), range, UTF-8, wildcards. Allocates nothing.
class PropertyReader {
 public:
  PropertyReader(ByteView bytes, PropertyHome home) : rest_(bytes), home_(static_cast<std::uint16_t>(home)) {}

  // false at the end or at the first fault: see verdict().
  bool next(PropertyValue& value);
  const Verdict& verdict() const { return verdict_; }

 private:
  bool fail(const Verdict& verdict);
  bool admitted(std::uint8_t id, const PropertyRule& rule);
  bool parse(PropertyType type, PropertyValue& value);

  ByteView rest_;
  std::uint64_t seen_ = 0;  // bit by identifier
  std::size_t user_properties_ = 0;
  std::uint16_t home_;
  Verdict verdict_;
};

// Takes the property length and the bytes that it announces from the reader ([MQTT5-2.2.2-1]).
Verdict take_property_bytes(ByteReader& body, ByteView& properties);

// The same, read into a struct; Authentication Data needs its method (U-06).
Verdict read_properties(ByteReader& body, PropertyHome home, Properties& out);

// Appends the property length and all that is set. `homes`: set of PropertyHome; anything not allowed there
// aborts.
void append_properties(const Properties& properties, std::uint16_t homes, ByteBuffer& out);

// Bytes of the first property of `rest`; 0 if it is unknown or not all there. Looks at lengths only.
std::size_t property_extent(ByteView rest);

}  // namespace tandem::mqtt
