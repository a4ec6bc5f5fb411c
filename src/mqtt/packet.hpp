// MQTT 3.1, 3.1.1 and 5.0 packets as plain structs. Every string_view borrows from the bytes that were
// decoded (nothing is copied); the caller keeps those bytes alive as long as it uses the packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "mqtt/reason.hpp"

namespace tandem::mqtt {

enum class Version : std::uint8_t { v31 = 3, v311 = 4, v5 = 5 };

enum class Type : std::uint8_t {
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
  auth
};

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

struct UserProperty {
  std::string_view name;
  std::string_view value;
};

// All properties except PUBLISH's hot ones (see Publish). Absent is nullopt; which packet may carry which is
// checked by the codec (MQTT 5.0 section 2.2.2.2; table in properties.hpp).
struct Properties {
  std::optional<std::uint8_t> payload_format;
  std::optional<std::uint32_t> message_expiry_s;
  std::optional<std::string_view> content_type;
  std::optional<std::string_view> response_topic;
  std::optional<ByteView> correlation_data;
  std::optional<std::uint32_t> subscription_identifier;
  std::optional<std::uint32_t> session_expiry_s;
  std::optional<std::string_view> assigned_client_id;
  std::optional<std::uint16_t> server_keep_alive_s;
  std::optional<std::string_view> authentication_method;
  std::optional<ByteView> authentication_data;
  std::optional<std::uint8_t> request_problem_information;
  std::optional<std::uint32_t> will_delay_s;
  std::optional<std::uint8_t> request_response_information;
  std::optional<std::string_view> response_information;
  std::optional<std::string_view> server_reference;
  std::optional<std::string_view> reason_string;
  std::optional<std::uint16_t> receive_maximum;
  std::optional<std::uint16_t> topic_alias_maximum;
  std::optional<std::uint8_t> maximum_qos;
  std::optional<std::uint8_t> retain_available;
  std::optional<std::uint32_t> maximum_packet_bytes;
  std::optional<std::uint8_t> wildcard_subscription_available;
  std::optional<std::uint8_t> subscription_identifier_available;
  std::optional<std::uint8_t> shared_subscription_available;
  std::vector<UserProperty> user;  // in order, duplicates kept
};

struct Will {
  std::string_view topic;
  ByteView payload;
  Qos qos = Qos::at_most_once;
  bool retain = false;
  std::uint32_t delay_s = 0;
  std::optional<std::uint32_t> message_expiry_s;
  // Property bytes as a PUBLISH forwards them: in the client's order, without Will Delay and Message Expiry
  // Interval. Owned: will properties are rare and need filtering.
  ByteBuffer forwarded_properties;
};

struct Connect {
  Version version = Version::v311;
  bool bridge = false;  // high bit of the level: Mosquitto's bridge convention (U-42)
  bool clean_start = true;
  std::uint16_t keep_alive_s = 0;
  std::string_view client_id;
  std::optional<Will> will;
  std::optional<std::string_view> username;
  std::optional<ByteView> password;
  Properties properties;
};

struct Connack {
  bool session_present = false;
  Reason reason = Reason::success;  // encoded as a 3.1.1 return code for 3.x (to_v3_connack_code)
  Properties properties;
};

// The hot packet: its properties stay bytes.
struct Publish {
  std::string_view topic;  // empty if a 5.0 client uses only an alias
  ByteView payload;
  std::uint16_t packet_id = 0;  // 0 for QoS 0
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  std::uint16_t topic_alias = 0;  // 0 = none
  std::optional<std::uint32_t> message_expiry_s;
  // Property bytes without their length, as received and validated. `filtered` tells that they hold Topic
  // Alias, Message Expiry or Subscription Identifiers, which are not forwarded as they are: use
  // forwarded_properties().
  ByteView properties;
  bool filtered = false;
  ByteView whole;  // the packet as received
  // Server to client only, decoded for tests and tools; empty on the broker's receiving side (a client may
  // send none).
  std::vector<std::uint32_t> subscription_identifiers;
};

// PUBACK, PUBREC, PUBREL, PUBCOMP. The reader's `properties` are validated and otherwise ignored.
struct Ack {
  Type type = Type::puback;
  std::uint16_t packet_id = 0;
  Reason reason = Reason::success;
  ByteView properties;
};

enum class RetainHandling : std::uint8_t { always = 0, if_new = 1, never = 2 };

struct SubscriptionOptions {
  Qos qos = Qos::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::always;
};

struct SubscriptionRequest {
  std::string_view filter;
  SubscriptionOptions options;
};

struct Subscribe {
  std::uint16_t packet_id = 0;
  std::vector<SubscriptionRequest> requests;
  Properties properties;
};

struct Suback {  // also UNSUBACK
  Type type = Type::suback;
  std::uint16_t packet_id = 0;
  std::vector<Reason> reasons;  // one a filter; not sent in a 3.x UNSUBACK
  Properties properties;
};

struct Unsubscribe {
  std::uint16_t packet_id = 0;
  std::vector<std::string_view> filters;
  Properties properties;
};

struct Pingreq {};
struct Pingresp {};

struct Disconnect {
  Reason reason = Reason::success;
  Properties properties;
};

struct Auth {
  Reason reason = Reason::success;
  Properties properties;
};

using Packet =
    std::variant<Pingreq, Pingresp, Publish, Ack, Connect, Connack, Subscribe, Suback, Unsubscribe, Disconnect, Auth>;

}  // namespace tandem::mqtt
