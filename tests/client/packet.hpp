// MQTT bytes as the tests see them: a second, independent and strict reading of the specification, so that a
// mistake in src/mqtt is not repeated by the test that should find it. Never include src/mqtt here.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::test {

// What went wrong on the client's side of the wire. Tests let it fly: doctest prints what().
class ClientError : public std::runtime_error {
 public:
  enum class Kind {
    timeout,   // the deadline passed
    closed,    // the connection ended, or could not be opened
    protocol,  // the broker sent bytes that the specification forbids, or not what was expected
    refused,   // CONNACK with a code other than 0
  };
  ClientError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

enum class Type : uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth,
};
const char* name_of(Type type);

// MQTT 5 property ids that tests name often; any id may be given as a number.
namespace prop {
inline constexpr uint8_t payload_format = 0x01;
inline constexpr uint8_t message_expiry = 0x02;
inline constexpr uint8_t content_type = 0x03;
inline constexpr uint8_t response_topic = 0x08;
inline constexpr uint8_t correlation_data = 0x09;
inline constexpr uint8_t subscription_id = 0x0B;
inline constexpr uint8_t session_expiry = 0x11;
inline constexpr uint8_t assigned_client_id = 0x12;
inline constexpr uint8_t server_keepalive = 0x13;
inline constexpr uint8_t auth_method = 0x15;
inline constexpr uint8_t auth_data = 0x16;
inline constexpr uint8_t request_problem_info = 0x17;
inline constexpr uint8_t will_delay = 0x18;
inline constexpr uint8_t request_response_info = 0x19;
inline constexpr uint8_t response_information = 0x1A;
inline constexpr uint8_t server_reference = 0x1C;
inline constexpr uint8_t reason_string = 0x1F;
inline constexpr uint8_t receive_maximum = 0x21;
inline constexpr uint8_t topic_alias_maximum = 0x22;
inline constexpr uint8_t topic_alias = 0x23;
inline constexpr uint8_t maximum_qos = 0x24;
inline constexpr uint8_t retain_available = 0x25;
inline constexpr uint8_t user_property = 0x26;
inline constexpr uint8_t maximum_packet_size = 0x27;
inline constexpr uint8_t wildcard_available = 0x28;
inline constexpr uint8_t subscription_id_available = 0x29;
inline constexpr uint8_t shared_available = 0x2A;
}  // namespace prop

struct Property {
  uint8_t id = 0;
  uint32_t number = 0;  // byte, two byte, four byte and variable byte integers
  std::string text;     // UTF-8 and binary values; the name of a user property
  std::string value;    // the value of a user property
};

// Properties in wire order. Repeats are kept: whether they are allowed is for the test to say.
class Properties {
 public:
  Properties& number(uint8_t id, uint32_t value) {
    items_.push_back({id, value, {}, {}});
    return *this;
  }
  Properties& text(uint8_t id, std::string value) {
    items_.push_back({id, 0, std::move(value), {}});
    return *this;
  }
  Properties& user(std::string name, std::string value) {
    items_.push_back({prop::user_property, 0, std::move(name), std::move(value)});
    return *this;
  }
  void add(Property property) { items_.push_back(std::move(property)); }

  bool has(uint8_t id) const { return find(id) != nullptr; }
  size_t count(uint8_t id) const;
  // The first value of that id, or nothing.
  std::optional<uint32_t> number(uint8_t id) const;
  std::optional<std::string> text(uint8_t id) const;
  std::vector<std::pair<std::string, std::string>> users() const;
  const std::vector<Property>& all() const { return items_; }
  bool empty() const { return items_.empty(); }

 private:
  const Property* find(uint8_t id) const;
  std::vector<Property> items_;
};

struct Will {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
  std::optional<uint32_t> delay_s;  // MQTT 5 only
  Properties properties;            // MQTT 5 only
};

struct Connect {
  uint8_t version = 4;  // 3 = MQTT 3.1, 4 = 3.1.1, 5 = 5.0
  std::string client_id;
  bool clean = true;  // Clean Session, or Clean Start in MQTT 5
  uint16_t keepalive_s = 60;
  std::optional<uint32_t> session_expiry_s;  // MQTT 5 only
  Properties properties;                     // MQTT 5 only, beside session_expiry_s
  std::optional<Will> will;
  std::optional<std::string> username;
  std::optional<std::string> password;
};

struct Publish {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  uint16_t pid = 0;  // QoS 1 and 2
  Properties properties;
};

struct Filter {
  std::string filter;
  uint8_t options = 0;  // QoS; in MQTT 5 also no local (4), retain as published (8), retain handling (16, 32)
};

// One packet as received. Fields that its type does not have stay empty.
struct Packet {
  Type type = Type::pingresp;
  uint8_t flags = 0;  // low four bits of the fixed header
  size_t size = 0;    // of the whole packet, in bytes
  uint16_t pid = 0;
  bool session_present = false;  // CONNACK
  std::string topic;             // PUBLISH; empty with a topic alias
  std::string payload;           // PUBLISH
  std::vector<uint8_t> codes;    // CONNACK, PUBACK..PUBCOMP, DISCONNECT, AUTH: one; SUBACK, UNSUBACK: one a filter
  Properties properties;

  uint8_t code() const { return codes.empty() ? uint8_t{0} : codes.front(); }
  uint8_t qos() const { return static_cast<uint8_t>((flags >> 1) & 3); }
  bool retain() const { return (flags & 1) != 0; }
  bool dup() const { return (flags & 8) != 0; }
};

// For failure messages: type, packet id, topic, codes.
std::string describe(const Packet& packet);

// Whole packets, ready to send. `version` as in Connect.
std::string encode_connect(const Connect& connect);
std::string encode_publish(const Publish& publish, uint8_t version);
std::string encode_subscribe(uint16_t pid, const std::vector<Filter>& filters, uint8_t version,
                             const Properties& properties = {});
std::string encode_unsubscribe(uint16_t pid, const std::vector<std::string>& filters, uint8_t version,
                               const Properties& properties = {});
// PUBACK, PUBREC, PUBREL, PUBCOMP. Code and properties are sent in MQTT 5 only, and only if they say
// something.
std::string encode_ack(Type type, uint16_t pid, uint8_t version, uint8_t code = 0, const Properties& properties = {});
std::string encode_pingreq();
std::string encode_disconnect(uint8_t version, uint8_t code = 0, const Properties& properties = {});
std::string encode_auth(uint8_t code, const Properties& properties);

// Bricks for hand-made packets.
std::string u16(uint16_t value);
std::string u32(uint32_t value);
std::string varint(uint32_t value);
std::string text(std::string_view value);  // two byte length, then the bytes
std::string encode_properties(const Properties& properties);
std::string frame(Type type, uint8_t flags, std::string_view body);

// Takes one whole packet, sent by a broker, off the front of `bytes`; nothing if it is not complete yet.
// Throws ClientError(protocol) for bytes that no broker may send.
std::optional<Packet> take_packet(std::string_view& bytes, uint8_t version);

}  // namespace tandem::test
