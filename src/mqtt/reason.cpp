// The reason codes as one table: number, name, and the packets that may carry it (MQTT 5.0 table 2-6 and the
// table of each packet).
#include "mqtt/reason.hpp"

#include <array>

#include "mqtt/decode_parts.hpp"

namespace tandem::mqtt {

namespace {

// Who carries a code. CONNACK, SUBACK and UNSUBACK have one sender only; DISCONNECT and AUTH differ by
// sender.
enum : std::uint16_t {
  connack = 1 << 0,
  pub = 1 << 1,  // PUBACK, PUBREC
  rel = 1 << 2,  // PUBREL, PUBCOMP
  suback = 1 << 3,
  unsuback = 1 << 4,
  disconnect_client = 1 << 5,
  disconnect_server = 1 << 6,
  auth_client = 1 << 7,
  auth_server = 1 << 8,
  disconnect = disconnect_client | disconnect_server,
  acks = pub | suback | unsuback,
};

struct Row {
  Reason reason;
  std::uint16_t carriers;
  std::string_view name;
};

constexpr Row rows[] = {
    {Reason::success, connack | pub | rel | suback | unsuback | disconnect | auth_server, "Success"},
    {Reason::granted_qos1, suback, "Granted QoS 1"},
    {Reason::granted_qos2, suback, "Granted QoS 2"},
    {Reason::disconnect_with_will, disconnect_client, "Disconnect with Will Message"},
    {Reason::no_matching_subscribers, pub, "No matching subscribers"},
    {Reason::no_subscription_existed, unsuback, "No subscription existed"},
    {Reason::continue_authentication, auth_client | auth_server, "Continue authentication"},
    {Reason::reauthenticate, auth_client, "Re-authenticate"},
    {Reason::unspecified_error, connack | acks | disconnect, "Unspecified error"},
    {Reason::malformed_packet, connack | disconnect, "Malformed Packet"},
    {Reason::protocol_error, connack | disconnect, "Protocol Error"},
    {Reason::implementation_specific_error, connack | acks | disconnect, "Implementation specific error"},
    {Reason::unsupported_protocol_version, connack, "Unsupported Protocol Version"},
    {Reason::client_identifier_not_valid, connack, "Client Identifier not valid"},
    {Reason::bad_username_or_password, connack, "Bad User Name or Password"},
    {Reason::not_authorized, connack | acks | disconnect_server, "Not authorized"},
    {Reason::server_unavailable, connack, "Server unavailable"},
    {Reason::server_busy, connack | disconnect_server, "Server busy"},
    {Reason::banned, connack, "Banned"},
    {Reason::server_shutting_down, disconnect_server, "Server shutting down"},
    // In the general table a DISCONNECT code too, though not in DISCONNECT's own.
    {Reason::bad_authentication_method, connack | disconnect_server, "Bad authentication method"},
    {Reason::keep_alive_timeout, disconnect_server, "Keep Alive timeout"},
    {Reason::session_taken_over, disconnect_server, "Session taken over"},
    {Reason::topic_filter_invalid, suback | unsuback | disconnect_server, "Topic Filter invalid"},
    {Reason::topic_name_invalid, connack | pub | disconnect, "Topic Name invalid"},
    {Reason::packet_identifier_in_use, acks, "Packet Identifier in use"},
    {Reason::packet_identifier_not_found, rel, "Packet Identifier not found"},
    {Reason::receive_maximum_exceeded, disconnect, "Receive Maximum exceeded"},
    {Reason::topic_alias_invalid, disconnect, "Topic Alias invalid"},
    {Reason::packet_too_large, connack | disconnect, "Packet too large"},
    {Reason::message_rate_too_high, disconnect, "Message rate too high"},
    {Reason::quota_exceeded, connack | pub | suback | disconnect, "Quota exceeded"},
    {Reason::administrative_action, disconnect, "Administrative action"},
    {Reason::payload_format_invalid, connack | pub | disconnect, "Payload format invalid"},
    {Reason::retain_not_supported, connack | disconnect_server, "Retain not supported"},
    {Reason::qos_not_supported, connack | disconnect_server, "QoS not supported"},
    {Reason::use_another_server, connack | disconnect_server, "Use another server"},
    {Reason::server_moved, connack | disconnect_server, "Server moved"},
    {Reason::shared_subscriptions_not_supported, suback | disconnect_server, "Shared Subscriptions not supported"},
    {Reason::connection_rate_exceeded, connack | disconnect_server, "Connection rate exceeded"},
    {Reason::maximum_connect_time, disconnect_server, "Maximum connect time"},
    {Reason::subscription_identifiers_not_supported, suback | disconnect_server,
     "Subscription Identifiers not supported"},
    {Reason::wildcard_subscriptions_not_supported, suback | disconnect_server, "Wildcard Subscriptions not supported"},
};

// Place in `rows` + 1 by code; 0: no such code.
constexpr std::array<std::uint8_t, 256> row_of_code = [] {
  std::array<std::uint8_t, 256> places{};
  std::uint8_t place = 0;
  for (const Row& row : rows) places[static_cast<std::uint8_t>(row.reason)] = ++place;
  return places;
}();

const Row* find(Reason reason) {
  const std::uint8_t place = row_of_code[static_cast<std::uint8_t>(reason)];
  return place == 0 ? nullptr : &rows[place - 1];
}

std::uint16_t carrier(Type type, bool from_client) {
  switch (type) {
    case Type::connack:
      return connack;
    case Type::puback:
    case Type::pubrec:
      return pub;
    case Type::pubrel:
    case Type::pubcomp:
      return rel;
    case Type::suback:
      return suback;
    case Type::unsuback:
      return unsuback;
    case Type::disconnect:
      return from_client ? disconnect_client : disconnect_server;
    case Type::auth:
      return from_client ? auth_client : auth_server;
    default:
      return 0;
  }
}

}  // namespace

bool reason_allowed(Type type, Reason reason, bool from_client) {
  const Row* const row = find(reason);
  return row != nullptr && (row->carriers & carrier(type, from_client)) != 0;
}

std::optional<std::uint8_t> to_v3_connack_code(Reason reason) {
  switch (reason) {
    case Reason::success:
      return 0;
    case Reason::unsupported_protocol_version:
      return 1;
    case Reason::client_identifier_not_valid:
      return 2;
    case Reason::server_unavailable:
    case Reason::server_busy:
    case Reason::quota_exceeded:
    case Reason::connection_rate_exceeded:
      return 3;
    case Reason::bad_username_or_password:
    case Reason::bad_authentication_method:
      return 4;
    case Reason::not_authorized:
    case Reason::banned:
      return 5;
    default:
      return std::nullopt;
  }
}

std::optional<Reason> from_v3_connack_code(std::uint8_t code) {
  switch (code) {
    case 0:
      return Reason::success;
    case 1:
      return Reason::unsupported_protocol_version;
    case 2:
      return Reason::client_identifier_not_valid;
    case 3:
      return Reason::server_unavailable;
    case 4:
      return Reason::bad_username_or_password;
    case 5:
      return Reason::not_authorized;
    default:
      return std::nullopt;
  }
}

std::string_view reason_name(Reason reason) {
  const Row* const row = find(reason);
  return row == nullptr ? "unknown reason code" : row->name;
}

}  // namespace tandem::mqtt
