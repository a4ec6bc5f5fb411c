// Encoding of any packet. Made for the rare ones: the body is built apart, then goes out behind its length.
// The hot writers are in codec_publish.cpp.
#include "base/check.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/varint.hpp"

namespace tandem::mqtt {

namespace {

constexpr std::uint16_t set_of(PropertyHome home) {
  return static_cast<std::uint16_t>(home);
}

void append_string(ByteBuffer& body, ByteView bytes) {
  CHECK(bytes.size() <= 0xFFFF);
  ByteWriter(body).bytes_u16_be(bytes);
}

void append_id(ByteBuffer& body, std::uint16_t packet_id) {
  CHECK(packet_id != 0);
  ByteWriter(body).u16_be(packet_id);
}

void append_code(ByteBuffer& body, Reason reason) {
  ByteWriter(body).u8(static_cast<std::uint8_t>(reason));
}

void append_will(ByteBuffer& body, const Will& will, Version version) {
  if (version == Version::v5) {
    ByteBuffer properties;
    ByteWriter writer(properties);
    if (will.delay_s != 0) writer.u8(static_cast<std::uint8_t>(Property::will_delay)).u32_be(will.delay_s);
    if (will.message_expiry_s) {
      writer.u8(static_cast<std::uint8_t>(Property::message_expiry)).u32_be(*will.message_expiry_s);
    }
    writer.bytes(will.forwarded_properties);
    CHECK(properties.size() <= max_varint);
    ByteWriter(body).varint(properties.size()).bytes(properties);
  }
  append_string(body, will.topic);
  append_string(body, will.payload);
}

std::uint8_t connect_flags(const Connect& connect) {
  unsigned flags = connect.clean_start ? 0x02U : 0U;
  if (connect.will) {
    flags |= 0x04U | (static_cast<unsigned>(connect.will->qos) << 3) | (connect.will->retain ? 0x20U : 0U);
  }
  if (connect.password) flags |= 0x40U;
  if (connect.username) flags |= 0x80U;
  return static_cast<std::uint8_t>(flags);
}

// Writes the body of each packet; the result is the first byte of the fixed header.
class BodyWriter {
 public:
  BodyWriter(Version version, ByteBuffer& body) : version_(version), body_(body) {}

  std::uint8_t operator()(const Pingreq&) { return first_byte(Type::pingreq); }
  std::uint8_t operator()(const Pingresp&) { return first_byte(Type::pingresp); }

  std::uint8_t operator()(const Ack& ack) {
    append_id(body_, ack.packet_id);
    const bool with_properties = v5() && !ack.properties.empty();
    if (with_properties || (v5() && ack.reason != Reason::success)) append_code(body_, ack.reason);
    if (with_properties) ByteWriter(body_).bytes_varint(ack.properties);
    return first_byte(ack.type, ack.type == Type::pubrel ? 2 : 0);
  }

  std::uint8_t operator()(const Connect& connect) {
    CHECK(connect.version == Version::v5 || !connect.password || connect.username);  // [MQTT311-3.1.2-22]
    CHECK(connect.version != Version::v5 || !connect.bridge);
    version_ = connect.version;
    append_string(body_, connect.version == Version::v31 ? "MQIsdp" : "MQTT");
    const unsigned level = static_cast<unsigned>(connect.version) | (connect.bridge ? 0x80U : 0U);
    ByteWriter(body_).u8(static_cast<std::uint8_t>(level)).u8(connect_flags(connect)).u16_be(connect.keep_alive_s);
    append(connect.properties, set_of(PropertyHome::connect));
    append_string(body_, connect.client_id);
    if (connect.will) append_will(body_, *connect.will, version_);
    if (connect.username) append_string(body_, *connect.username);
    if (connect.password) append_string(body_, *connect.password);
    return first_byte(Type::connect);
  }

  std::uint8_t operator()(const Connack& connack) {
    CHECK(!connack.session_present || connack.reason == Reason::success);  // [MQTT5-3.2.2-6]
    // MQTT 3.1 has no session present.
    ByteWriter(body_).u8(connack.session_present && version_ != Version::v31 ? 1 : 0);
    if (v5()) {
      append_code(body_, connack.reason);
    } else {
      const std::optional<std::uint8_t> code = to_v3_connack_code(connack.reason);
      CHECK(code.has_value());
      ByteWriter(body_).u8(*code);
    }
    append(connack.properties, set_of(PropertyHome::connack));
    return first_byte(Type::connack);
  }

  std::uint8_t operator()(const Subscribe& subscribe) {
    CHECK(!subscribe.requests.empty());
    append_id(body_, subscribe.packet_id);
    append(subscribe.properties, set_of(PropertyHome::subscribe));
    for (const SubscriptionRequest& request : subscribe.requests) {
      append_string(body_, request.filter);
      unsigned options = static_cast<unsigned>(request.options.qos);
      if (v5()) {
        options |= request.options.no_local ? 4U : 0U;
        options |= request.options.retain_as_published ? 8U : 0U;
        options |= static_cast<unsigned>(request.options.retain_handling) << 4;
      }
      ByteWriter(body_).u8(static_cast<std::uint8_t>(options));
    }
    return first_byte(Type::subscribe, 2);
  }

  std::uint8_t operator()(const Suback& suback) {
    append_id(body_, suback.packet_id);
    append(suback.properties, set_of(PropertyHome::ack));
    if (!v5() && suback.type == Type::unsuback) return first_byte(Type::unsuback);
    for (const Reason reason : suback.reasons) {
      append_code(body_,
                  !v5() && is_error(reason) ? Reason::unspecified_error : reason);  // [MQTT311-3.9.3-2]
    }
    return first_byte(suback.type);
  }

  std::uint8_t operator()(const Unsubscribe& unsubscribe) {
    CHECK(!unsubscribe.filters.empty());
    append_id(body_, unsubscribe.packet_id);
    append(unsubscribe.properties, set_of(PropertyHome::unsubscribe));
    for (const std::string_view filter : unsubscribe.filters) append_string(body_, filter);
    return first_byte(Type::unsubscribe, 2);
  }

  std::uint8_t operator()(const Disconnect& disconnect) {
    const auto homes = static_cast<std::uint16_t>(set_of(PropertyHome::disconnect_from_client) |
                                                  set_of(PropertyHome::disconnect_from_server));
    append_reason(disconnect.reason, disconnect.properties, homes);
    return first_byte(Type::disconnect);
  }

  std::uint8_t operator()(const Auth& auth) {
    CHECK(v5());
    ByteBuffer properties;
    append_properties(auth.properties, set_of(PropertyHome::auth), properties);
    if (auth.reason != Reason::success || properties.size() > 1) {  // the empty body is the only short form (U-20)
      append_code(body_, auth.reason);
      body_.append(properties);
    }
    return first_byte(Type::auth);
  }

 private:
  bool v5() const { return version_ == Version::v5; }

  static std::uint8_t first_byte(Type type, unsigned flags = 0) {
    return static_cast<std::uint8_t>((static_cast<unsigned>(type) << 4) | flags);
  }

  void append(const Properties& properties, std::uint16_t homes) {
    if (v5()) append_properties(properties, homes, body_);
  }

  // Reason and properties, in the shortest form (U-19).
  void append_reason(Reason reason, const Properties& properties, std::uint16_t homes) {
    if (!v5()) return;
    ByteBuffer bytes;
    append_properties(properties, homes, bytes);
    const bool with_properties = bytes.size() > 1;
    if (with_properties || reason != Reason::success) append_code(body_, reason);
    if (with_properties) body_.append(bytes);
  }

  Version version_;
  ByteBuffer& body_;
};

PublishParts parts_of(const Publish& publish, ByteView forwarded) {
  PublishParts parts;
  parts.topic = publish.topic;
  parts.properties = forwarded;
  parts.payload = publish.payload;
  parts.packet_id = publish.packet_id;
  parts.qos = publish.qos;
  parts.retain = publish.retain;
  parts.dup = publish.dup;
  parts.topic_alias = publish.topic_alias;
  parts.message_expiry_s = publish.message_expiry_s;
  parts.subscription_identifiers = publish.subscription_identifiers.data();
  parts.subscription_identifier_count = publish.subscription_identifiers.size();
  return parts;
}

}  // namespace

void encode(const Packet& packet, Version version, ByteBuffer& out) {
  if (const Publish* const publish = std::get_if<Publish>(&packet)) {
    ByteBuffer forwarded;
    forwarded_properties(publish->properties, forwarded);
    encode_publish(parts_of(*publish, forwarded), version, out);
    return;
  }
  ByteBuffer body;
  const std::uint8_t first = std::visit(
      [&](const auto& kind) -> std::uint8_t {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, Publish>) {
          CHECK(false);  // went out above
        } else {
          return BodyWriter(version, body)(kind);
        }
      },
      packet);
  CHECK(body.size() <= max_varint);
  ByteWriter(out).u8(first).varint(body.size()).bytes(body);
}

}  // namespace tandem::mqtt
