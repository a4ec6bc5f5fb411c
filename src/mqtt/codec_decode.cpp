// Decoding: the fixed header, then one reader a packet type. The hot packets (PUBLISH, the four acks, pings)
// are read here, without an allocation; the others in codec_decode_session.cpp and
// codec_decode_subscribe.cpp.
#include "mqtt/codec.hpp"

#include <array>

#include "mqtt/decode_parts.hpp"
#include "mqtt/topic.hpp"
#include "mqtt/utf8.hpp"
#include "mqtt/varint.hpp"

namespace tandem::mqtt {

namespace {

std::uint8_t byte_at(ByteView bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t u16_at(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>((byte_at(bytes, at) << 8) | byte_at(bytes, at + 1));
}

constexpr unsigned bit(Type type) {
  return 1U << static_cast<unsigned>(type);
}

constexpr unsigned ack_types = bit(Type::puback) | bit(Type::pubrec) | bit(Type::pubrel) | bit(Type::pubcomp);
constexpr unsigned both_ways = bit(Type::publish) | ack_types;
constexpr unsigned client_types = both_ways | bit(Type::connect) | bit(Type::subscribe) | bit(Type::unsubscribe) |
                                  bit(Type::pingreq) | bit(Type::disconnect);
constexpr unsigned server_types =
    both_ways | bit(Type::connack) | bit(Type::suback) | bit(Type::unsuback) | bit(Type::pingresp);
constexpr unsigned v5_both_ways = bit(Type::disconnect) | bit(Type::auth);
// The types whose fixed header holds the bits 0010.
constexpr unsigned flagged_types = bit(Type::pubrel) | bit(Type::subscribe) | bit(Type::unsubscribe);

constexpr bool legal_type(unsigned type_bit, Version version, bool from_client) {
  const unsigned types = (from_client ? client_types : server_types) | (version == Version::v5 ? v5_both_ways : 0U);
  return (type_bit & types) != 0;
}

// Type and flags. PUBLISH's flags are checked with its body. MQTT 3.1 lets the DUP bit be set where later
// versions reserve it.
constexpr bool legal_first_byte(std::uint8_t first, Version version, bool from_client) {
  const unsigned type_bit = 1U << (first >> 4);
  const unsigned flags = first & 0x0FU;
  if (!legal_type(type_bit, version, from_client)) return false;
  if (type_bit == bit(Type::publish)) return true;
  if ((type_bit & flagged_types) == 0) return flags == 0;
  return flags == 2 || (version == Version::v31 && flags == 0x0A);
}

// legal_first_byte() by version and direction.
constexpr std::size_t place_of(Version version, bool from_client) {
  return (static_cast<std::size_t>(version) - static_cast<std::size_t>(Version::v31)) * 2 + (from_client ? 1 : 0);
}
constexpr auto first_byte_table = [] {
  std::array<std::array<bool, 256>, 6> table{};
  for (const Version version : {Version::v31, Version::v311, Version::v5}) {
    for (const bool from_client : {false, true}) {
      auto& row = table[place_of(version, from_client)];
      for (unsigned first = 0; first < 256; ++first) {
        row[first] = legal_first_byte(static_cast<std::uint8_t>(first), version, from_client);
      }
    }
  }
  return table;
}();

// Why a first byte is not legal ([MQTT5-2.1.3-1], U-36).
Verdict first_byte_fault(std::uint8_t first, const DecodeOptions& options) {
  const unsigned type_bit = 1U << (first >> 4);
  if (legal_type(type_bit, options.version, options.from_client)) {
    return malformed("reserved flags of the fixed header");
  }
  const bool other_side = legal_type(type_bit, options.version, !options.from_client);
  return other_side ? protocol_error("packet type that only the other side may send")
                    : malformed("packet type that this version does not have");
}

// One pass over a PUBLISH's properties: checks them and picks out the hot ones.
Verdict read_publish_properties(ByteView bytes, bool from_client, Publish& publish) {
  PropertyReader reader(bytes, from_client ? PropertyHome::publish_from_client : PropertyHome::publish_from_server);
  PropertyValue value;
  while (reader.next(value)) {
    switch (value.id) {
      case Property::topic_alias:
        publish.topic_alias = static_cast<std::uint16_t>(value.number);
        publish.filtered = true;
        break;
      case Property::message_expiry:
        publish.message_expiry_s = value.number;
        publish.filtered = true;
        break;
      case Property::subscription_identifier:
        publish.subscription_identifiers.push_back(value.number);
        publish.filtered = true;
        break;
      default:
        break;
    }
  }
  return reader.verdict();
}

// [MQTT5-3.3.2-1, -2], U-10: only 5.0 with an alias may leave the name empty.
Verdict check_publish_topic(const Publish& publish, Version version) {
  const TopicText kind = check_topic_text(publish.topic);
  if (kind == TopicText::malformed) return malformed("topic name is not valid UTF-8");
  if (kind == TopicText::wildcard) return {Reason::topic_name_invalid, "wildcard in the topic name"};
  if (publish.topic.empty()) {
    if (publish.topic_alias != 0) return {};
    if (version == Version::v5) return protocol_error("empty topic name without a topic alias");
    return {Reason::topic_name_invalid, "empty topic name"};
  }
  if (!valid_topic_length(publish.topic)) return {Reason::topic_name_invalid, "topic name with too many levels"};
  return {};
}

Verdict read_publish(std::uint8_t flags, ByteView body, const DecodeOptions& options, Packet& out, ByteView whole) {
  Publish& publish = reuse<Publish>(out);
  publish.whole = whole;
  const unsigned qos = (flags >> 1) & 3U;
  publish.qos = static_cast<Qos>(qos);
  publish.retain = (flags & 1U) != 0;
  publish.dup = (flags & 8U) != 0;
  publish.topic_alias = 0;
  publish.message_expiry_s.reset();
  publish.properties = {};
  publish.filtered = false;
  publish.subscription_identifiers.clear();
  if (qos == 3) return malformed("QoS 3");                              // [MQTT5-3.3.1-4]
  if (qos == 0 && publish.dup) return malformed("DUP set with QoS 0");  // [MQTT5-3.3.1-2]

  if (body.size() < 2) return malformed("PUBLISH cut short");
  const std::size_t topic_size = u16_at(body, 0);
  const std::size_t id_size = qos == 0 ? 0 : 2;  // [MQTT5-2.2.1-2]
  if (body.size() < 2 + topic_size + id_size) return malformed("PUBLISH cut short");
  publish.topic = body.substr(2, topic_size);
  publish.packet_id = qos == 0 ? std::uint16_t{0} : u16_at(body, 2 + topic_size);
  publish.payload = body.substr(2 + topic_size + id_size);
  if (qos != 0 && publish.packet_id == 0) return protocol_error("packet id 0");  // [MQTT5-2.2.1-3]

  if (options.version == Version::v5) {
    const Varint size = parse_varint(publish.payload);
    if (size.status != VarintStatus::ok) return malformed("property length missing or not well-formed");
    if (publish.payload.size() - size.size < size.value) return malformed("property length larger than the packet");
    publish.properties = publish.payload.substr(size.size, size.value);
    publish.payload.remove_prefix(size.size + size.value);
    if (size.value != 0) {
      const Verdict verdict = read_publish_properties(publish.properties, options.from_client, publish);
      if (!verdict.ok()) return verdict;
    }
  }
  return check_publish_topic(publish, options.version);
}

// What stands behind the packet id of a 5.0 ack: a reason, and properties unless it is cut off there (U-18).
Verdict read_ack_rest(ByteView body, bool from_client, Ack& ack) {
  ack.reason = static_cast<Reason>(byte_at(body, 2));
  if (!reason_allowed(ack.type, ack.reason, from_client)) return protocol_error("reason code not for this packet");
  if (body.size() == 3) return {};
  ByteReader rest(body.substr(3));
  if (const Verdict verdict = take_property_bytes(rest, ack.properties); !verdict.ok()) return verdict;
  PropertyReader reader(ack.properties, PropertyHome::ack);
  PropertyValue value;
  while (reader.next(value)) continue;
  return reader.verdict().ok() ? all_read(rest) : reader.verdict();
}

constexpr std::size_t short_ack_bytes = 4;

// What every ack has, and what the short form means; `body` has its packet id.
Ack& read_short_ack(Type type, ByteView body, Packet& out) {
  Ack& ack = reuse<Ack>(out);
  ack.type = type;
  ack.packet_id = u16_at(body, 0);
  ack.reason = Reason::success;
  ack.properties = {};
  return ack;
}

Verdict read_ack(Type type, ByteView body, const DecodeOptions& options, Packet& out) {
  if (body.size() < 2) return malformed("ack cut short");
  Ack& ack = read_short_ack(type, body, out);
  if (ack.packet_id == 0) return protocol_error("packet id 0");
  if (body.size() == 2) return {};
  if (options.version != Version::v5) return malformed("bytes left over");
  return read_ack_rest(body, options.from_client, ack);
}

// An ack that is a packet id and nothing more, as nearly all are; its first byte is legal.
bool is_short_ack(ByteView bytes, const DecodeOptions& options) {
  return bytes.size() >= short_ack_bytes && bytes[1] == 2 && (ack_types & (1U << (byte_at(bytes, 0) >> 4))) != 0 &&
         (options.max_packet_bytes == 0 || options.max_packet_bytes >= short_ack_bytes) && u16_at(bytes, 2) != 0;
}

template <class Kind>
Verdict read_ping(ByteView body, Packet& out) {
  if (!body.empty()) return malformed("bytes left over");  // U-38
  reuse<Kind>(out);
  return {};
}

// What is not read in this file, and out of the way of what is.
[[gnu::noinline]] Verdict read_cold(Type type, ByteView body, const DecodeOptions& options, Packet& out,
                                    ConnectAnswer& answer) {
  switch (type) {
    case Type::connect:
      return read_connect(body, out, answer);
    case Type::connack:
      return read_connack(body, options.version, out);
    case Type::subscribe:
      return read_subscribe(body, options.version, out);
    case Type::unsubscribe:
      return read_unsubscribe(body, options.version, out);
    case Type::suback:
    case Type::unsuback:
      return read_suback(type, body, options.version, out);
    case Type::disconnect:
      return read_disconnect(body, options, out);
    case Type::auth:
      return read_auth(body, options, out);
    case Type::pingreq:
      return read_ping<Pingreq>(body, out);
    case Type::pingresp:
      return read_ping<Pingresp>(body, out);
    default:
      return malformed("packet type 0");  // the first byte was checked: never
  }
}

Decoded incomplete(std::size_t needed) {
  return {.needed = needed};
}

[[gnu::noinline]] Decoded refused(const Verdict& verdict, const ConnectAnswer& answer = {}) {
  return {.status = DecodeStatus::error,
          .reason = verdict.reason,
          .what = verdict.what,
          .connect_version = answer.version,
          .connect_max_packet_bytes = answer.max_packet_bytes};
}

Decoded finished(const Verdict& verdict, std::size_t used) {
  if (!verdict.ok()) [[unlikely]]
    return refused(verdict);
  return {.status = DecodeStatus::packet, .used = used};
}

}  // namespace

Verdict take_packet_id(ByteReader& body, std::uint16_t& packet_id) {
  packet_id = body.u16_be();
  if (!body.ok()) return malformed("packet cut short");
  return packet_id == 0 ? protocol_error("packet id 0") : Verdict{};
}

Verdict take_text(ByteReader& body, std::string_view& text) {
  text = body.bytes_u16_be();
  if (!body.ok()) return malformed("packet cut short");
  return valid_utf8(text) ? Verdict{} : malformed("string is not valid UTF-8");
}

Verdict all_read(const ByteReader& body) {
  if (!body.ok()) return malformed("packet cut short");
  return body.at_end() ? Verdict{} : malformed("bytes left over");
}

Decoded decode(ByteView bytes, const DecodeOptions& options, Packet& out) {
  if (bytes.empty()) return incomplete(2);
  const std::uint8_t first = byte_at(bytes, 0);
  if (!first_byte_table[place_of(options.version, options.from_client)][first]) [[unlikely]] {
    return refused(first_byte_fault(first, options));
  }
  if (is_short_ack(bytes, options)) {
    read_short_ack(static_cast<Type>(first >> 4), bytes.substr(2), out);
    return {.status = DecodeStatus::packet, .used = short_ack_bytes};
  }
  const Varint length = parse_varint(bytes.substr(1));
  if (length.status == VarintStatus::incomplete) return incomplete(bytes.size() + 1);
  if (length.status == VarintStatus::malformed) return refused(malformed("remaining length not well-formed"));
  const std::size_t total = std::size_t{1} + length.size + length.value;
  if (options.max_packet_bytes != 0 && total > options.max_packet_bytes) {
    return refused({Reason::packet_too_large, "packet larger than allowed"});
  }
  if (bytes.size() < total) return incomplete(total);

  const ByteView body = bytes.substr(1U + length.size, length.value);
  const auto type = static_cast<Type>(first >> 4);
  if (type == Type::publish) return finished(read_publish(first, body, options, out, bytes.substr(0, total)), total);
  if (type >= Type::puback && type <= Type::pubcomp) return finished(read_ack(type, body, options, out), total);
  ConnectAnswer answer;
  const Verdict verdict = read_cold(type, body, options, out, answer);
  return verdict.ok() ? finished(verdict, total) : refused(verdict, answer);
}

}  // namespace tandem::mqtt
