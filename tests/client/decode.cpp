// Test client's MQTT bytes, reading side: strict, because a broker's mistake must fail the test that sees it.
#include "tests/client/packet.hpp"
#include "tests/client/property_kind.hpp"

namespace tandem::test {

const char* name_of(Type type) {
  static constexpr const char* names[] = {"RESERVED", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
                                          "PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
                                          "PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH"};
  return names[static_cast<uint8_t>(type) & 15];
}

const Property* Properties::find(uint8_t id) const {
  for (const Property& property : items_) {
    if (property.id == id) return &property;
  }
  return nullptr;
}

size_t Properties::count(uint8_t id) const {
  size_t found = 0;
  for (const Property& property : items_) found += property.id == id ? 1 : 0;
  return found;
}

std::optional<uint32_t> Properties::number(uint8_t id) const {
  const Property* found = find(id);
  return found != nullptr ? std::optional(found->number) : std::nullopt;
}

std::optional<std::string> Properties::text(uint8_t id) const {
  const Property* found = find(id);
  return found != nullptr ? std::optional(found->text) : std::nullopt;
}

std::vector<std::pair<std::string, std::string>> Properties::users() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Property& property : items_) {
    if (property.id == prop::user_property) out.emplace_back(property.text, property.value);
  }
  return out;
}

std::string describe(const Packet& packet) {
  std::string out = name_of(packet.type);
  if (packet.pid != 0) out += " pid " + std::to_string(packet.pid);
  if (packet.type == Type::publish) {
    out += " topic '" + packet.topic + "', " + std::to_string(packet.payload.size()) + " bytes, QoS " +
           std::to_string(packet.qos());
  }
  for (uint8_t code : packet.codes) out += " code " + std::to_string(code);
  if (std::optional<std::string> reason = packet.properties.text(prop::reason_string)) {
    out += " (" + *reason + ")";
  }
  return out;
}

namespace {

[[noreturn]] void bad(Type type, const std::string& what) {
  throw ClientError(ClientError::Kind::protocol, std::string("the broker's ") + name_of(type) + ": " + what);
}

// Reads forward through one packet's body; running out of bytes is the broker's mistake.
class Reader {
 public:
  Reader(Type type, std::string_view bytes) : type_(type), bytes_(bytes) {}

  std::string_view take(size_t count) {
    if (count > bytes_.size()) bad(type_, "ends too early");
    std::string_view out = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return out;
  }
  uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }
  uint16_t two() {
    uint32_t high = byte();
    return static_cast<uint16_t>((high << 8) | byte());
  }
  uint32_t four() {
    uint32_t high = two();
    return (high << 16) | two();
  }
  uint32_t variable() {
    uint32_t out = 0;
    for (uint32_t shift = 0; shift < 28; shift += 7) {
      uint32_t next = byte();
      out |= (next & 0x7f) << shift;
      if ((next & 0x80) != 0) continue;
      if (next == 0 && shift != 0) bad(type_, "variable byte integer not minimal (MQTT5-1.5.5-1)");
      return out;
    }
    bad(type_, "variable byte integer longer than 4 bytes");
  }
  std::string text() { return std::string(take(two())); }
  std::string rest() { return std::string(take(bytes_.size())); }
  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size(); }

  Properties properties() {
    Reader inner(type_, take(variable()));
    Properties out;
    while (!inner.empty()) out.add(inner.property());
    return out;
  }

 private:
  Property property() {
    Property out;
    out.id = byte();
    switch (property_kind(out.id)) {
      case PropertyKind::byte:
        out.number = byte();
        break;
      case PropertyKind::two_bytes:
        out.number = two();
        break;
      case PropertyKind::four_bytes:
        out.number = four();
        break;
      case PropertyKind::variable:
        out.number = variable();
        break;
      case PropertyKind::text:
      case PropertyKind::binary:
        out.text = text();
        break;
      case PropertyKind::pair:
        out.text = text();
        out.value = text();
        break;
      case PropertyKind::unknown:
        bad(type_, "unknown property " + std::to_string(out.id));
    }
    return out;
  }

  Type type_;
  std::string_view bytes_;
};

void read_publish(Reader& in, Packet& out, uint8_t version) {
  if (out.qos() == 3) bad(out.type, "QoS 3 (MQTT-3.3.1-4)");
  if (out.qos() == 0 && out.dup()) bad(out.type, "DUP with QoS 0 (MQTT-3.3.1-2)");
  out.topic = in.text();
  if (out.topic.find_first_of("+#") != std::string::npos) bad(out.type, "wildcard in its topic (MQTT-3.3.2-2)");
  if (out.qos() > 0) {
    out.pid = in.two();
    if (out.pid == 0) bad(out.type, "packet id 0 (MQTT-2.3.1-1)");
  }
  if (version == 5) out.properties = in.properties();
  if (out.topic.empty() && !out.properties.has(prop::topic_alias)) bad(out.type, "empty topic without an alias");
  out.payload = in.rest();
}

void read_connack(Reader& in, Packet& out, uint8_t version) {
  uint8_t acknowledge = in.byte();
  if (acknowledge > 1) bad(out.type, "reserved acknowledge flags set (MQTT-3.2.2-1)");
  out.session_present = acknowledge == 1;
  out.codes = {in.byte()};
  if (out.session_present && out.code() != 0) bad(out.type, "session present with a refusal (MQTT-3.2.2-4)");
  if (version == 5) out.properties = in.properties();
}

// PUBACK, PUBREC, PUBREL, PUBCOMP.
void read_ack(Reader& in, Packet& out, uint8_t version) {
  out.pid = in.two();
  if (out.pid == 0) bad(out.type, "packet id 0");
  out.codes = {0};
  if (version != 5 || in.empty()) return;
  out.codes = {in.byte()};
  if (!in.empty()) out.properties = in.properties();
}

void read_codes(Reader& in, Packet& out, uint8_t version) {
  out.pid = in.two();
  if (version == 5) out.properties = in.properties();
  if (version != 5 && out.type == Type::unsuback) return;
  if (in.empty()) bad(out.type, "no reason code");
  while (!in.empty()) out.codes.push_back(in.byte());
}

// DISCONNECT and AUTH: a broker may send them in MQTT 5 only.
void read_reason(Reader& in, Packet& out, uint8_t version) {
  if (version != 5) bad(out.type, "not allowed from a server before MQTT 5");
  out.codes = {0};
  if (in.empty()) return;
  out.codes = {in.byte()};
  if (!in.empty()) out.properties = in.properties();
}

void read_body(Reader& in, Packet& out, uint8_t version) {
  switch (out.type) {
    case Type::connack:
      return read_connack(in, out, version);
    case Type::publish:
      return read_publish(in, out, version);
    case Type::puback:
    case Type::pubrec:
    case Type::pubrel:
    case Type::pubcomp:
      return read_ack(in, out, version);
    case Type::suback:
    case Type::unsuback:
      return read_codes(in, out, version);
    case Type::pingresp:
      return;
    case Type::disconnect:
    case Type::auth:
      return read_reason(in, out, version);
    default:
      bad(out.type, "a server never sends it");
  }
}

// Length of the body and of the fixed header; nothing while the header is incomplete.
std::optional<std::pair<size_t, size_t>> read_length(std::string_view bytes) {
  size_t length = 0;
  for (size_t i = 1; i < bytes.size(); ++i) {
    auto next = static_cast<uint8_t>(bytes[i]);
    length |= static_cast<size_t>(next & 0x7f) << (7 * (i - 1));
    if ((next & 0x80) == 0) {
      if (next == 0 && i > 1) {
        throw ClientError(ClientError::Kind::protocol, "the broker's remaining length is not minimal");
      }
      return std::pair(length, i + 1);
    }
    if (i == 4) throw ClientError(ClientError::Kind::protocol, "the broker's remaining length is over 4 bytes");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Packet> take_packet(std::string_view& bytes, uint8_t version) {
  std::optional<std::pair<size_t, size_t>> lengths = read_length(bytes);
  if (!lengths || bytes.size() < lengths->first + lengths->second) return std::nullopt;
  Packet out;
  auto first = static_cast<uint8_t>(bytes[0]);
  out.type = static_cast<Type>(first >> 4);
  out.flags = first & 15;
  out.size = lengths->first + lengths->second;
  uint8_t reserved = out.type == Type::pubrel ? 2 : 0;
  if (out.type != Type::publish && out.flags != reserved) bad(out.type, "reserved header flags (MQTT-2.2.2-1)");
  Reader in(out.type, bytes.substr(lengths->second, lengths->first));
  read_body(in, out, version);
  if (!in.empty()) bad(out.type, std::to_string(in.size()) + " bytes too many");
  bytes.remove_prefix(lengths->first + lengths->second);
  return out;
}

}  // namespace tandem::test
