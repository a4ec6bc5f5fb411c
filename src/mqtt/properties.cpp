// The table of properties (MQTT 5.0 table 2-4) and the reader that it drives.
#include "mqtt/properties.hpp"

#include "base/limits.hpp"
#include "mqtt/utf8.hpp"
#include "mqtt/varint.hpp"

namespace tandem::mqtt {

namespace {

using Home = PropertyHome;
using Kind = PropertyType;

constexpr std::uint16_t in(Home home) {
  return static_cast<std::uint16_t>(home);
}
template <class... Homes>
constexpr std::uint16_t in(Home first, Homes... others) {
  return static_cast<std::uint16_t>(in(first) | in(others...));
}

constexpr std::uint16_t any_publish = in(Home::publish_from_client, Home::publish_from_server);
constexpr std::uint16_t any_disconnect = in(Home::disconnect_from_client, Home::disconnect_from_server);
constexpr std::uint16_t message = any_publish | in(Home::will);
constexpr std::uint16_t authentication = in(Home::connect, Home::connack, Home::auth);
constexpr std::uint16_t reasons = in(Home::connack, Home::ack, Home::auth) | any_disconnect;
constexpr std::uint16_t everywhere = message | authentication | reasons | in(Home::subscribe, Home::unsubscribe);

constexpr std::array<PropertyRule, property_rule_count> make_rules() {
  std::array<PropertyRule, property_rule_count> rules{};
  const auto set = [&](Property id, PropertyRule rule) { rules[static_cast<std::uint8_t>(id)] = rule; };
  const auto flag = [&](Property id, std::uint16_t homes) { set(id, {Kind::u8, homes, 0, 1}); };
  const auto plain = [&](Property id, Kind type, std::uint16_t homes) { set(id, {type, homes}); };
  const auto not_zero = [&](Property id, Kind type, std::uint16_t homes) { set(id, {type, homes, 1}); };
  flag(Property::payload_format, message);
  plain(Property::message_expiry, Kind::u32, message);
  plain(Property::content_type, Kind::text, message);
  plain(Property::response_topic, Kind::text, message);
  plain(Property::correlation_data, Kind::binary, message);
  set(Property::subscription_identifier,
      {Kind::varint, in(Home::publish_from_server, Home::subscribe), 1, max_varint, in(Home::publish_from_server)});
  plain(Property::session_expiry, Kind::u32, in(Home::connect, Home::connack, Home::disconnect_from_client));
  plain(Property::assigned_client_id, Kind::text, in(Home::connack));
  plain(Property::server_keep_alive, Kind::u16, in(Home::connack));
  plain(Property::authentication_method, Kind::text, authentication);
  plain(Property::authentication_data, Kind::binary, authentication);
  flag(Property::request_problem_information, in(Home::connect));
  plain(Property::will_delay, Kind::u32, in(Home::will));
  flag(Property::request_response_information, in(Home::connect));
  plain(Property::response_information, Kind::text, in(Home::connack));
  plain(Property::server_reference, Kind::text, in(Home::connack, Home::disconnect_from_server));
  plain(Property::reason_string, Kind::text, reasons);
  not_zero(Property::receive_maximum, Kind::u16, in(Home::connect, Home::connack));
  plain(Property::topic_alias_maximum, Kind::u16, in(Home::connect, Home::connack));
  not_zero(Property::topic_alias, Kind::u16, any_publish);
  flag(Property::maximum_qos, in(Home::connack));
  flag(Property::retain_available, in(Home::connack));
  set(Property::user_property, {Kind::text_pair, everywhere, 0, 0, everywhere});
  not_zero(Property::maximum_packet_size, Kind::u32, in(Home::connect, Home::connack));
  flag(Property::wildcard_subscription_available, in(Home::connack));
  flag(Property::subscription_identifier_available, in(Home::connack));
  flag(Property::shared_subscription_available, in(Home::connack));
  return rules;
}

// The same packet sent by the other side.
constexpr std::uint16_t other_direction(std::uint16_t home) {
  if ((home & any_publish) != 0) return any_publish;
  if ((home & any_disconnect) != 0) return any_disconnect;
  return 0;
}

std::uint32_t big_endian(ByteView bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<std::uint8_t>(byte);
  return value;
}

// Extent of a length-prefixed string at `at`: its end, or npos.
std::size_t string_end(ByteView bytes, std::size_t at) {
  if (at == ByteView::npos || bytes.size() - at < 2) return ByteView::npos;
  const std::size_t end = at + 2 + big_endian(bytes.substr(at, 2));
  return end <= bytes.size() ? end : ByteView::npos;
}

// An identifier with value, known to be of `type`; 0: not all there.
std::size_t extent(PropertyType type, ByteView rest) {
  const auto fixed = [&](std::size_t size) { return size <= rest.size() ? size : 0; };
  const auto until = [](std::size_t end) { return end == ByteView::npos ? 0 : end; };
  switch (type) {
    case Kind::none:
      return 0;
    case Kind::u8:
      return fixed(2);
    case Kind::u16:
      return fixed(3);
    case Kind::u32:
      return fixed(5);
    case Kind::text:
    case Kind::binary:
      return until(string_end(rest, 1));
    case Kind::text_pair:
      return until(string_end(rest, string_end(rest, 1)));
    case Kind::varint: {
      const Varint value = parse_varint(rest.substr(1));
      return value.status == VarintStatus::ok ? std::size_t{1} + value.size : 0;
    }
  }
  return 0;
}

}  // namespace

constexpr std::array<PropertyRule, property_rule_count> property_rules = make_rules();

std::size_t property_extent(ByteView rest) {
  if (rest.empty()) return 0;
  const auto id = static_cast<std::uint8_t>(rest[0]);
  return id < property_rule_count ? extent(property_rules[id].type, rest) : 0;
}

bool PropertyReader::fail(const Verdict& verdict) {
  verdict_ = verdict;
  rest_ = {};
  return false;
}

bool PropertyReader::admitted(std::uint8_t id, const PropertyRule& rule) {
  if ((rule.homes & home_) == 0) {
    if ((rule.homes & other_direction(home_)) != 0) return fail(protocol_error("property only for the other side"));
    return fail(malformed("property not allowed in this packet"));
  }
  const std::uint64_t bit = 1ULL << id;
  if ((seen_ & bit) != 0 && (rule.repeats_in & home_) == 0) return fail(protocol_error("property repeated"));
  seen_ |= bit;
  if (static_cast<Property>(id) == Property::user_property && ++user_properties_ > limits::max_user_properties) {
    return fail({Reason::quota_exceeded, "too many user properties"});
  }
  return true;
}

// `value.raw` is known to hold all of the property.
bool PropertyReader::parse(PropertyType type, PropertyValue& value) {
  const ByteView content = value.raw.substr(1);
  switch (type) {
    case Kind::none:
      return false;
    case Kind::u8:
    case Kind::u16:
    case Kind::u32:
      value.number = big_endian(content);
      return true;
    case Kind::varint:
      value.number = parse_varint(content).value;
      return true;
    case Kind::binary:
      value.text = content.substr(2);
      return true;
    case Kind::text: {
      value.text = content.substr(2);
      const TopicText kind = check_topic_text(value.text);
      if (kind == TopicText::malformed) return fail(malformed("property is not valid UTF-8"));
      if (value.id != Property::response_topic) return true;
      if (kind == TopicText::wildcard) return fail(protocol_error("wildcard in the response topic"));
      if (value.text.empty()) return fail(protocol_error("empty response topic"));
      return true;
    }
    case Kind::text_pair: {
      const std::size_t name_size = big_endian(content.substr(0, 2));
      value.text = content.substr(2, name_size);
      value.second = content.substr(2 + name_size + 2);
      if (valid_utf8(value.text) && valid_utf8(value.second)) return true;
      return fail(malformed("user property is not valid UTF-8"));
    }
  }
  return false;
}

bool PropertyReader::next(PropertyValue& value) {
  if (rest_.empty()) return false;
  const auto id = static_cast<std::uint8_t>(rest_[0]);
  if (id >= property_rule_count || property_rules[id].type == Kind::none) return fail(malformed("unknown property"));
  const PropertyRule& rule = property_rules[id];
  if (!admitted(id, rule)) return false;
  const std::size_t size = extent(rule.type, rest_);
  if (size == 0) return fail(malformed("property cut short or not well-formed"));
  value.id = static_cast<Property>(id);
  value.raw = rest_.substr(0, size);
  rest_.remove_prefix(size);
  if (!parse(rule.type, value)) return false;
  const bool number = rule.type <= Kind::varint;
  if (number && (value.number < rule.least || value.number > rule.most)) {
    if (value.id == Property::topic_alias) return fail({Reason::topic_alias_invalid, "topic alias 0"});
    return fail(protocol_error("property value out of range"));
  }
  return true;
}

Verdict take_property_bytes(ByteReader& body, ByteView& properties) {
  const Varint size = parse_varint(body.rest());
  if (size.status != VarintStatus::ok) return malformed("property length missing or not well-formed");
  body.bytes(size.size);
  properties = body.bytes(size.value);
  return body.ok() ? Verdict{} : malformed("property length larger than the packet");
}

}  // namespace tandem::mqtt
