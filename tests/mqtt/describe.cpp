// See describe.hpp.
#include "describe.hpp"

#include <cstdio>

#include "mqtt/codec.hpp"

namespace tandem::mqtt::test {

namespace {

class Line {
 public:
  explicit Line(std::string_view title) : text_(title) {}

  Line& number(std::string_view name, std::uint64_t value) {
    text_.append(" ").append(name).append("=").append(std::to_string(value));
    return *this;
  }
  Line& flag(std::string_view name, bool value) {
    if (value) text_.append(" ").append(name);
    return *this;
  }
  Line& code(Reason reason) {
    char hex[8];
    std::snprintf(hex, sizeof hex, " %02X", static_cast<unsigned>(reason));
    text_.append(hex);
    return *this;
  }
  Line& bytes(std::string_view name, ByteView value) {
    text_.append(" ").append(name).append("=");
    return quoted(value);
  }
  Line& quoted(ByteView value) {
    text_.push_back('"');
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7F && c != '"' && c != '|' && c != '\\') {
        text_.push_back(c);
      } else {
        char hex[8];
        std::snprintf(hex, sizeof hex, "\\x%02X", static_cast<unsigned>(byte));
        text_.append(hex);
      }
    }
    text_.push_back('"');
    return *this;
  }
  template <class Number>
  Line& maybe(std::string_view name, const std::optional<Number>& value) {
    if (value) number(name, *value);
    return *this;
  }
  Line& maybe(std::string_view name, const std::optional<std::string_view>& value) {
    if (value) bytes(name, *value);
    return *this;
  }
  Line& properties(const Properties& p);
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

Line& Line::properties(const Properties& p) {
  maybe("payload_format", p.payload_format).maybe("message_expiry", p.message_expiry_s);
  maybe("content_type", p.content_type).maybe("response_topic", p.response_topic);
  maybe("correlation_data", p.correlation_data).maybe("subscription_identifier", p.subscription_identifier);
  maybe("session_expiry", p.session_expiry_s).maybe("assigned_client_id", p.assigned_client_id);
  maybe("server_keep_alive", p.server_keep_alive_s).maybe("authentication_method", p.authentication_method);
  maybe("authentication_data", p.authentication_data);
  maybe("request_problem_information", p.request_problem_information).maybe("will_delay", p.will_delay_s);
  maybe("request_response_information", p.request_response_information);
  maybe("response_information", p.response_information).maybe("server_reference", p.server_reference);
  maybe("reason_string", p.reason_string).maybe("receive_maximum", p.receive_maximum);
  maybe("topic_alias_maximum", p.topic_alias_maximum).maybe("maximum_qos", p.maximum_qos);
  maybe("retain_available", p.retain_available).maybe("maximum_packet_bytes", p.maximum_packet_bytes);
  maybe("wildcard_available", p.wildcard_subscription_available);
  maybe("identifier_available", p.subscription_identifier_available);
  maybe("shared_available", p.shared_subscription_available);
  for (const UserProperty& user : p.user) bytes("user_property", user.name).bytes("to", user.value);
  return *this;
}

unsigned number_of(Qos qos) {
  return static_cast<unsigned>(qos);
}

const char* title(Type type) {
  switch (type) {
    case Type::puback:
      return "PUBACK";
    case Type::pubrec:
      return "PUBREC";
    case Type::pubrel:
      return "PUBREL";
    case Type::pubcomp:
      return "PUBCOMP";
    case Type::suback:
      return "SUBACK";
    case Type::unsuback:
      return "UNSUBACK";
    default:
      return "?";
  }
}

struct Describe {
  std::string operator()(const Pingreq&) const { return "PINGREQ"; }
  std::string operator()(const Pingresp&) const { return "PINGRESP"; }
  std::string operator()(const Publish& p) const {
    Line line("PUBLISH");
    line.bytes("topic", p.topic).bytes("payload", p.payload).number("qos", number_of(p.qos));
    line.number("id", p.packet_id).flag("retain", p.retain).flag("dup", p.dup);
    if (p.topic_alias != 0) line.number("alias", p.topic_alias);
    line.maybe("message_expiry", p.message_expiry_s);
    for (const std::uint32_t id : p.subscription_identifiers) line.number("subscription_identifier", id);
    ByteBuffer forwarded;
    forwarded_properties(p.properties, forwarded);
    if (!forwarded.empty()) line.bytes("forwarded", forwarded);
    return line.take();
  }
  std::string operator()(const Ack& ack) const {
    Line line(title(ack.type));
    line.number("id", ack.packet_id).code(ack.reason);
    if (!ack.properties.empty()) line.bytes("properties", ack.properties);
    return line.take();
  }
  std::string operator()(const Connect& c) const {
    Line line("CONNECT");
    line.number("version", static_cast<unsigned>(c.version)).bytes("client_id", c.client_id);
    line.number("keep_alive", c.keep_alive_s).flag("clean", c.clean_start).flag("bridge", c.bridge);
    if (c.will) {
      line.bytes("will", c.will->topic).bytes("payload", c.will->payload).number("qos", number_of(c.will->qos));
      line.flag("retain", c.will->retain).maybe("message_expiry", c.will->message_expiry_s);
      if (c.will->delay_s != 0) line.number("delay", c.will->delay_s);
      if (!c.will->forwarded_properties.empty()) line.bytes("forwarded", c.will->forwarded_properties);
    }
    line.maybe("username", c.username).maybe("password", c.password);
    return line.properties(c.properties).take();
  }
  std::string operator()(const Connack& c) const {
    return Line("CONNACK").code(c.reason).flag("session_present", c.session_present).properties(c.properties).take();
  }
  std::string operator()(const Subscribe& s) const {
    Line line("SUBSCRIBE");
    line.number("id", s.packet_id);
    for (const SubscriptionRequest& request : s.requests) {
      line.bytes("filter", request.filter).number("qos", number_of(request.options.qos));
      line.flag("no_local", request.options.no_local).flag("as_published", request.options.retain_as_published);
      const auto handling = static_cast<unsigned>(request.options.retain_handling);
      if (handling != 0) line.number("retain_handling", handling);
    }
    return line.properties(s.properties).take();
  }
  std::string operator()(const Suback& s) const {
    Line line(title(s.type));
    line.number("id", s.packet_id);
    for (const Reason reason : s.reasons) line.code(reason);
    return line.properties(s.properties).take();
  }
  std::string operator()(const Unsubscribe& u) const {
    Line line("UNSUBSCRIBE");
    line.number("id", u.packet_id);
    for (const std::string_view filter : u.filters) line.bytes("filter", filter);
    return line.properties(u.properties).take();
  }
  std::string operator()(const Disconnect& d) const {
    return Line("DISCONNECT").code(d.reason).properties(d.properties).take();
  }
  std::string operator()(const Auth& a) const { return Line("AUTH").code(a.reason).properties(a.properties).take(); }
};

}  // namespace

std::string describe(const Packet& packet) {
  return std::visit(Describe{}, packet);
}

}  // namespace tandem::mqtt::test
