// See random_packets.hpp.
#include "random_packets.hpp"

#include "mqtt/decode_parts.hpp"
#include "mqtt/varint.hpp"

namespace tandem::mqtt::test {

bool sends(Type type, Version version, bool from_client) {
  switch (type) {
    case Type::connect:
    case Type::subscribe:
    case Type::unsubscribe:
    case Type::pingreq:
      return from_client;
    case Type::connack:
    case Type::suback:
    case Type::unsuback:
    case Type::pingresp:
      return !from_client;
    case Type::disconnect:
      return from_client || version == Version::v5;
    case Type::auth:
      return version == Version::v5;
    default:
      return true;
  }
}

std::string_view PacketMaker::keep(std::string text) {
  return texts_.emplace_back(std::move(text));
}

// Letters of one to four bytes, among them U+FEFF and the highest.
std::string_view PacketMaker::text(std::size_t most_letters) {
  static const char* const letters[] = {"a",
                                        "Z",
                                        "0",
                                        "/",
                                        "$",
                                        " ",
                                        "\x7F",
                                        "\xC3\xA9",
                                        "\xEF\xBB\xBF",
                                        "\xE6\xB0\xB4",
                                        "\xF0\x9F\x9A\x80",
                                        "\xF4\x8F\xBF\xBF"};
  std::string text;
  for (std::uint64_t n = below(most_letters + 1); n > 0; --n) text += letters[below(std::size(letters))];
  return keep(std::move(text));
}

std::string_view PacketMaker::topic() {
  return keep("t" + std::string(text(below(20) == 0 ? 150 : 12)));
}

ByteView PacketMaker::bytes(std::size_t most) {
  std::string bytes(below(most + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_());
  return keep(std::move(bytes));
}

std::uint32_t PacketMaker::u32() {
  return static_cast<std::uint32_t>(random_() >> below(32) >> 32);
}

std::uint16_t PacketMaker::u16_not_zero() {
  return static_cast<std::uint16_t>(1 + below(0xFFFF));
}

Reason PacketMaker::reason(Type type, Version version, bool from_client) {
  for (;;) {
    const auto reason = static_cast<Reason>(below(256));
    if (!reason_allowed(type, reason, from_client)) continue;
    if (version == Version::v5) return reason;
    if (type == Type::suback && is_error(reason) && reason != Reason::unspecified_error) continue;
    return reason;
  }
}

std::vector<UserProperty> PacketMaker::user_properties() {
  std::vector<UserProperty> result;
  for (std::uint64_t n = chance() ? 0 : below(4); n > 0; --n) result.push_back({text(5), text(5)});
  return result;
}

// Properties that a PUBLISH or a will forwards, as bytes.
ByteView PacketMaker::message_properties() {
  ByteBuffer buffer;
  ByteWriter writer(buffer);
  const auto text_property = [&](Property id, ByteView value) {
    writer.u8(static_cast<std::uint8_t>(id)).bytes_u16_be(value);
  };
  if (chance()) text_property(Property::correlation_data, bytes(10));
  if (chance()) text_property(Property::content_type, text(5));
  if (chance()) text_property(Property::response_topic, topic());
  for (const UserProperty& user : user_properties()) {
    text_property(Property::user_property, user.name);
    writer.bytes_u16_be(user.value);
  }
  if (chance()) writer.u8(static_cast<std::uint8_t>(Property::payload_format)).u8(chance() ? 1 : 0);
  return keep(std::move(buffer));
}

Properties PacketMaker::reason_properties(Version version) {
  Properties properties;
  if (version != Version::v5 || chance()) return properties;
  if (chance()) properties.reason_string = text(8);
  properties.user = user_properties();
  return properties;
}

Packet PacketMaker::connect(Version version) {
  Connect connect;
  connect.version = version;
  connect.bridge = version != Version::v5 && below(4) == 0;
  connect.clean_start = chance();
  connect.keep_alive_s = static_cast<std::uint16_t>(u32());
  connect.client_id = text(10);
  if (chance()) {
    Will& will = connect.will.emplace();
    will.topic = topic();
    will.payload = bytes(20);
    will.qos = qos();
    will.retain = chance();
    if (version == Version::v5) {
      will.delay_s = chance() ? u32() : 0;
      if (chance()) will.message_expiry_s = u32();
      will.forwarded_properties = message_properties();
    }
  }
  if (chance()) connect.username = text(10);
  if (chance() && (version == Version::v5 || connect.username)) connect.password = bytes(10);
  if (version != Version::v5) return connect;
  Properties& properties = connect.properties;
  if (chance()) properties.session_expiry_s = u32();
  if (chance()) properties.receive_maximum = u16_not_zero();
  if (chance()) properties.maximum_packet_bytes = 1 + u32() / 2;
  if (chance()) properties.topic_alias_maximum = static_cast<std::uint16_t>(u32());
  if (chance()) properties.request_problem_information = static_cast<std::uint8_t>(below(2));
  if (chance()) properties.request_response_information = static_cast<std::uint8_t>(below(2));
  if (chance()) properties.authentication_method = text(5);
  if (properties.authentication_method && chance()) properties.authentication_data = bytes(9);
  properties.user = user_properties();
  return connect;
}

Packet PacketMaker::connack(Version version) {
  Connack connack;
  do {
    connack.reason = reason(Type::connack, version, false);
  } while (version != Version::v5 &&
           from_v3_connack_code(to_v3_connack_code(connack.reason).value_or(9)) != connack.reason);
  connack.session_present = version != Version::v31 && connack.reason == Reason::success && chance();
  if (version != Version::v5) return connack;
  Properties& properties = connack.properties = reason_properties(version);
  const auto flag = [&](std::optional<std::uint8_t>& to) {
    if (chance()) to = static_cast<std::uint8_t>(below(2));
  };
  flag(properties.maximum_qos);
  flag(properties.retain_available);
  flag(properties.wildcard_subscription_available);
  flag(properties.subscription_identifier_available);
  flag(properties.shared_subscription_available);
  if (chance()) properties.session_expiry_s = u32();
  if (chance()) properties.receive_maximum = u16_not_zero();
  if (chance()) properties.maximum_packet_bytes = 1 + u32() / 2;
  if (chance()) properties.assigned_client_id = text(8);
  if (chance()) properties.topic_alias_maximum = static_cast<std::uint16_t>(u32());
  if (chance()) properties.server_keep_alive_s = static_cast<std::uint16_t>(u32());
  if (chance()) properties.response_information = text(8);
  if (chance()) properties.server_reference = text(8);
  return connack;
}

Packet PacketMaker::publish(Version version, bool from_client) {
  Publish publish;
  publish.topic = topic();
  publish.payload = bytes(below(10) == 0 ? 20'000 : 40);
  publish.qos = qos();
  publish.retain = chance();
  if (publish.qos != Qos::at_most_once) {
    publish.packet_id = u16_not_zero();
    publish.dup = chance();
  }
  if (version != Version::v5) return publish;
  if (chance()) publish.topic_alias = u16_not_zero();
  if (publish.topic_alias != 0 && chance()) publish.topic = {};
  if (chance()) publish.message_expiry_s = u32();
  if (chance()) publish.properties = message_properties();
  for (std::uint64_t n = from_client ? 0 : below(4); n > 0; --n) {
    publish.subscription_identifiers.push_back(1 + u32() % max_varint);
  }
  return publish;
}

Packet PacketMaker::ack(Type type, Version version, bool from_client) {
  Ack ack;
  ack.type = type;
  ack.packet_id = u16_not_zero();
  if (version != Version::v5) return ack;
  if (chance()) ack.reason = reason(type, version, from_client);
  if (chance()) return ack;
  ByteBuffer buffer;
  ByteWriter writer(buffer);
  for (const UserProperty& user : user_properties()) {
    writer.u8(static_cast<std::uint8_t>(Property::user_property)).bytes_u16_be(user.name).bytes_u16_be(user.value);
  }
  if (chance()) writer.u8(static_cast<std::uint8_t>(Property::reason_string)).bytes_u16_be(text(9));
  ack.properties = keep(std::move(buffer));
  return ack;
}

Packet PacketMaker::subscribe(Version version) {
  Subscribe subscribe;
  subscribe.packet_id = u16_not_zero();
  for (std::uint64_t n = 1 + below(5); n > 0; --n) {
    SubscriptionRequest& request = subscribe.requests.emplace_back();
    request.filter = text(8);  // valid or not: the decoder lets filters through
    request.options.qos = qos();
    if (version != Version::v5) continue;
    request.options.no_local = !request.filter.starts_with('$') && chance();
    request.options.retain_as_published = chance();
    request.options.retain_handling = static_cast<RetainHandling>(below(3));
  }
  if (version == Version::v5) {
    if (chance()) subscribe.properties.subscription_identifier = 1 + u32() % max_varint;
    subscribe.properties.user = user_properties();
  }
  return subscribe;
}

Packet PacketMaker::suback(Type type, Version version) {
  Suback suback;
  suback.type = type;
  suback.packet_id = u16_not_zero();
  suback.properties = reason_properties(version);
  if (type == Type::unsuback && version != Version::v5) return suback;
  for (std::uint64_t n = 1 + below(5); n > 0; --n) suback.reasons.push_back(reason(type, version, false));
  return suback;
}

Packet PacketMaker::unsubscribe(Version version) {
  Unsubscribe unsubscribe;
  unsubscribe.packet_id = u16_not_zero();
  for (std::uint64_t n = 1 + below(5); n > 0; --n) unsubscribe.filters.push_back(text(8));
  if (version == Version::v5) unsubscribe.properties.user = user_properties();
  return unsubscribe;
}

Packet PacketMaker::disconnect(Version version, bool from_client) {
  Disconnect disconnect;
  if (version != Version::v5) return disconnect;
  if (chance()) disconnect.reason = reason(Type::disconnect, version, from_client);
  disconnect.properties = reason_properties(version);
  if (from_client && chance()) disconnect.properties.session_expiry_s = u32();
  if (!from_client && chance()) disconnect.properties.server_reference = text(8);
  return disconnect;
}

Packet PacketMaker::auth(bool from_client) {
  Auth auth;
  auth.reason = reason(Type::auth, Version::v5, from_client);
  if (auth.reason == Reason::success && chance()) return auth;
  auth.properties = reason_properties(Version::v5);
  auth.properties.authentication_method = text(6);
  if (chance()) auth.properties.authentication_data = bytes(12);
  return auth;
}

Packet PacketMaker::make(Type type, Version version, bool from_client) {
  switch (type) {
    case Type::connect:
      return connect(version);
    case Type::connack:
      return connack(version);
    case Type::publish:
      return publish(version, from_client);
    case Type::subscribe:
      return subscribe(version);
    case Type::suback:
    case Type::unsuback:
      return suback(type, version);
    case Type::unsubscribe:
      return unsubscribe(version);
    case Type::pingreq:
      return Pingreq{};
    case Type::pingresp:
      return Pingresp{};
    case Type::disconnect:
      return disconnect(version, from_client);
    case Type::auth:
      return auth(from_client);
    default:
      return ack(type, version, from_client);
  }
}

}  // namespace tandem::mqtt::test
