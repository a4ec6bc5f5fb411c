// Test client's MQTT bytes, writing side.
#include "tests/client/packet.hpp"
#include "tests/client/property_kind.hpp"

namespace tandem::test {

std::string u16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string u32(uint32_t value) {
  return u16(static_cast<uint16_t>(value >> 16)) + u16(static_cast<uint16_t>(value & 0xffff));
}

std::string varint(uint32_t value) {
  std::string out;
  do {
    uint32_t low = value & 0x7f;
    value >>= 7;
    out += static_cast<char>(value != 0 ? low | 0x80 : low);
  } while (value != 0);
  return out;
}

std::string text(std::string_view value) {
  return u16(static_cast<uint16_t>(value.size())).append(value);
}

std::string encode_properties(const Properties& properties) {
  std::string out;
  for (const Property& property : properties.all()) {
    out += static_cast<char>(property.id);
    switch (property_kind(property.id)) {
      case PropertyKind::byte:
        out += static_cast<char>(property.number);
        break;
      case PropertyKind::two_bytes:
        out += u16(static_cast<uint16_t>(property.number));
        break;
      case PropertyKind::four_bytes:
        out += u32(property.number);
        break;
      case PropertyKind::variable:
        out += varint(property.number);
        break;
      case PropertyKind::text:
      case PropertyKind::binary:
        out += text(property.text);
        break;
      case PropertyKind::pair:
        out += text(property.text) + text(property.value);
        break;
      case PropertyKind::unknown:
        throw ClientError(ClientError::Kind::protocol, "no MQTT 5 property has id " + std::to_string(property.id));
    }
  }
  return varint(static_cast<uint32_t>(out.size())) + out;
}

std::string frame(Type type, uint8_t flags, std::string_view body) {
  std::string out(1, static_cast<char>((static_cast<uint32_t>(type) << 4) | flags));
  return (out + varint(static_cast<uint32_t>(body.size()))).append(body);
}

namespace {

uint8_t connect_flags(const Connect& connect) {
  uint32_t flags = connect.clean ? 2 : 0;
  if (connect.will) {
    flags |= 4U | (static_cast<uint32_t>(connect.will->qos) << 3) | (connect.will->retain ? 0x20U : 0U);
  }
  if (connect.password) flags |= 0x40U;
  if (connect.username) flags |= 0x80U;
  return static_cast<uint8_t>(flags);
}

}  // namespace

std::string encode_connect(const Connect& connect) {
  std::string body = text(connect.version == 3 ? "MQIsdp" : "MQTT");
  body += static_cast<char>(connect.version);
  body += static_cast<char>(connect_flags(connect));
  body += u16(connect.keepalive_s);
  if (connect.version == 5) {
    Properties properties = connect.properties;
    if (connect.session_expiry_s) properties.number(prop::session_expiry, *connect.session_expiry_s);
    body += encode_properties(properties);
  }
  body += text(connect.client_id);
  if (connect.will) {
    if (connect.version == 5) {
      Properties properties = connect.will->properties;
      if (connect.will->delay_s) properties.number(prop::will_delay, *connect.will->delay_s);
      body += encode_properties(properties);
    }
    body += text(connect.will->topic) + text(connect.will->payload);
  }
  if (connect.username) body += text(*connect.username);
  if (connect.password) body += text(*connect.password);
  return frame(Type::connect, 0, body);
}

std::string encode_publish(const Publish& publish, uint8_t version) {
  std::string body = text(publish.topic);
  if (publish.qos > 0) body += u16(publish.pid);
  if (version == 5) body += encode_properties(publish.properties);
  body += publish.payload;
  uint32_t flags = (publish.dup ? 8U : 0U) | (static_cast<uint32_t>(publish.qos) << 1) | (publish.retain ? 1U : 0U);
  return frame(Type::publish, static_cast<uint8_t>(flags), body);
}

std::string encode_subscribe(uint16_t pid, const std::vector<Filter>& filters, uint8_t version,
                             const Properties& properties) {
  std::string body = u16(pid);
  if (version == 5) body += encode_properties(properties);
  for (const Filter& filter : filters) {
    body += text(filter.filter);
    body += static_cast<char>(filter.options);
  }
  return frame(Type::subscribe, 2, body);
}

std::string encode_unsubscribe(uint16_t pid, const std::vector<std::string>& filters, uint8_t version,
                               const Properties& properties) {
  std::string body = u16(pid);
  if (version == 5) body += encode_properties(properties);
  for (const std::string& filter : filters) body += text(filter);
  return frame(Type::unsubscribe, 2, body);
}

std::string encode_ack(Type type, uint16_t pid, uint8_t version, uint8_t code, const Properties& properties) {
  std::string body = u16(pid);
  if (version == 5 && (code != 0 || !properties.empty())) {
    body += static_cast<char>(code);
    if (!properties.empty()) body += encode_properties(properties);
  }
  return frame(type, type == Type::pubrel ? 2 : 0, body);
}

std::string encode_pingreq() {
  return frame(Type::pingreq, 0, {});
}

std::string encode_disconnect(uint8_t version, uint8_t code, const Properties& properties) {
  std::string body;
  if (version == 5 && (code != 0 || !properties.empty())) {
    body += static_cast<char>(code);
    if (!properties.empty()) body += encode_properties(properties);
  }
  return frame(Type::disconnect, 0, body);
}

std::string encode_auth(uint8_t code, const Properties& properties) {
  return frame(Type::auth, 0, std::string(1, static_cast<char>(code)) + encode_properties(properties));
}

}  // namespace tandem::test
