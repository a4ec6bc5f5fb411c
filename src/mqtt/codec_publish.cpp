// The hot writers: PUBLISH and the four acks go straight into the connection's buffer.
#include "base/check.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/varint.hpp"

namespace tandem::mqtt {

namespace {

// Sizes of the parts of a PUBLISH in bytes.
struct Layout {
  std::size_t properties = 0;  // without their length
  std::size_t remaining = 0;   // all behind the fixed header
};

std::size_t properties_size(const PublishParts& parts) {
  std::size_t size = parts.properties.size();
  if (parts.topic_alias != 0) size += 3;
  if (parts.message_expiry_s) size += 5;
  for (std::size_t i = 0; i < parts.subscription_identifier_count; ++i) {
    size += 1 + varint_size(parts.subscription_identifiers[i]);
  }
  return size;
}

Layout layout_of(const PublishParts& parts, Version version) {
  Layout layout;
  layout.remaining = 2 + parts.topic.size() + parts.payload.size();
  if (parts.qos != Qos::at_most_once) layout.remaining += 2;  // [MQTT5-2.2.1-2]
  if (version == Version::v5) {
    layout.properties = properties_size(parts);
    CHECK(layout.properties <= max_varint);
    layout.remaining += varint_size(static_cast<std::uint32_t>(layout.properties)) + layout.properties;
  }
  CHECK(parts.topic.size() <= 0xFFFF && layout.remaining <= max_varint);
  return layout;
}

std::size_t total_size(const Layout& layout) {
  return 1 + varint_size(static_cast<std::uint32_t>(layout.remaining)) + layout.remaining;
}

char* write_u16(char* to, std::size_t value) {
  *to++ = static_cast<char>(value >> 8);
  *to++ = static_cast<char>(value & 0xFF);
  return to;
}

char* write_bytes(char* to, ByteView bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

char* write_id(char* to, Property id) {
  *to++ = static_cast<char>(id);
  return to;
}

char* write_properties(char* to, const PublishParts& parts, std::size_t size) {
  to = write_varint(to, static_cast<std::uint32_t>(size));
  if (size == 0) return to;
  if (parts.topic_alias != 0) to = write_u16(write_id(to, Property::topic_alias), parts.topic_alias);
  if (parts.message_expiry_s) {
    to = write_u16(write_id(to, Property::message_expiry), *parts.message_expiry_s >> 16);
    to = write_u16(to, *parts.message_expiry_s & 0xFFFF);
  }
  for (std::size_t i = 0; i < parts.subscription_identifier_count; ++i) {
    CHECK(parts.subscription_identifiers[i] >= 1 && parts.subscription_identifiers[i] <= max_varint);
    to = write_varint(write_id(to, Property::subscription_identifier), parts.subscription_identifiers[i]);
  }
  return write_bytes(to, parts.properties);
}

bool is_hot(Property id) {
  return id == Property::topic_alias || id == Property::message_expiry || id == Property::subscription_identifier;
}

}  // namespace

std::size_t publish_size(const PublishParts& parts, Version version) {
  return total_size(layout_of(parts, version));
}

void encode_publish(const PublishParts& parts, Version version, ByteBuffer& out) {
  // The buffer grows by all but the payload, which is then appended: large ones are not zeroed first.
  encode_publish_head(parts, version, out);
  out.append(parts.payload);
}

void encode_publish_head(const PublishParts& parts, Version version, ByteBuffer& out) {
  const bool acked = parts.qos != Qos::at_most_once;
  CHECK(acked == (parts.packet_id != 0) && (acked || !parts.dup));  // [MQTT5-2.2.1-2, -4, 4.3.1-1]
  const Layout layout = layout_of(parts, version);
  const std::size_t begin = out.size();
  const std::size_t before_payload = total_size(layout) - parts.payload.size();
  out.resize(begin + before_payload);
  char* to = out.data() + begin;
  *to++ = static_cast<char>(0x30U | (parts.dup ? 8U : 0U) | (static_cast<unsigned>(parts.qos) << 1) |
                            (parts.retain ? 1U : 0U));
  to = write_varint(to, static_cast<std::uint32_t>(layout.remaining));
  to = write_bytes(write_u16(to, parts.topic.size()), parts.topic);
  if (acked) to = write_u16(to, parts.packet_id);
  if (version == Version::v5) to = write_properties(to, parts, layout.properties);
  CHECK(to == out.data() + begin + before_payload);
}

PublishForm form_of(const Publish& packet, Version version) {
  if (packet.filtered || packet.topic.empty()) return {};
  return {packet.whole, static_cast<std::size_t>(packet.topic.data() + packet.topic.size() - packet.whole.data()),
          version, packet.qos};
}

PublishForm form_of(const PublishParts& parts, Version version, ByteView bytes) {
  const std::size_t length_size = varint_size(static_cast<std::uint32_t>(layout_of(parts, version).remaining));
  return {bytes, 1 + length_size + 2 + parts.topic.size(), version, parts.qos};
}

void append_publish(const PublishForm& form, std::uint16_t packet_id, bool retain, ByteBuffer& out) {
  const bool acked = form.qos != Qos::at_most_once;
  CHECK(acked == (packet_id != 0));
  const std::size_t begin = out.size();
  out.append(form.bytes);
  out[begin] = static_cast<char>(0x30U | (static_cast<unsigned>(form.qos) << 1) | (retain ? 1U : 0U));
  if (acked) write_u16(out.data() + begin + form.id_at, packet_id);
}

ByteView append_publish_head(const PublishForm& form, std::uint16_t packet_id, bool retain, ByteBuffer& out) {
  const std::size_t size = form.id_at + (form.qos == Qos::at_most_once ? 0 : 2);
  PublishForm head = form;
  head.bytes = form.bytes.substr(0, size);
  append_publish(head, packet_id, retain, out);
  return form.bytes.substr(size);
}

void encode_ack(Type type, std::uint16_t packet_id, Reason reason, Version version, ByteBuffer& out) {
  CHECK(type >= Type::puback && type <= Type::pubcomp && packet_id != 0);
  const std::size_t begin = out.size();
  append_short_ack(type, packet_id, out);
  if (version != Version::v5 || reason == Reason::success) return;  // U-18
  out[begin + 1] = 3;
  out.push_back(static_cast<char>(reason));
}

void forwarded_properties(ByteView properties, ByteBuffer& out) {
  while (!properties.empty()) {
    const std::size_t size = property_extent(properties);
    CHECK(size != 0);  // the decoder let them through
    if (!is_hot(static_cast<Property>(properties[0]))) out.append(properties.substr(0, size));
    properties.remove_prefix(size);
  }
}

}  // namespace tandem::mqtt
