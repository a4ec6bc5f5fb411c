// The few MQTT bytes that the load generator handles per message.
#include "tests/bench/frames.hpp"

#include "tests/client/packet.hpp"

namespace tandem::bench {

PublishTemplate::PublishTemplate(const std::string& topic, uint8_t qos, uint8_t version, size_t payload_bytes) {
  test::Publish publish;
  publish.topic = topic;
  publish.qos = qos;
  publish.pid = 1;
  publish.payload.assign(payload_bytes, 'x');
  std::string bytes = test::encode_publish(publish, version);
  bytes_.assign(bytes.begin(), bytes.end());
  payload_at_ = bytes_.size() - payload_bytes;
  // MQTT 5 puts an empty property list (one byte) between packet id and payload.
  if (qos > 0) pid_at_ = payload_at_ - (version == 5 ? 3 : 2);
}

bool read_publish(uint8_t first_byte, const char* body, size_t length, uint8_t version, Incoming& out) {
  if (length < 2) return false;
  size_t at = 2 + size_t{read_u16(body)};
  out.qos = (first_byte >> 1) & 3;
  if (out.qos > 0) {
    if (at + 2 > length) return false;
    out.pid = read_u16(body + at);
    at += 2;
  }
  if (version == 5) {
    size_t properties = 0;
    for (uint32_t shift = 0;; shift += 7) {
      if (at >= length || shift > 21) return false;
      auto next = static_cast<uint8_t>(body[at++]);
      properties |= static_cast<size_t>(next & 0x7f) << shift;
      if ((next & 0x80) == 0) break;
    }
    at += properties;
  }
  if (at + sizeof(Stamp) > length) return false;
  std::memcpy(&out.stamp, body + at, sizeof(Stamp));
  return out.stamp.magic == Stamp::magic_value;
}

}  // namespace tandem::bench
