// The few MQTT bytes that the load generator handles per message, made to cost next to nothing: a PUBLISH is
// one memcpy of a template and three patches; acknowledgements are four bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tandem::bench {

// Start of every payload, in the machine's own byte order (sender and receiver are the same program).
struct Stamp {
  int64_t sent_ns = 0;    // monotonic clock
  uint64_t sequence = 0;  // per publisher, from 0
  uint32_t publisher = 0;
  uint32_t magic = magic_value;
  static constexpr uint32_t magic_value = 0x74616e64;
};
static_assert(sizeof(Stamp) == 24);

// A PUBLISH of fixed topic, QoS and size.
class PublishTemplate {
 public:
  PublishTemplate(const std::string& topic, uint8_t qos, uint8_t version, size_t payload_bytes);

  size_t size() const { return bytes_.size(); }
  void write(char* to, uint16_t pid, const Stamp& stamp) const {
    std::memcpy(to, bytes_.data(), bytes_.size());
    if (pid_at_ != 0) {
      to[pid_at_] = static_cast<char>(pid >> 8);
      to[pid_at_ + 1] = static_cast<char>(pid & 0xff);
    }
    std::memcpy(to + payload_at_, &stamp, sizeof(stamp));
  }

 private:
  std::vector<char> bytes_;
  size_t pid_at_ = 0;  // 0: QoS 0, none
  size_t payload_at_ = 0;
};

inline void write_ack(char* to, uint8_t first_byte, uint16_t pid) {
  to[0] = static_cast<char>(first_byte);
  to[1] = 2;
  to[2] = static_cast<char>(pid >> 8);
  to[3] = static_cast<char>(pid & 0xff);
}

inline uint16_t read_u16(const char* from) {
  return static_cast<uint16_t>((static_cast<uint32_t>(static_cast<uint8_t>(from[0])) << 8) |
                               static_cast<uint8_t>(from[1]));
}

// Length of the packet at `from` including its fixed header, whose own length goes to `header`; 0 if not all
// of the header is there; -1 for a malformed length.
inline int64_t packet_size(const char* from, size_t available, size_t& header) {
  size_t length = 0;
  for (size_t i = 1; i < available && i <= 4; ++i) {
    auto next = static_cast<uint8_t>(from[i]);
    length |= static_cast<size_t>(next & 0x7f) << (7 * (i - 1));
    if ((next & 0x80) == 0) {
      header = i + 1;
      return static_cast<int64_t>(length + header);
    }
    if (i == 4) return -1;
  }
  return 0;
}

// What an incoming PUBLISH carries that the load generator looks at.
struct Incoming {
  uint8_t qos = 0;
  uint16_t pid = 0;
  Stamp stamp;
};

// Reads the body of a PUBLISH; false if it is malformed or not one of ours.
bool read_publish(uint8_t first_byte, const char* body, size_t length, uint8_t version, Incoming& out);

}  // namespace tandem::bench
