// Decoding of the packets that open and close a session: CONNECT, CONNACK, DISCONNECT, AUTH.
#include "mqtt/decode_parts.hpp"
#include "mqtt/topic.hpp"
#include "mqtt/utf8.hpp"

namespace tandem::mqtt {

namespace {

constexpr unsigned flag_reserved = 0x01;
constexpr unsigned flag_clean_start = 0x02;
constexpr unsigned flag_will = 0x04;
constexpr unsigned flag_will_retain = 0x20;
constexpr unsigned flag_password = 0x40;
constexpr unsigned flag_username = 0x80;
constexpr unsigned will_bits = 0x38;  // Will QoS and Will Retain

constexpr unsigned will_qos(unsigned flags) {
  return (flags >> 3) & 3U;
}

// Protocol name and level ([MQTT5-3.1.2-1, -2], U-42). `answer` is set as soon as the level is known.
Verdict take_protocol(ByteReader& body, Connect& connect, std::optional<Version>& answer) {
  const ByteView name = body.bytes_u16_be();
  const unsigned level = body.u8();
  if (!body.ok()) return malformed("CONNECT cut short");
  const unsigned number = level & 0x7FU;
  connect.bridge = level != number;
  if (name == "MQIsdp" && number == 3) {
    connect.version = Version::v31;
  } else if (name == "MQTT" && number == 4) {
    connect.version = Version::v311;
  } else if (name == "MQTT" && level == 5) {
    connect.version = Version::v5;
  } else {
    answer = number < 5 ? Version::v311 : Version::v5;
    const char* const what = name == "MQTT" || name == "MQIsdp" ? "unknown protocol level" : "unknown protocol name";
    return {Reason::unsupported_protocol_version, what};
  }
  answer = connect.version;
  return {};
}

// Combinations of the connect flags ([MQTT5-3.1.2-3, -11..-13], [MQTT311-3.1.2-22]). MQTT 3.1 leaves the
// reserved bit and the bits of an absent will open.
Verdict check_connect_flags(unsigned flags, Version version) {
  const bool has_will = (flags & flag_will) != 0;
  if (version != Version::v31 && (flags & flag_reserved) != 0) return malformed("reserved connect flag set");
  if (has_will && will_qos(flags) == 3) return malformed("will QoS 3");
  if (!has_will && version != Version::v31 && (flags & will_bits) != 0) {
    return malformed("will QoS or retain without a will");
  }
  if (version != Version::v5 && (flags & flag_password) != 0 && (flags & flag_username) == 0) {
    return malformed("password without a user name");
  }
  return {};
}

// Will properties: what a PUBLISH forwards is kept as bytes, in order ([MQTT5-3.1.3-10], U-40).
Verdict take_will_properties(ByteReader& body, Will& will) {
  ByteView bytes;
  if (const Verdict verdict = take_property_bytes(body, bytes); !verdict.ok()) return verdict;
  PropertyReader reader(bytes, PropertyHome::will);
  PropertyValue value;
  while (reader.next(value)) {
    if (value.id == Property::will_delay) {
      will.delay_s = value.number;
    } else if (value.id == Property::message_expiry) {
      will.message_expiry_s = value.number;
    } else {
      will.forwarded_properties.append(value.raw);
    }
  }
  return reader.verdict();
}

// [MQTT5-3.1.2-9, 3.1.3-11]
Verdict take_will(ByteReader& body, unsigned flags, Version version, Will& will) {
  will.qos = static_cast<Qos>(will_qos(flags));
  will.retain = (flags & flag_will_retain) != 0;
  if (version == Version::v5) {
    if (const Verdict verdict = take_will_properties(body, will); !verdict.ok()) return verdict;
  }
  if (const Verdict verdict = take_text(body, will.topic); !verdict.ok()) return verdict;
  if (!valid_topic_name(will.topic)) return {Reason::topic_name_invalid, "will topic not valid"};
  will.payload = body.bytes_u16_be();
  return body.ok() ? Verdict{} : malformed("CONNECT cut short");
}

// User name and password. In MQTT 3.1 the length of the packet takes precedence over these flags: either may
// be missing.
Verdict take_credentials(ByteReader& body, unsigned flags, Connect& connect) {
  const auto follows = [&](unsigned flag) {
    return (flags & flag) != 0 && !(connect.version == Version::v31 && body.at_end());
  };
  if (follows(flag_username)) {
    if (const Verdict verdict = take_text(body, connect.username.emplace()); !verdict.ok()) return verdict;
  }
  if (follows(flag_password)) connect.password = body.bytes_u16_be();
  return all_read(body);
}

// A reason and properties, both of which may be left out from the end (U-19).
Verdict take_reason(ByteReader& body, Type type, PropertyHome home, bool from_client, Reason& reason,
                    Properties& properties) {
  if (!body.at_end()) reason = static_cast<Reason>(body.u8());
  if (!reason_allowed(type, reason, from_client)) return protocol_error("reason code not for this packet");
  if (body.at_end()) return {};
  if (const Verdict verdict = read_properties(body, home, properties); !verdict.ok()) return verdict;
  return all_read(body);
}

}  // namespace

Verdict read_connect(ByteView bytes, Packet& out, ConnectAnswer& answer) {
  Connect& connect = out.emplace<Connect>();
  ByteReader body(bytes);
  if (const Verdict verdict = take_protocol(body, connect, answer.version); !verdict.ok()) return verdict;
  const unsigned flags = body.u8();
  connect.clean_start = (flags & flag_clean_start) != 0;
  connect.keep_alive_s = body.u16_be();
  if (!body.ok()) return malformed("CONNECT cut short");
  if (const Verdict verdict = check_connect_flags(flags, connect.version); !verdict.ok()) return verdict;
  if (connect.version == Version::v5) {
    const Verdict verdict = read_properties(body, PropertyHome::connect, connect.properties);
    if (!verdict.ok()) return verdict;
    answer.max_packet_bytes = connect.properties.maximum_packet_bytes.value_or(0xFFFFFFFF);
  }
  if (const Verdict verdict = take_text(body, connect.client_id); !verdict.ok()) return verdict;
  if ((flags & flag_will) != 0) {
    const Verdict verdict = take_will(body, flags, connect.version, connect.will.emplace());
    if (!verdict.ok()) return verdict;
  }
  return take_credentials(body, flags, connect);
}

Verdict read_connack(ByteView bytes, Version version, Packet& out) {
  Connack& connack = out.emplace<Connack>();
  ByteReader body(bytes);
  const std::uint8_t flags = body.u8();
  const std::uint8_t code = body.u8();
  if (!body.ok()) return malformed("CONNACK cut short");
  if (version != Version::v31 && (flags & 0xFEU) != 0) return malformed("reserved CONNACK flags");
  connack.session_present = version != Version::v31 && flags != 0;
  if (version == Version::v5) {
    connack.reason = static_cast<Reason>(code);
    if (!reason_allowed(Type::connack, connack.reason, false)) return protocol_error("reason code not for CONNACK");
    const Verdict verdict = read_properties(body, PropertyHome::connack, connack.properties);
    if (!verdict.ok()) return verdict;
  } else {
    const std::optional<Reason> reason = from_v3_connack_code(code);
    if (!reason) return malformed("unknown CONNACK return code");
    connack.reason = *reason;
  }
  if (connack.session_present && connack.reason != Reason::success) {
    return protocol_error("session present in a refusal");  // [MQTT5-3.2.2-6]
  }
  return all_read(body);
}

Verdict read_disconnect(ByteView bytes, const DecodeOptions& options, Packet& out) {
  Disconnect& disconnect = out.emplace<Disconnect>();
  ByteReader body(bytes);
  if (options.version != Version::v5) return all_read(body);
  const PropertyHome home =
      options.from_client ? PropertyHome::disconnect_from_client : PropertyHome::disconnect_from_server;
  return take_reason(body, Type::disconnect, home, options.from_client, disconnect.reason, disconnect.properties);
}

Verdict read_auth(ByteView bytes, const DecodeOptions& options, Packet& out) {
  Auth& auth = out.emplace<Auth>();
  ByteReader body(bytes);
  if (bytes.size() == 1) return malformed("AUTH without property length");  // only an empty body is a short form (U-20)
  const Verdict verdict =
      take_reason(body, Type::auth, PropertyHome::auth, options.from_client, auth.reason, auth.properties);
  if (!verdict.ok()) return verdict;
  // Only the empty Success may go without a method (section 3.15.2.2.2).
  if (!bytes.empty() && !auth.properties.authentication_method) return protocol_error("AUTH without a method");
  return {};
}

}  // namespace tandem::mqtt
