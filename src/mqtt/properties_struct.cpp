// The Properties struct from and to bytes. Written in the order of the identifiers, user properties last.
#include "base/check.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/varint.hpp"

namespace tandem::mqtt {

namespace {

void store_number(Property id, std::uint32_t number, Properties& out) {
  const auto u8 = static_cast<std::uint8_t>(number);
  const auto u16 = static_cast<std::uint16_t>(number);
  switch (id) {
    case Property::payload_format:
      out.payload_format = u8;
      return;
    case Property::message_expiry:
      out.message_expiry_s = number;
      return;
    case Property::subscription_identifier:
      out.subscription_identifier = number;
      return;
    case Property::session_expiry:
      out.session_expiry_s = number;
      return;
    case Property::server_keep_alive:
      out.server_keep_alive_s = u16;
      return;
    case Property::request_problem_information:
      out.request_problem_information = u8;
      return;
    case Property::will_delay:
      out.will_delay_s = number;
      return;
    case Property::request_response_information:
      out.request_response_information = u8;
      return;
    case Property::receive_maximum:
      out.receive_maximum = u16;
      return;
    case Property::topic_alias_maximum:
      out.topic_alias_maximum = u16;
      return;
    case Property::maximum_qos:
      out.maximum_qos = u8;
      return;
    case Property::retain_available:
      out.retain_available = u8;
      return;
    case Property::maximum_packet_size:
      out.maximum_packet_bytes = number;
      return;
    case Property::wildcard_subscription_available:
      out.wildcard_subscription_available = u8;
      return;
    case Property::subscription_identifier_available:
      out.subscription_identifier_available = u8;
      return;
    case Property::shared_subscription_available:
      out.shared_subscription_available = u8;
      return;
    default:
      CHECK(false);  // no home of a Properties struct allows another number
  }
}

void store_text(Property id, ByteView text, Properties& out) {
  switch (id) {
    case Property::content_type:
      out.content_type = text;
      return;
    case Property::response_topic:
      out.response_topic = text;
      return;
    case Property::correlation_data:
      out.correlation_data = text;
      return;
    case Property::assigned_client_id:
      out.assigned_client_id = text;
      return;
    case Property::authentication_method:
      out.authentication_method = text;
      return;
    case Property::authentication_data:
      out.authentication_data = text;
      return;
    case Property::response_information:
      out.response_information = text;
      return;
    case Property::server_reference:
      out.server_reference = text;
      return;
    case Property::reason_string:
      out.reason_string = text;
      return;
    default:
      CHECK(false);
  }
}

}  // namespace

Verdict read_properties(ByteReader& body, PropertyHome home, Properties& out) {
  ByteView bytes;
  if (const Verdict verdict = take_property_bytes(body, bytes); !verdict.ok()) return verdict;
  PropertyReader reader(bytes, home);
  PropertyValue value;
  while (reader.next(value)) {
    const PropertyType type = property_rules[static_cast<std::uint8_t>(value.id)].type;
    if (type == PropertyType::text_pair) {
      out.user.push_back({value.text, value.second});
    } else if (type <= PropertyType::varint) {
      store_number(value.id, value.number, out);
    } else {
      store_text(value.id, value.text, out);
    }
  }
  if (!reader.verdict().ok()) return reader.verdict();
  if (out.authentication_data && !out.authentication_method) {
    return protocol_error("authentication data without a method");
  }
  return {};
}

namespace {

// Appends what is set, after checking that it may stand where the caller puts it.
class PropertyWriter {
 public:
  PropertyWriter(std::uint16_t homes, ByteBuffer& out) : homes_(homes), out_(out) {}

  template <class Number>
  void number(Property id, const std::optional<Number>& value) {
    if (!value) return;
    const PropertyRule& rule = begin(id);
    CHECK(*value >= rule.least && *value <= rule.most);
    switch (rule.type) {
      case PropertyType::u8:
        out_.u8(static_cast<std::uint8_t>(*value));
        return;
      case PropertyType::u16:
        out_.u16_be(static_cast<std::uint16_t>(*value));
        return;
      case PropertyType::u32:
        out_.u32_be(*value);
        return;
      case PropertyType::varint:
        out_.varint(*value);
        return;  // same form as ours up to max_varint
      default:
        CHECK(false);
    }
  }
  void text(Property id, const std::optional<std::string_view>& value) {
    if (!value) return;
    begin(id);
    string(*value);
  }
  void pair(const UserProperty& property) {
    begin(Property::user_property);
    string(property.name);
    string(property.value);
  }

 private:
  const PropertyRule& begin(Property id) {
    const PropertyRule& rule = property_rules[static_cast<std::uint8_t>(id)];
    CHECK((rule.homes & homes_) != 0);
    out_.u8(static_cast<std::uint8_t>(id));
    return rule;
  }
  void string(std::string_view value) {
    CHECK(value.size() <= 0xFFFF);
    out_.bytes_u16_be(value);
  }

  std::uint16_t homes_;
  ByteWriter out_;
};

}  // namespace

void append_properties(const Properties& properties, std::uint16_t homes, ByteBuffer& out) {
  ByteBuffer bytes;
  PropertyWriter writer(homes, bytes);
  writer.number(Property::payload_format, properties.payload_format);
  writer.number(Property::message_expiry, properties.message_expiry_s);
  writer.text(Property::content_type, properties.content_type);
  writer.text(Property::response_topic, properties.response_topic);
  writer.text(Property::correlation_data, properties.correlation_data);
  writer.number(Property::subscription_identifier, properties.subscription_identifier);
  writer.number(Property::session_expiry, properties.session_expiry_s);
  writer.text(Property::assigned_client_id, properties.assigned_client_id);
  writer.number(Property::server_keep_alive, properties.server_keep_alive_s);
  writer.text(Property::authentication_method, properties.authentication_method);
  writer.text(Property::authentication_data, properties.authentication_data);
  writer.number(Property::request_problem_information, properties.request_problem_information);
  writer.number(Property::will_delay, properties.will_delay_s);
  writer.number(Property::request_response_information, properties.request_response_information);
  writer.text(Property::response_information, properties.response_information);
  writer.text(Property::server_reference, properties.server_reference);
  writer.text(Property::reason_string, properties.reason_string);
  writer.number(Property::receive_maximum, properties.receive_maximum);
  writer.number(Property::topic_alias_maximum, properties.topic_alias_maximum);
  writer.number(Property::maximum_qos, properties.maximum_qos);
  writer.number(Property::retain_available, properties.retain_available);
  writer.number(Property::maximum_packet_size, properties.maximum_packet_bytes);
  writer.number(Property::wildcard_subscription_available, properties.wildcard_subscription_available);
  writer.number(Property::subscription_identifier_available, properties.subscription_identifier_available);
  writer.number(Property::shared_subscription_available, properties.shared_subscription_available);
  for (const UserProperty& property : properties.user) writer.pair(property);
  CHECK(bytes.size() <= max_varint);
  ByteWriter(out).varint(bytes.size()).bytes(bytes);
}

}  // namespace tandem::mqtt
