// Parts that the bytes of records and of merge facts share (docs/formats.md).
#pragma once

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "core/record.hpp"
#include "mqtt/packet.hpp"

namespace tandem::core {

inline std::uint8_t pack(const mqtt::SubscriptionOptions& options) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(options.qos) | (options.no_local ? 4U : 0U) |
                                   (options.retain_as_published ? 8U : 0U) |
                                   (static_cast<unsigned>(options.retain_handling) << 4));
}

template <class Out>
void put_message(const MessageView& m, Out& out) {
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(m.qos) | (m.retain ? 4U : 0U) |
                                   (m.expiry_s != no_expiry ? 8U : 0U)));
  if (m.expiry_s != no_expiry) out.u32_le(m.expiry_s);
  out.bytes_varint(m.topic).bytes_varint(m.properties).bytes_varint(m.payload);
}

inline mqtt::SubscriptionOptions unpack(std::uint8_t bits, ByteReader& in) {
  if ((bits & 3U) == 3U || ((bits >> 4) & 3U) == 3U || (bits & 0xC0U) != 0) in.fail();
  mqtt::SubscriptionOptions options;
  options.qos = static_cast<mqtt::Qos>(bits & 3U);
  options.no_local = (bits & 4U) != 0;
  options.retain_as_published = (bits & 8U) != 0;
  options.retain_handling = static_cast<mqtt::RetainHandling>((bits >> 4) & 3U);
  return options;
}

inline QueuePolicy get_queue_policy(ByteReader& in) {
  const std::uint8_t value = in.u8();
  if (value > static_cast<std::uint8_t>(QueuePolicy::disconnect)) in.fail();
  return static_cast<QueuePolicy>(value);
}

inline RuleOwner get_rule_owner(ByteReader& in) {
  const std::uint8_t value = in.u8();
  if (value < 1 || value > static_cast<std::uint8_t>(RuleOwner::everyone)) in.fail();
  return static_cast<RuleOwner>(value);
}

inline Right get_right(ByteReader& in) {
  const std::uint8_t value = in.u8();
  if (value > static_cast<std::uint8_t>(Right::read_write)) in.fail();
  return static_cast<Right>(value);
}

inline std::uint32_t varint32(ByteReader& in) {
  const std::uint64_t value = in.varint();
  if (value > 0xFFFFFFFFU) in.fail();
  return static_cast<std::uint32_t>(value);
}

inline MessageView get_message(ByteReader& in) {
  MessageView m;
  const std::uint8_t bits = in.u8();
  if ((bits & 3U) == 3U || (bits & 0xF0U) != 0) in.fail();
  m.qos = static_cast<mqtt::Qos>(bits & 3U);
  m.retain = (bits & 4U) != 0;
  if ((bits & 8U) != 0) m.expiry_s = in.u32_le();
  m.topic = in.bytes_varint();
  if (m.topic.size() > limits::max_topic_bytes) in.fail();
  m.properties = in.bytes_varint();
  m.payload = in.bytes_varint();
  return m;
}

}  // namespace tandem::core
