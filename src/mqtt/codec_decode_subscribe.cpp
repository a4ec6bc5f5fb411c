// Decoding of SUBSCRIBE, UNSUBSCRIBE and their acks. Whether a filter is valid is not decided here: the core
// answers filter by filter.
#include "mqtt/decode_parts.hpp"
#include "mqtt/topic.hpp"

namespace tandem::mqtt {

namespace {

// The options byte: 5.0 [MQTT5-3.8.3-4, -5] and U-14; 3.x has only the QoS [MQTT311-3.8.3-4].
Verdict check_options(std::uint8_t options, std::string_view filter, Version version) {
  const unsigned qos = options & 3U;
  if (version != Version::v5) {
    return (options & 0xFCU) == 0 && qos != 3 ? Verdict{} : malformed("reserved subscription options");
  }
  if ((options & 0xC0U) != 0) return malformed("reserved subscription options");
  if (qos == 3) return protocol_error("subscription with QoS 3");
  if ((options & 0x30U) == 0x30U) return protocol_error("retain handling 3");
  if ((options & 4U) != 0 && parse_shared(filter)) return protocol_error("no local on a shared subscription");
  return {};
}

SubscriptionOptions to_options(std::uint8_t options) {
  SubscriptionOptions result;
  result.qos = static_cast<Qos>(options & 3U);
  result.no_local = (options & 4U) != 0;
  result.retain_as_published = (options & 8U) != 0;
  result.retain_handling = static_cast<RetainHandling>((options >> 4) & 3U);
  return result;
}

}  // namespace

Verdict read_subscribe(ByteView bytes, Version version, Packet& out) {
  Subscribe& subscribe = out.emplace<Subscribe>();
  ByteReader body(bytes);
  if (const Verdict verdict = take_packet_id(body, subscribe.packet_id); !verdict.ok()) return verdict;
  if (version == Version::v5) {
    const Verdict verdict = read_properties(body, PropertyHome::subscribe, subscribe.properties);
    if (!verdict.ok()) return verdict;
  }
  if (body.at_end()) return protocol_error("SUBSCRIBE without a filter");  // [MQTT5-3.8.3-2]
  while (!body.at_end()) {
    SubscriptionRequest& request = subscribe.requests.emplace_back();
    if (const Verdict verdict = take_text(body, request.filter); !verdict.ok()) return verdict;
    const std::uint8_t options = body.u8();
    if (!body.ok()) return malformed("SUBSCRIBE cut short");
    if (const Verdict verdict = check_options(options, request.filter, version); !verdict.ok()) return verdict;
    request.options = to_options(options);
  }
  return {};
}

Verdict read_unsubscribe(ByteView bytes, Version version, Packet& out) {
  Unsubscribe& unsubscribe = out.emplace<Unsubscribe>();
  ByteReader body(bytes);
  if (const Verdict verdict = take_packet_id(body, unsubscribe.packet_id); !verdict.ok()) return verdict;
  if (version == Version::v5) {
    const Verdict verdict = read_properties(body, PropertyHome::unsubscribe, unsubscribe.properties);
    if (!verdict.ok()) return verdict;
  }
  if (body.at_end()) return protocol_error("UNSUBSCRIBE without a filter");  // [MQTT5-3.10.3-2]
  while (!body.at_end()) {
    if (const Verdict verdict = take_text(body, unsubscribe.filters.emplace_back()); !verdict.ok()) return verdict;
  }
  return {};
}

Verdict read_suback(Type type, ByteView bytes, Version version, Packet& out) {
  Suback& suback = out.emplace<Suback>();
  suback.type = type;
  ByteReader body(bytes);
  if (const Verdict verdict = take_packet_id(body, suback.packet_id); !verdict.ok()) return verdict;
  if (version == Version::v5) {
    const Verdict verdict = read_properties(body, PropertyHome::ack, suback.properties);
    if (!verdict.ok()) return verdict;
  } else if (type == Type::unsuback) {
    return all_read(body);
  }
  if (body.at_end()) return protocol_error("SUBACK or UNSUBACK without a code");
  while (!body.at_end()) {
    const auto reason = static_cast<Reason>(body.u8());
    const bool legal = version == Version::v5 || !is_error(reason) || reason == Reason::unspecified_error;
    if (!legal || !reason_allowed(type, reason, false)) return protocol_error("reason code not for this packet");
    suback.reasons.push_back(reason);
  }
  return {};
}

}  // namespace tandem::mqtt
